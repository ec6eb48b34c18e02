"""What else there is on a cluster, as far as serving groups make use of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Who asks for metrics: whoever reads annotations (or the monitor that our own Prometheus brings along), a Prometheus of
# somebody else by a PodMonitor, GKE's managed Prometheus by a PodMonitoring.
Scraping = Literal["annotations", "pod-monitor", "pod-monitoring"]


@dataclass(frozen=True)
class Surroundings:
    """Neighbours of serving groups.

    Attributes:
        extensions: names in the catalogue of what is installed, by this stack or by others.
        scraping: how whoever collects metrics learns of the pods.
        prometheus: address of Prometheus inside the cluster; empty where there is none.
        monitoring: namespace of what collects metrics, which may then call the pods; empty: nobody.
        mesh: namespace of Istio's control plane, which the proxies of a mesh ask.
        gateways: namespaces of gateways that pass requests on, which may then call the pods.
        balancers: addresses of load balancers outside of the cluster that do.
    """

    extensions: frozenset[str] = frozenset()
    scraping: Scraping = "annotations"
    prometheus: str = ""
    monitoring: str = ""
    mesh: str = "istio-system"
    gateways: tuple[str, ...] = ()
    balancers: tuple[str, ...] = ()

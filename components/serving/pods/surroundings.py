"""What else there is on a cluster, as far as serving groups make use of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
        monitoring: namespaces of what collects metrics, which may then call the pods.
        monitors: labels by which somebody else's Prometheus finds the monitors that are for it.
        mesh: namespace of Istio's control plane, which the proxies of a mesh ask.
        gateways: namespaces of gateways that pass requests on, which may then call the pods.
        balancers: addresses of load balancers outside of the cluster that do.
    """

    extensions: frozenset[str] = frozenset()
    scraping: Scraping = "annotations"
    prometheus: str = ""
    monitoring: tuple[str, ...] = ()
    monitors: Mapping[str, str] = field(default_factory=dict)
    mesh: str = "istio-system"
    gateways: tuple[str, ...] = ()
    balancers: tuple[str, ...] = ()

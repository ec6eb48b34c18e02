"""What the extensions of a cluster mean for the pods that serve there: who may call them, and who asks for metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from components.extensions.catalogue import CATALOGUE
from components.extensions.planning import ExtensionSet
from components.serving.placement_misfit import Misfit
from components.serving.pods.surroundings import Scraping, Surroundings
from schemas.errors import Problem
from schemas.spec import Cluster, GkeCluster, KubernetesCluster, Prometheus, Serving

PROMETHEUS: Final = "kube-prometheus-stack"
# Where GKE's managed Prometheus runs its collectors.
MANAGED: Final = "gmp-system"
# Where Knative's operator puts the gateway that stands in for Istio's.
KOURIER: Final = "knative-serving"


def surroundings(extensions: ExtensionSet, cluster: Cluster) -> Surroundings:
    """The neighbours of the serving groups of a stack."""
    where = {one.name: one.namespace for one in extensions.planned} | dict(extensions.elsewhere)
    stated = _stated(cluster)
    scraping, collector = _scraping(extensions, cluster, where.get(PROMETHEUS, ""))
    monitoring = {collector, stated.namespace} if stated else {collector}
    gateways = [where[name] for name in ("istio",) if where.get(name)]
    if "knative" in extensions.present and "istio" not in extensions.present:
        gateways.append(KOURIER)
    mesh = where.get("istio") or CATALOGUE["istio"].namespace
    return Surroundings(
        extensions=extensions.present,
        scraping=scraping,
        prometheus=extensions.outputs.get(PROMETHEUS, {}).get("prometheus", ""),
        monitoring=tuple(sorted(monitoring - {""})),
        monitors=(stated and stated.labels) or {},
        mesh=mesh,
        gateways=tuple(gateways),
    )


def _scraping(extensions: ExtensionSet, cluster: Cluster, namespace: str) -> tuple[Scraping, str]:
    """How metrics are collected, and from which namespace."""
    stated = _stated(cluster)
    if PROMETHEUS in extensions.elsewhere:
        return "pod-monitor", namespace or CATALOGUE[PROMETHEUS].namespace
    if stated and stated.labels is not None:
        return "pod-monitor", namespace
    if isinstance(cluster, GkeCluster) and cluster.managed_prometheus:
        return "pod-monitoring", MANAGED
    return "annotations", namespace


def _stated(cluster: Cluster) -> Prometheus | None:
    return cluster.prometheus if isinstance(cluster, KubernetesCluster) else None


def refuse_uncounted(groups: Iterable[Serving], extensions: ExtensionSet, cluster: Cluster) -> None:
    """Nothing, if KEDA can ask for the requests of every group that scales by them.

    Raises:
        Misfit: nobody here knows the address of the Prometheus that counts them; only our own has a known one.
    """
    if surroundings(extensions, cluster).prometheus:
        return
    at = [
        f"{group.at}.autoscale.metric"
        for group in groups
        if group.autoscale and group.autoscale.metric == "requests" and not group.autoscale.prometheus
        if group.mode != "knative"
    ]
    problem = Problem(
        "POD006",
        "nobody here knows where the requests are counted",
        why="The Prometheus of the cluster is not this stack's own, and KEDA asks it by its address.",
        remedy="Write the address as `autoscale.prometheus`, for example http://prometheus.monitoring.svc:9090.",
    )
    if at:
        raise Misfit((problem,) * len(at), tuple(at))


def notes(extensions: ExtensionSet, cluster: Cluster) -> tuple[str, ...]:
    """What a plan says of neighbours that it does not know well enough."""
    stated = _stated(cluster)
    if PROMETHEUS not in extensions.elsewhere or (stated and stated.labels is not None):
        return ()
    return (
        "the Prometheus of somebody else may look at monitors with certain labels only; "
        "`cluster.prometheus.labels` gives them to ours",
    )

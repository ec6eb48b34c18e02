"""A stack on GKE: the cluster with its node pools, and serving groups as Deployments on them. Planned, not applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from components.cluster.gke_cost import cost_of
from components.serving.placement_pods import PodPlan, crowded_pools, plan_pods
from components.site import Site
from schemas.load import Loaded
from schemas.spec import GkeCluster
from stack.programs.deployments import deploy, deployment_sources
from stack.programs.program import Program
from stack.programs.sources import Sources, origins_of

POOL_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "nodeCount": ("nodes",),
    "initialNodeCount": ("nodes",),
    "autoscaling": ("nodes",),
    "nodeLocations": ("zones",),
    "maxPodsPerNode": ("maxPods",),
    "placementPolicy": ("compactPlacement",),
    "upgradeSettings": ("upgrade",),
    "nodeConfig.diskSizeGb": ("disk.size", "disk"),
    "nodeConfig.diskType": ("disk.type", "disk"),
    "nodeConfig.kubeletConfig.cpuManagerPolicy": ("cpuManager",),
    "nodeConfig.kubeletConfig.cpuCfsQuota": ("cfsQuota",),
    "nodeConfig.kubeletConfig.topologyManager.policy": ("topologyManager",),
    "nodeConfig.kubeletConfig.topologyManager.scope": ("topologyScope",),
    "nodeConfig.kubeletConfig.memoryManager.policy": ("memoryManager",),
}
CLUSTER_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "minMasterVersion": ("version",),
    "privateClusterConfig": ("network.privateNodes", "network"),
    "masterAuthorizedNetworksConfig": ("network.authorizedNetworks", "network"),
    "gatewayApiConfig": ("gatewayApi",),
    "monitoringConfig": ("managedPrometheus",),
    "maintenancePolicy": ("maintenance",),
    "resourceLabels": ("labels",),
}
REFUSAL: Final = "what needs a cloud is planned by this version, not applied"


def build(loaded: Loaded, site: Site, cluster: GkeCluster) -> Program:
    """The program of a GKE spec.

    Raises:
        SpecError: a serving group does not fit the nodes of its pool.
    """
    plans = {serving.name: plan_pods(cluster, serving) for serving in loaded.spec.serving}
    return Program(
        run=lambda: _register(loaded, site, cluster, plans),
        origins=origins_of(loaded, _sources(loaded, site, cluster)),
        notes=_notes(cluster, plans),
        refusal=REFUSAL,
    )


def _notes(cluster: GkeCluster, plans: Mapping[str, PodPlan]) -> tuple[str, ...]:
    fit = [line for plan in plans.values() for line in plan.fit]
    return (*fit, *crowded_pools(tuple(plans.values()), cluster), *cost_of(cluster).notes)


def _sources(loaded: Loaded, site: Site, cluster: GkeCluster) -> dict[tuple[str, str], Sources]:
    name = cluster.name or site.stack
    pools = {("NodePool", f"{name}-{pool.name}"): Sources(pool.at, POOL_FIELDS) for pool in cluster.node_pools}
    return {("Cluster", name): Sources(cluster.at, CLUSTER_FIELDS), **pools, **deployment_sources(loaded.spec)}


def _register(loaded: Loaded, site: Site, cluster: GkeCluster, plans: Mapping[str, PodPlan]) -> None:
    import pulumi

    from components.cluster.gke import GkeCluster as Gke

    made = Gke(cluster, stack=site.stack)
    pulumi.export("cluster", {"name": made.cluster.output("name"), "endpoint": made.cluster.output("endpoint")})
    provider = pulumi.ProviderResource("kubernetes", made.name, {"kubeconfig": made.kubeconfig})
    deploy(loaded.spec, plans, namespace=site.stack, provider=provider)

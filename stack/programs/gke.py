"""A stack on GKE: the cluster with its node pools, and what runs on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from components.cluster.buckets import bucket_name
from components.cluster.gke_cost import cost_of
from components.extensions.planning import plan_extensions, with_documents
from components.serving.placement_pods import crowded_pools, plan_pods
from components.site import Site
from schemas.load import Loaded
from schemas.spec import GkeCluster
from stack.programs.on_cluster import OnCluster, Reach
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


def build(
    loaded: Loaded, site: Site, cluster: GkeCluster, *, rerun: Mapping[str, str], ours: Collection[str]
) -> Program:
    """The program of a GKE spec.

    Args:
        rerun: tokens by benchmark.
        ours: names of the extensions that this stack has installed already.

    Raises:
        SpecError: a serving group does not fit the nodes of its pool.
    """
    plans = {serving.name: plan_pods(cluster, serving) for serving in loaded.spec.serving}
    extensions = plan_extensions(loaded.spec.extensions, cluster)
    on_cluster = OnCluster(
        loaded,
        site,
        plans=plans,
        extensions=with_documents(extensions, site.store),
        namespace=site.stack,
        image=cluster.image or "",
        rerun=rerun,
    )
    crowded = crowded_pools(tuple(plans.values()), cluster)
    return Program(
        run=lambda: _register(on_cluster, cluster),
        origins=origins_of(loaded, _sources(on_cluster, cluster)),
        notes=(*on_cluster.notes, *crowded, *cost_of(cluster).notes),
        tokens=rerun,
    )


def _sources(on_cluster: OnCluster, cluster: GkeCluster) -> dict[tuple[str, str], Sources]:
    name = cluster.name or on_cluster.site.stack
    pools = {("NodePool", f"{name}-{pool.name}"): Sources(pool.at, POOL_FIELDS) for pool in cluster.node_pools}
    return {("Cluster", name): Sources(cluster.at, CLUSTER_FIELDS), **pools, **on_cluster.sources()}


def _register(on_cluster: OnCluster, cluster: GkeCluster) -> None:
    import pulumi

    from components.cluster.gke import GkeCluster as Gke

    made = Gke(cluster, stack=on_cluster.site.stack)
    pulumi.export("cluster", {"name": made.cluster.output("name"), "endpoint": made.cluster.output("endpoint")})
    provider = pulumi.ProviderResource("kubernetes", made.name, {"kubeconfig": made.kubeconfig})
    on_cluster.register(
        Reach(
            provider,
            kubeconfig=made.kubeconfig,
            bucket=bucket_name(cluster, made.name),
            account=made.model_account,
            needs=tuple(made.node_pools.values()),
        )
    )

"""A GKE node pool: every field of the spec's `NodePool` as the API wants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pulumi

from components.cluster.network import GcpResource
from schemas.spec import GkeCluster, NodePool, NodeRange, Taint, Upgrade

TOKEN: Final = "gcp:container/nodePool:NodePool"
EFFECTS: Final[Mapping[str, str]] = {
    "NoSchedule": "NO_SCHEDULE",
    "PreferNoSchedule": "PREFER_NO_SCHEDULE",
    "NoExecute": "NO_EXECUTE",
}
SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)


def node_pool(
    pool: NodePool,
    cluster: GkeCluster,
    *,
    name: str,
    cluster_name: pulumi.Input[str],
    service_account: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> GcpResource:
    """Declare a node pool of a cluster; `name` is the resource's."""
    props: dict[str, Any] = {
        "name": pool.name,
        "project": cluster.project,
        "location": cluster.location,
        "cluster": cluster_name,
        **_nodes(pool),
        "management": {"autoRepair": True, "autoUpgrade": True},
        "upgradeSettings": _upgrade(pool.upgrade),
        "nodeConfig": node_config(pool, service_account),
    }
    if pool.zones:
        props["nodeLocations"] = list(pool.zones)
    if pool.max_pods is not None:
        props["maxPodsPerNode"] = pool.max_pods
    if pool.compact_placement:
        props["placementPolicy"] = {"type": "COMPACT"}
    # The initial number counts once: a later change of `nodes.min` must not replace the pool.
    once = pulumi.ResourceOptions(ignore_changes=["initialNodeCount"] if "initialNodeCount" in props else None)
    return GcpResource(TOKEN, name, props, pulumi.ResourceOptions.merge(opts, once))


def node_config(pool: NodePool, service_account: pulumi.Input[str]) -> dict[str, Any]:
    """What each node of a pool is: machine, disk, kubelet, kernel."""
    config: dict[str, Any] = {
        "machineType": pool.machine_type,
        "imageType": pool.image_type,
        "diskSizeGb": round(pool.disk.size_bytes / 2**30),
        "diskType": pool.disk.type,
        "serviceAccount": service_account,
        "oauthScopes": list(SCOPES),
        "spot": pool.spot,
        "kubeletConfig": _kubelet(pool),
        "shieldedInstanceConfig": {"enableSecureBoot": True, "enableIntegrityMonitoring": True},
        "workloadMetadataConfig": {"mode": "GKE_METADATA"},
    }
    if pool.min_cpu_platform:
        config["minCpuPlatform"] = pool.min_cpu_platform
    if pool.threads_per_core:
        config["advancedMachineFeatures"] = {"threadsPerCore": pool.threads_per_core}
    if pool.hugepages:
        pages = {"hugepageSize2m": pool.hugepages.size_2m, "hugepageSize1g": pool.hugepages.size_1g}
        config["linuxNodeConfig"] = {"hugepagesConfig": {key: count for key, count in pages.items() if count}}
    if pool.labels:
        config["labels"] = dict(pool.labels)
    if pool.taints:
        config["taints"] = [_taint(taint) for taint in pool.taints]
    return config


def _nodes(pool: NodePool) -> dict[str, Any]:
    match pool.nodes:
        case NodeRange(min=least, max=most):
            scaling = {"minNodeCount": least, "maxNodeCount": most}
            return {"autoscaling": scaling, "initialNodeCount": least}
        case int(count):
            return {"nodeCount": count}


def _upgrade(upgrade: Upgrade) -> dict[str, Any]:
    if (green := upgrade.blue_green) is None:
        return {"strategy": "SURGE", "maxSurge": upgrade.max_surge, "maxUnavailable": upgrade.max_unavailable}
    rollout = {"batchNodeCount": green.batch_nodes, "batchSoakDuration": _seconds(green.batch_soak_s)}
    settings = {"standardRolloutPolicy": rollout, "nodePoolSoakDuration": _seconds(green.pool_soak_s)}
    return {"strategy": "BLUE_GREEN", "blueGreenSettings": settings}


def _kubelet(pool: NodePool) -> dict[str, Any]:
    """The CPU manager always, since GKE keeps the old policy when the whole block goes; the rest where it is set.

    Each of the others has an oldest version of GKE of its own, and may be taken away alone.
    """
    config: dict[str, Any] = {"cpuManagerPolicy": pool.cpu_manager}
    if pool.topology_manager != "none":
        config["topologyManager"] = {"policy": pool.topology_manager, "scope": pool.topology_scope}
    if pool.memory_manager != "None":
        config["memoryManager"] = {"policy": pool.memory_manager}
    if pool.cfs_quota is not None:
        config["cpuCfsQuota"] = pool.cfs_quota
    return config


def _taint(taint: Taint) -> dict[str, str]:
    return {"key": taint.key, "value": taint.value, "effect": EFFECTS[taint.effect]}


def _seconds(duration_s: float) -> str:
    """A duration as the API writes it: `3600s`, `0.5s`."""
    return f"{duration_s:g}s" if duration_s < 1e6 else f"{duration_s:.0f}s"

"""A GKE node pool: every field of the spec's `NodePool` as the API wants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pulumi

from components.cluster.gcp import GcpResource
from components.cluster.gke_props import SCOPES
from schemas.spec import Drain, GkeCluster, LocalSsd, NodePool, NodeRange, Reservation, Taint, Upgrade

TOKEN: Final = "gcp:container/nodePool:NodePool"
EFFECTS: Final[Mapping[str, str]] = {
    "NoSchedule": "NO_SCHEDULE",
    "PreferNoSchedule": "PREFER_NO_SCHEDULE",
    "NoExecute": "NO_EXECUTE",
}
RESERVATIONS: Final[Mapping[str, str]] = {
    "any": "ANY_RESERVATION",
    "none": "NO_RESERVATION",
    "specific": "SPECIFIC_RESERVATION",
}
RESERVATION_KEY: Final = "compute.googleapis.com/reservation-name"


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
    props = pool_props(pool, cluster, cluster_name=cluster_name, service_account=service_account)
    # The initial number counts once: a later change of `nodes.min` must not replace the pool.
    once = pulumi.ResourceOptions(ignore_changes=["initialNodeCount"] if "initialNodeCount" in props else None)
    return GcpResource(TOKEN, name, props, pulumi.ResourceOptions.merge(opts, once))


def pool_props(
    pool: NodePool, cluster: GkeCluster, *, cluster_name: pulumi.Input[str], service_account: pulumi.Input[str]
) -> dict[str, Any]:
    """A pool: how many nodes, where, how they are upgraded, and what each of them is."""
    props: dict[str, Any] = {
        "name": pool.name,
        "project": cluster.project,
        "location": cluster.location,
        "cluster": cluster_name,
        **_nodes(pool),
        "management": {"autoRepair": pool.auto_repair, "autoUpgrade": pool.auto_upgrade},
        "upgradeSettings": _upgrade(pool.upgrade),
        # A pool that is there keeps its own when the cluster's changes.
        "networkConfig": {"enablePrivateNodes": cluster.network.private_nodes},
        "nodeConfig": node_config(pool, service_account),
    }
    if pool.zones:
        props["nodeLocations"] = list(pool.zones)
    if pool.max_pods is not None:
        props["maxPodsPerNode"] = pool.max_pods
    if pool.compact_placement:
        props["placementPolicy"] = {"type": "COMPACT"}
    if pool.drain:
        props["nodeDrainConfigs"] = [_drain(pool.drain)]
    return props


def node_config(pool: NodePool, service_account: pulumi.Input[str]) -> dict[str, Any]:
    """What each node of a pool is: machine, disks, kubelet, kernel, identity."""
    shielded = pool.shielded
    return {
        **_machine(pool),
        "serviceAccount": service_account,
        "oauthScopes": list(SCOPES),
        "kubeletConfig": _kubelet(pool),
        "shieldedInstanceConfig": {
            "enableSecureBoot": shielded.secure_boot,
            "enableIntegrityMonitoring": shielded.integrity_monitoring,
        },
        "workloadMetadataConfig": {"mode": "GKE_METADATA"},
        **_kernel(pool),
        **_marks(pool),
    }


def _machine(pool: NodePool) -> dict[str, Any]:
    config: dict[str, Any] = {
        "machineType": pool.machine_type,
        "imageType": pool.image_type,
        "diskSizeGb": round(pool.disk.size_bytes / 2**30),
        "diskType": pool.disk.type,
        "spot": pool.spot,
    }
    if pool.min_cpu_platform:
        config["minCpuPlatform"] = pool.min_cpu_platform
    if pool.threads_per_core:
        config["advancedMachineFeatures"] = {"threadsPerCore": pool.threads_per_core}
    if pool.local_ssd:
        config |= _local_ssd(pool.local_ssd)
    if pool.gvnic is not None:
        config["gvnic"] = {"enabled": pool.gvnic}
    if pool.image_streaming is not None:
        config["gcfsConfig"] = {"enabled": pool.image_streaming}
    if pool.reservation:
        config["reservationAffinity"] = _reservation(pool.reservation)
    return config


def _local_ssd(spec: LocalSsd) -> dict[str, Any]:
    block = "ephemeralStorageLocalSsdConfig" if spec.use == "ephemeral" else "localNvmeSsdBlockConfig"
    return {block: {"localSsdCount": spec.count}}


def _reservation(spec: Reservation) -> dict[str, Any]:
    affinity: dict[str, Any] = {"consumeReservationType": RESERVATIONS[spec.use]}
    if spec.name:
        owner = f"projects/{spec.project}/reservations/" if spec.project else ""
        affinity |= {"key": RESERVATION_KEY, "values": [f"{owner}{spec.name}"]}
    return affinity


def _nodes(pool: NodePool) -> dict[str, Any]:
    match pool.nodes:
        case NodeRange() as nodes:
            least, most = (
                ("totalMinNodeCount", "totalMaxNodeCount") if nodes.total else ("minNodeCount", "maxNodeCount")
            )
            policy = {"locationPolicy": nodes.location_policy.upper()} if nodes.location_policy else {}
            scaling = {least: nodes.min, most: nodes.max, **policy}
            # GKE counts the initial nodes in each zone, whatever the limits count.
            return {"autoscaling": scaling, "initialNodeCount": int(nodes.min > 0) if nodes.total else nodes.min}
        case int(count):
            return {"nodeCount": count}


def _upgrade(upgrade: Upgrade) -> dict[str, Any]:
    if (green := upgrade.blue_green) is None:
        return {"strategy": "SURGE", "maxSurge": upgrade.max_surge, "maxUnavailable": upgrade.max_unavailable}
    rollout = {"batchNodeCount": green.batch_nodes, "batchSoakDuration": _seconds(green.batch_soak_s)}
    settings = {"standardRolloutPolicy": rollout, "nodePoolSoakDuration": _seconds(green.pool_soak_s)}
    return {"strategy": "BLUE_GREEN", "blueGreenSettings": settings}


def _drain(drain: Drain) -> dict[str, Any]:
    config: dict[str, Any] = {"respectPdbDuringNodePoolDeletion": drain.respect_pdb_on_deletion}
    if drain.grace_s is not None:
        config["graceTerminationDuration"] = _seconds(drain.grace_s)
    if drain.pdb_timeout_s is not None:
        config["pdbTimeoutDuration"] = _seconds(drain.pdb_timeout_s)
    return config


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
    if pool.cfs_quota_period_s is not None:
        config["cpuCfsQuotaPeriod"] = f"{round(pool.cfs_quota_period_s * 1e6)}us"
    if pool.max_pids is not None:
        config["podPidsLimit"] = pool.max_pids
    if pool.max_image_pulls is not None:
        config["maxParallelImagePulls"] = pool.max_image_pulls
    return config


def _kernel(pool: NodePool) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if pool.hugepages:
        pages = {"hugepageSize2m": pool.hugepages.size_2m, "hugepageSize1g": pool.hugepages.size_1g}
        config["hugepagesConfig"] = {key: count for key, count in pages.items() if count}
    if pool.transparent_hugepages:
        config["transparentHugepageEnabled"] = f"TRANSPARENT_HUGEPAGE_ENABLED_{pool.transparent_hugepages.upper()}"
    if pool.sysctls:
        config["sysctls"] = dict(pool.sysctls)
    return {"linuxNodeConfig": config} if config else {}


def _marks(pool: NodePool) -> dict[str, Any]:
    """What nodes are known by: to the scheduler, to firewalls, to billing."""
    config: dict[str, Any] = {}
    if pool.labels:
        config["labels"] = dict(pool.labels)
    if pool.taints:
        config["taints"] = [_taint(taint) for taint in pool.taints]
    if pool.network_tags:
        config["tags"] = list(pool.network_tags)
    if pool.resource_labels:
        config["resourceLabels"] = dict(pool.resource_labels)
    return config


def _taint(taint: Taint) -> dict[str, str]:
    return {"key": taint.key, "value": taint.value, "effect": EFFECTS[taint.effect]}


def _seconds(duration_s: float) -> str:
    """A duration as the API writes it: `3600s`, `0.5s`."""
    return f"{duration_s:g}s" if duration_s < 1e6 else f"{duration_s:.0f}s"

"""Specs of GKE clusters: a plain one, and one that says everything that can be said."""

from __future__ import annotations

from typing import Any

from schemas.spec import (
    BlueGreen,
    Disk,
    GkeCluster,
    Hugepages,
    MaintenanceWindow,
    Network,
    NodePool,
    NodeRange,
    Taint,
    Upgrade,
)


def a_pool(name: str = "serving", **fields: Any) -> NodePool:
    return NodePool(**{"name": name, "machine_type": "n2-standard-32", **fields})


def a_numa_pool(name: str = "serving", **fields: Any) -> NodePool:
    """A pool whose pods get cores of one NUMA node to themselves."""
    pinned = {
        "min_cpu_platform": "Intel Cascade Lake",
        "threads_per_core": 1,
        "cpu_manager": "static",
        "topology_manager": "single-numa-node",
    }
    return a_pool(name, **{**pinned, **fields})


def a_full_pool() -> NodePool:
    """A pool that sets every field there is."""
    return a_numa_pool(
        "full",
        nodes=NodeRange(min=1, max=4),
        topology_scope="pod",
        memory_manager="Static",
        cfs_quota=False,
        hugepages=Hugepages(size_2m=512, size_1g=2),
        max_pods=32,
        image_type="UBUNTU_CONTAINERD",
        disk=Disk(size_bytes=200 * 2**30, type="pd-ssd"),
        spot=True,
        compact_placement=True,
        zones=("europe-central2-b",),
        labels={"tier": "serving"},
        taints=(Taint(key="model", value="active", effect="PreferNoSchedule"), Taint(key="load", effect="NoExecute")),
        upgrade=Upgrade(blue_green=BlueGreen(batch_nodes=2, batch_soak_s=30.0, pool_soak_s=1800.0)),
        service_account="nodes@my-project.iam.gserviceaccount.com",
    )


def a_cluster(*pools: NodePool, **fields: Any) -> GkeCluster:
    basics = {"provider": "gke", "project": "my-project", "location": "europe-central2-a", "node_pools": pools}
    return GkeCluster(**{**basics, **fields})


def a_full_cluster() -> GkeCluster:
    """A cluster that sets every field there is; its second pool is a plain one."""
    return a_cluster(
        a_full_pool(),
        a_pool("plain"),
        name="named",
        release_channel="extended",
        version="1.34",
        network=Network(authorized_networks=("192.0.2.0/24",)),
        maintenance=MaintenanceWindow(start="03:00"),
        labels={"team": "ml"},
    )

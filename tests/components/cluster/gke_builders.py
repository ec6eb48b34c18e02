"""Specs of GKE clusters: a plain one, and one that says everything that can be said."""

from __future__ import annotations

from typing import Any

from schemas.spec import (
    AutoProvisioning,
    BlueGreen,
    ClusterAutoscaling,
    Disk,
    Drain,
    GkeCluster,
    Hugepages,
    ImageRegistry,
    LocalSsd,
    MaintenanceExclusion,
    MaintenanceWindow,
    ModelBucket,
    Network,
    NodePool,
    NodeRange,
    Reservation,
    SecurityPosture,
    Shielded,
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
        nodes=NodeRange(min=1, max=4, location_policy="any"),
        topology_scope="pod",
        memory_manager="Static",
        cfs_quota=False,
        cfs_quota_period_s=0.01,
        max_pids=4096,
        max_image_pulls=4,
        hugepages=Hugepages(size_2m=512, size_1g=2),
        transparent_hugepages="madvise",
        sysctls={"net.core.somaxconn": "4096"},
        max_pods=32,
        image_type="UBUNTU_CONTAINERD",
        disk=Disk(size_bytes=200 * 2**30, type="pd-ssd"),
        local_ssd=LocalSsd(count=2),
        gvnic=True,
        image_streaming=True,
        spot=True,
        reservation=Reservation(use="specific", name="numa", project="shared-project"),
        compact_placement=True,
        zones=("europe-central2-b",),
        labels={"tier": "serving"},
        taints=(Taint(key="model", value="active", effect="PreferNoSchedule"), Taint(key="load", effect="NoExecute")),
        resource_labels={"cost": "serving"},
        network_tags=("serving",),
        shielded=Shielded(secure_boot=False),
        auto_repair=False,
        auto_upgrade=False,
        drain=Drain(grace_s=60.0, pdb_timeout_s=900.0, respect_pdb_on_deletion=True),
        upgrade=Upgrade(blue_green=BlueGreen(batch_nodes=2, batch_soak_s=30.0, pool_soak_s=1800.0)),
        service_account="nodes@my-project.iam.gserviceaccount.com",
    )


def a_cluster(*pools: NodePool, **fields: Any) -> GkeCluster:
    basics = {"provider": "gke", "project": "my-project", "location": "europe-central2-a", "node_pools": pools}
    return GkeCluster(**{**basics, **fields})


def a_full_cluster() -> GkeCluster:
    """A cluster that sets every field there is; its second pool is a plain one."""
    exclusions = (MaintenanceExclusion(name="sales", start="2026-11-20", end="2026-12-01T06:00:00Z"),)
    return a_cluster(
        a_full_pool(),
        a_pool("plain", nodes=NodeRange(min=2, max=6, total=True), local_ssd=LocalSsd(count=1, use="block")),
        name="named",
        location="europe-central2",
        zones=("europe-central2-a", "europe-central2-b"),
        release_channel="extended",
        version="1.34",
        network=Network(
            private_endpoint=True, control_plane_cidr="172.16.0.0/28", authorized_networks=("192.0.2.0/24",)
        ),
        autoscaling=ClusterAutoscaling(
            profile="optimize-utilization",
            auto_provisioning=AutoProvisioning(max_cpus=64, max_memory_bytes=256 * 2**30, zones=("europe-central2-a",)),
        ),
        bucket=ModelBucket(name="the-models", versioning=False, delete_contents=True),
        registry=ImageRegistry(name="the-images", location="europe"),
        maintenance=MaintenanceWindow(start="03:30", days=("sat", "sun"), duration_s=8 * 3600.0, exclusions=exclusions),
        gateway_api=False,
        gcs_fuse=False,
        dns_cache=True,
        managed_prometheus=False,
        logging=("system",),
        monitoring=("system", "controller-manager", "cadvisor"),
        cost_allocation=False,
        security_posture=SecurityPosture(mode="disabled", vulnerabilities="basic"),
        labels={"team": "ml"},
    )

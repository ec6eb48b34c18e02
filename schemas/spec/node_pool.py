"""What can be said of a GKE node pool."""

from collections.abc import Mapping
from typing import Annotated, Literal

from schemas.record import record
from schemas.spec.fields import Count, Name, Positive, Range, item, where
from schemas.units import Bytes, Seconds


@record(kw_only=True)
class Taint:
    """A Kubernetes taint."""

    key: str = item("Key of the taint.")
    value: str = item("Value of the taint.", default="")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = item("Effect of the taint.", default="NoSchedule")


@record(kw_only=True)
class NodeRange:
    """How many nodes a pool may have."""

    min: Count = item("Fewest nodes.")
    max: Positive = item("Most nodes.")


@record(kw_only=True)
class Disk:
    """A node's boot disk."""

    size_bytes: Bytes = item("Size of the boot disk, for example 100GiB.", default=100 * 2**30, key="size")
    type: Literal["pd-standard", "pd-balanced", "pd-ssd", "hyperdisk-balanced"] = item(
        "Type of the boot disk.", default="pd-balanced"
    )


@record(kw_only=True)
class Hugepages:
    """Huge pages that a node reserves."""

    size_2m: Count = item("Number of 2 MiB pages.", default=0, key="size2m")
    size_1g: Count = item("Number of 1 GiB pages.", default=0, key="size1g")


@record(kw_only=True)
class BlueGreen:
    """A blue-green upgrade of a node pool."""

    batch_nodes: Positive = item("Nodes drained at a time.", default=1)
    batch_soak_s: Seconds = item("Wait after each batch.", default=0.0, key="batchSoak")
    pool_soak_s: Seconds = item("Wait before the old pool is deleted.", default=3600.0, key="poolSoak")


@record(kw_only=True)
class Upgrade:
    """How the nodes of a pool are replaced."""

    max_surge: Count = item("Nodes added while upgrading.", default=1)
    max_unavailable: Count = item("Nodes that may be missing while upgrading.", default=0)
    blue_green: BlueGreen | None = item("Upgrade by a second pool instead of surge.", default=None)


@record(kw_only=True)
class NodePool:
    """A GKE node pool."""

    name: Name = item("Name of the pool.")
    machine_type: str = item("Machine type, for example n2-standard-32.")
    nodes: Positive | NodeRange = item("A fixed number of nodes a zone, or `{min, max}` to scale.", default=1)
    min_cpu_platform: str | None = item("Oldest CPU platform, for example Intel Cascade Lake.", default=None)
    threads_per_core: Literal[1, 2] | None = item("1 switches hyper-threads off.", default=None)
    cpu_manager: Literal["none", "static"] = item("Kubelet CPU manager policy.", default="none")
    topology_manager: Literal["none", "best-effort", "restricted", "single-numa-node"] = item(
        "Kubelet topology manager policy.", default="none"
    )
    topology_scope: Literal["container", "pod"] = item("Kubelet topology manager scope.", default="container")
    memory_manager: Literal["None", "Static"] = item("Kubelet memory manager policy.", default="None")
    cfs_quota: bool | None = item("Whether CPU limits are enforced by CFS quota.", default=None)
    hugepages: Hugepages | None = item("Huge pages to reserve.", default=None)
    max_pods: Annotated[int, Range(8, 256)] | None = item("Most pods a node.", default=None)
    image_type: str = item("Node image.", default="COS_CONTAINERD")
    disk: Disk = item("Boot disk.", default=Disk())
    spot: bool = item("Use spot machines.", default=False)
    compact_placement: bool = item("Put the nodes close together.", default=False)
    zones: tuple[str, ...] = item("Zones of the pool; the cluster's own when empty.", default=())
    labels: Mapping[str, str] | None = item("Kubernetes labels of the nodes.", default=None)
    taints: tuple[Taint, ...] = item("Taints of the nodes.", default=())
    upgrade: Upgrade = item("How nodes are replaced.", default=Upgrade())
    service_account: str | None = item("Service account; one with least rights is made when absent.", default=None)
    at: str = where()

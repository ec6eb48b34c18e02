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
    total: bool = item("Count over all zones together instead of in each.", default=False)
    location_policy: Literal["balanced", "any"] | None = item(
        "Spread nodes over zones, or take them where they are to be had; GKE's choice when absent.", default=None
    )


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
class LocalSsd:
    """Local SSDs of a node."""

    count: Positive = item("Number of SSDs of 375 GiB.")
    use: Literal["ephemeral", "block"] = item(
        "For pods' ephemeral storage, or as raw block devices.", default="ephemeral"
    )


@record(kw_only=True)
class Reservation:
    """Which reserved machines a pool may use."""

    use: Literal["any", "none", "specific"] = item("Any reservation that fits, none, or the one named.")
    name: str | None = item("The specific reservation.", default=None)
    project: str | None = item("Project that shares it; the cluster's own when absent.", default=None)


@record(kw_only=True)
class Shielded:
    """What a node checks when it boots."""

    secure_boot: bool = item("Run signed software only.", default=True)
    integrity_monitoring: bool = item("Compare each boot with the first.", default=True)


@record(kw_only=True)
class Drain:
    """How nodes are emptied before they go."""

    grace_s: Seconds | None = item("Longest time a pod may take to end; the pod's own when absent.", default=None)
    pdb_timeout_s: Seconds | None = item(
        "How long a disruption budget may hold a node back; an hour when absent.", default=None, key="pdbTimeout"
    )
    respect_pdb_on_deletion: bool = item(
        "Heed disruption budgets when the pool is deleted, too.", default=False, key="respectPdbOnDeletion"
    )


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
    cfs_quota_period_s: Seconds | None = item(
        "Period of the CFS quota, for example 100ms.", default=None, key="cfsQuotaPeriod"
    )
    max_pids: Positive | None = item("Most processes of a pod.", default=None)
    max_image_pulls: Positive | None = item("Most images a node pulls at a time.", default=None)
    hugepages: Hugepages | None = item("Huge pages to reserve.", default=None)
    transparent_hugepages: Literal["always", "madvise", "never"] | None = item(
        "When the kernel uses huge pages by itself.", default=None
    )
    sysctls: Mapping[str, str] | None = item("Kernel settings of the nodes.", default=None)
    max_pods: Annotated[int, Range(8, 256)] | None = item("Most pods a node.", default=None)
    image_type: str = item("Node image.", default="COS_CONTAINERD")
    disk: Disk = item("Boot disk.", default=Disk())
    local_ssd: LocalSsd | None = item("Local SSDs.", default=None)
    gvnic: bool | None = item("Google's virtual network card; the image's choice when absent.", default=None)
    image_streaming: bool | None = item("Start containers before their image is there.", default=None)
    spot: bool = item("Use spot machines.", default=False)
    reservation: Reservation | None = item("Which reserved machines to use.", default=None)
    compact_placement: bool = item("Put the nodes close together.", default=False)
    zones: tuple[str, ...] = item("Zones of the pool; the cluster's own when empty.", default=())
    labels: Mapping[str, str] | None = item("Kubernetes labels of the nodes.", default=None)
    taints: tuple[Taint, ...] = item("Taints of the nodes.", default=())
    resource_labels: Mapping[str, str] | None = item("Labels of the machines, as billing shows them.", default=None)
    network_tags: tuple[str, ...] = item("Network tags of the machines, for firewalls.", default=())
    shielded: Shielded = item("What a node checks when it boots.", default=Shielded())
    auto_repair: bool = item("Replace nodes that are not healthy.", default=True)
    auto_upgrade: bool = item("Keep nodes at the control plane's version.", default=True)
    drain: Drain | None = item("How nodes are emptied before they go.", default=None)
    upgrade: Upgrade = item("How nodes are replaced.", default=Upgrade())
    service_account: str | None = item("Service account; one with least rights is made when absent.", default=None)
    at: str = where()

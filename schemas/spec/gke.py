"""What can be said of a GKE cluster."""

from collections.abc import Mapping
from typing import Annotated, Literal

from schemas.record import record
from schemas.spec.fields import Name, Pattern, Positive, item, where
from schemas.spec.network import Network
from schemas.spec.node_pool import NodePool
from schemas.spec.tenant import Quota
from schemas.units import Bytes, Seconds

Clock = Annotated[str, Pattern("^([01][0-9]|2[0-3]):[0-5][0-9]$", "a time of day such as 03:00")]
Instant = Annotated[
    str, Pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$", "a day such as 2026-12-24, UTC")
]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Logged = Literal["system", "workloads", "apiserver", "scheduler", "controller-manager"]
Monitored = Literal[
    "system",
    "apiserver",
    "scheduler",
    "controller-manager",
    "storage",
    "hpa",
    "pod",
    "daemonset",
    "deployment",
    "statefulset",
    "jobset",
    "kubelet",
    "cadvisor",
]


@record(kw_only=True)
class MaintenanceExclusion:
    """A time in which GKE leaves the cluster alone."""

    name: Name = item("Name of the exclusion.")
    start: Instant = item("First day, or the second it begins (UTC).")
    end: Instant = item("First day after it, or the second it ends (UTC).")
    scope: Literal["no-upgrades", "no-minor-upgrades", "no-minor-or-node-upgrades"] = item(
        "What does not happen meanwhile.", default="no-upgrades"
    )


@record(kw_only=True)
class MaintenanceWindow:
    """When GKE may work on the cluster."""

    start: Clock = item("Start of the window, UTC, for example 03:00.")
    days: tuple[Weekday, ...] = item("Days of the week; every day when empty.", default=())
    duration_s: Seconds = item("Length of the window on the days named; four hours every day.", default=4 * 3600.0)
    exclusions: tuple[MaintenanceExclusion, ...] = item("Times in which GKE leaves the cluster alone.", default=())


@record(kw_only=True)
class AutoProvisioning:
    """Node pools that GKE makes by itself for pods that fit no other."""

    max_cpus: Positive = item("Most vCPUs of all nodes together.")
    max_memory_bytes: Bytes = item("Most memory of all nodes together, for example 1TiB.", key="maxMemory")
    zones: tuple[str, ...] = item("Zones of such pools; GKE's choice when empty.", default=())


@record(kw_only=True)
class ClusterAutoscaling:
    """How GKE decides on the number of nodes."""

    profile: Literal["balanced", "optimize-utilization"] = item(
        "How eagerly nodes are taken away that are hardly used.", default="balanced"
    )
    auto_provisioning: AutoProvisioning | None = item("Let GKE make node pools by itself.", default=None)


@record(kw_only=True)
class SecurityPosture:
    """What GKE looks for in the cluster's configuration and images."""

    mode: Literal["disabled", "basic"] = item("Audit the configuration of workloads.", default="basic")
    vulnerabilities: Literal["disabled", "basic", "enterprise"] = item(
        "Scan images for known vulnerabilities.", default="disabled"
    )


@record(kw_only=True)
class ModelBucket:
    """The bucket that the cluster's pods read models from."""

    name: str | None = item("Name, unique in the world; PROJECT-CLUSTER-models when absent.", default=None)
    existing: bool = item("Use the bucket of this name as it is, and make none.", default=False)
    versioning: bool = item("Keep what is overwritten or deleted.", default=True)
    delete_contents: bool = item("Delete the bucket with all it holds when the stack is destroyed.", default=False)


@record(kw_only=True)
class ImageRegistry:
    """The Artifact Registry repository for the cluster's images."""

    name: Name | None = item("Name of the repository; the cluster's when absent.", default=None)
    existing: bool = item("Use the repository of this name as it is, and make none.", default=False)
    location: str | None = item("Region of the repository; the cluster's when absent.", default=None)


@record(kw_only=True)
class GkeCluster:
    """A GKE cluster that the stack makes."""

    provider: Literal["gke"] = item("Google Kubernetes Engine.")
    project: str = item("Google Cloud project.")
    location: str = item("Zone or region, for example europe-central2-a.")
    name: Name | None = item("Name of the cluster; the stack's name when absent.", default=None)
    zones: tuple[str, ...] = item("Zones of the nodes; GKE's choice when empty.", default=())
    release_channel: Literal["none", "rapid", "regular", "stable", "extended"] = item(
        "Release channel.", default="regular"
    )
    version: str | None = item("Oldest version of the control plane.", default=None)
    network: Network = item("The cluster's network.", default=Network())
    node_pools: tuple[NodePool, ...] = item("Node pools.", default=())
    autoscaling: ClusterAutoscaling | None = item("How GKE decides on the number of nodes.", default=None)
    bucket: ModelBucket = item("The bucket for models.", default=ModelBucket())
    registry: ImageRegistry = item("The registry for images.", default=ImageRegistry())
    deletion_protection: bool = item("Refuse to delete the cluster.", default=True)
    maintenance: MaintenanceWindow | None = item("When GKE may work on the cluster.", default=None)
    gateway_api: bool = item("Switch on GKE's Gateway API.", default=True)
    gcs_fuse: bool = item("Let pods mount buckets (Cloud Storage FUSE).", default=True)
    dns_cache: bool | None = item("A DNS cache on each node; GKE's choice when absent.", default=None)
    managed_prometheus: bool = item("Switch on managed Prometheus.", default=True)
    logging: tuple[Logged, ...] = item("Whose logs are kept.", default=("system", "workloads"))
    monitoring: tuple[Monitored, ...] = item("Whose metrics are kept.", default=("system",))
    cost_allocation: bool = item("Show the cost of namespaces and labels in billing.", default=True)
    security_posture: SecurityPosture = item("What GKE looks for by itself.", default=SecurityPosture())
    image: str | None = item(
        "This program's image as nodes pull it; the one that `inferstack image` makes when absent.", default=None
    )
    labels: Mapping[str, str] | None = item("Labels of the cluster.", default=None)
    quota: Quota | None = item("Most that the stack's namespace may request.", default=None)
    at: str = where()

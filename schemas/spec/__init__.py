"""The spec as frozen types: everything a stack file can say.

These classes are the only place where a field is declared. `shape.py` reads them for the JSON Schema, the builder and
the checker: a field's YAML key is its name in camelCase without its unit suffix unless `key` says otherwise, its unit
is its annotation (`units.py`), its explanation is `doc`. A field that nothing carries out yet says so by a rule in
`rules/`, never by silence. Annotations are evaluated where they stand (no `annotations` from `__future__`): to read
them back from text would take longer than all the rest.

`at` is the path of an item in the merged tree (`serving.digits.instances`), from which its file, line and layer follow.
"""

from typing import Annotated, Literal

from schemas.record import record
from schemas.spec.benchmarks import Benchmark, Load, Objective, Search
from schemas.spec.cluster import Cluster, KubernetesCluster, LocalCluster
from schemas.spec.extensions import Extension
from schemas.spec.fields import (
    Arrivals,
    ByName,
    Count,
    CpuList,
    FilePath,
    Layout,
    Name,
    OneOrMore,
    Path,
    Pattern,
    Percentage,
    Platform,
    Port,
    Positive,
    Precision,
    Protocol,
    Range,
    Scalar,
    Sha256,
    Tool,
    Values,
    item,
    where,
)
from schemas.spec.gke import (
    AutoProvisioning,
    ClusterAutoscaling,
    GkeCluster,
    ImageRegistry,
    MaintenanceExclusion,
    MaintenanceWindow,
    ModelBucket,
    SecurityPosture,
)
from schemas.spec.models import Convert, Model, Train
from schemas.spec.monitoring import Prometheus
from schemas.spec.network import Network
from schemas.spec.node_pool import (
    BlueGreen,
    Disk,
    Drain,
    Hugepages,
    LocalSsd,
    NodePool,
    NodeRange,
    Reservation,
    Shielded,
    Taint,
    Upgrade,
)
from schemas.spec.pulumi import Pulumi
from schemas.spec.serving import Autoscale, Clients, Disruption, Instances, Queue, Serving
from schemas.spec.store import GcsStore, HttpStore, S3Store, Store, VolumeStore
from schemas.spec.tenant import Quota
from schemas.spec.traffic import Tls, Traffic

__all__ = [
    "Arrivals",
    "AutoProvisioning",
    "Autoscale",
    "Benchmark",
    "BlueGreen",
    "ByName",
    "Clients",
    "Cluster",
    "ClusterAutoscaling",
    "Convert",
    "Count",
    "CpuList",
    "Disk",
    "Disruption",
    "Drain",
    "Extension",
    "FilePath",
    "GcsStore",
    "GkeCluster",
    "HttpStore",
    "Hugepages",
    "ImageRegistry",
    "Instances",
    "KubernetesCluster",
    "Layout",
    "Load",
    "LocalCluster",
    "LocalSsd",
    "MaintenanceExclusion",
    "MaintenanceWindow",
    "Model",
    "ModelBucket",
    "Name",
    "Network",
    "NodePool",
    "NodeRange",
    "Objective",
    "OneOrMore",
    "Path",
    "Pattern",
    "Percentage",
    "Platform",
    "Port",
    "Positive",
    "Precision",
    "Prometheus",
    "Protocol",
    "Pulumi",
    "Queue",
    "Quota",
    "Range",
    "Reservation",
    "S3Store",
    "Scalar",
    "Search",
    "SecurityPosture",
    "Serving",
    "Sha256",
    "Shielded",
    "Spec",
    "Store",
    "Taint",
    "Tls",
    "Tool",
    "Traffic",
    "Train",
    "Upgrade",
    "Values",
    "VolumeStore",
    "item",
    "where",
]


@record(kw_only=True)
class Spec:
    """A whole stack."""

    api_version: Literal["inferstack/v1"] = item("Version of this format.")
    name: Name = item("Name of the stack.")
    engine: Literal["embedded", "pulumi"] | None = item(
        "Engine; the one that fits the cluster when absent.", default=None
    )
    pulumi: Pulumi | None = item("Where Pulumi's own engine keeps the state, and its secrets.", default=None)
    cluster: Cluster = item("Where everything runs; this machine when absent.", default=LocalCluster())
    extensions: tuple[Annotated[Extension, ByName()], ...] = item("Software installed on the cluster.", default=())
    store: Store | None = item(
        "Where the cluster keeps models; on GKE a bucket that is made when absent.", default=None
    )
    models: tuple[Model, ...] = item("Models.", default=())
    serving: tuple[Serving, ...] = item("Serving groups.", default=())
    traffic: tuple[Traffic, ...] = item("Traffic splits.", default=())
    benchmarks: tuple[Benchmark, ...] = item("Benchmarks.", default=())

"""The spec as frozen types: everything a stack file can say.

These classes are the only place where a field is declared. `shape.py` reads them for the JSON Schema, the builder and
the checker: a field's YAML key is its name in camelCase without its unit suffix unless `key` says otherwise, its unit
is its annotation (`units.py`), its explanation is `doc`. A field that nothing carries out yet says so by a rule in
`rules/`, never by silence. Annotations are evaluated where they stand (no `annotations` from `__future__`): to read
them back from text would take longer than all the rest.

`at` is the path of an item in the merged tree (`serving.digits.instances`), from which its file, line and layer follow.
"""

from collections.abc import Mapping
from dataclasses import MISSING, field
from typing import Annotated, Any, Literal

from schemas.record import record
from schemas.units import Bytes, Fraction, PerSecond, Seconds


def item(doc: str, *, default: Any = MISSING, key: str = "") -> Any:
    """A field of the spec, with its explanation for people and editors."""
    metadata = {"doc": doc, **({"key": key} if key else {})}
    return field(default=default, metadata=metadata) if default is not MISSING else field(metadata=metadata)


def where() -> Any:
    """The `at` field: where an item stands in the merged tree; no part of what the spec says."""
    return field(default="", compare=False, repr=False, metadata={"internal": True})


@record
class Pattern:
    """A restriction on a text, carried in its annotation."""

    regex: str
    says: str


@record
class Range:
    """A restriction on a number, carried in its annotation: both ends belong to it; None is open."""

    least: float | None = None
    most: float | None = None


@record
class Path:
    """Marks a text as a path: the builder resolves it against the file that states it; a URL (`://`) stays."""


@record
class OneOrMore:
    """Marks a list for which a single item may stand without brackets."""


@record
class ByName:
    """Marks an item for which its bare name may stand."""


FilePath = Annotated[str, Path(), Pattern(r"^[^\u0000-\u001f]+$", "a path")]
Name = Annotated[str, Pattern("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", "lower-case letters, digits and hyphens")]
CpuList = Annotated[
    str, Pattern("^[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*$", "a list of CPUs such as 0-3,8")
]
Sha256 = Annotated[str, Pattern("^[0-9a-f]{64}$", "64 hexadecimal digits")]
Positive = Annotated[int, Range(1)]
Count = Annotated[int, Range(0)]
Port = Annotated[int, Range(1, 65535)]
Percentage = Annotated[int, Range(0, 100)]
Scalar = str | int | float | bool
Values = Mapping[str, Any]

Precision = Literal["fp32", "fp16", "int8"]
Platform = Literal["openvino", "ovms", "kserve", "mlserver", "seldon"]
Protocol = Literal["v1", "v2", "v2-binary", "grpc"]
Layout = Literal["latency", "throughput"]
Arrivals = Literal["constant", "poisson"]


# ---------------------------------------------------------------------------------------------- cluster


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


@record(kw_only=True)
class LocalCluster:
    """This machine, or a recorded one to plan for."""

    provider: Literal["local"] = item("This machine.", default="local")
    topology: FilePath | None = item("Folder with a recorded `/sys` and `/proc` to plan for instead.", default=None)
    at: str = where()


@record(kw_only=True)
class KubernetesCluster:
    """A cluster that exists."""

    provider: Literal["kubernetes"] = item("An existing Kubernetes cluster.")
    kubeconfig: FilePath | None = item("Path of the kubeconfig; the usual places when absent.", default=None)
    context: str | None = item("Context of the kubeconfig; the current one when absent.", default=None)
    namespace: Name | None = item("Namespace of what is served; the stack's name when absent.", default=None)
    at: str = where()


@record(kw_only=True)
class Network:
    """The cluster's network."""

    name: str | None = item("An existing network; one is made when absent.", default=None)
    subnetwork: str | None = item("An existing subnetwork of it.", default=None)
    nodes_cidr: str = item("Addresses of nodes.", default="10.0.0.0/20")
    pods_cidr: str = item("Addresses of pods.", default="10.4.0.0/14")
    services_cidr: str = item("Addresses of services.", default="10.8.0.0/20")
    private_nodes: bool = item("Give nodes no public address; a Cloud NAT is made.", default=True)
    authorized_networks: tuple[str, ...] = item("Networks that may reach the control plane.", default=())


@record(kw_only=True)
class MaintenanceWindow:
    """When GKE may work on the cluster."""

    start: str = item("Start of the daily window, UTC, for example 03:00.")


@record(kw_only=True)
class GkeCluster:
    """A GKE cluster that the stack makes."""

    provider: Literal["gke"] = item("Google Kubernetes Engine.")
    project: str = item("Google Cloud project.")
    location: str = item("Zone or region, for example europe-central2-a.")
    name: Name | None = item("Name of the cluster; the stack's name when absent.", default=None)
    release_channel: Literal["rapid", "regular", "stable", "extended"] = item("Release channel.", default="regular")
    version: str | None = item("Oldest version of the control plane.", default=None)
    network: Network = item("The cluster's network.", default=Network())
    node_pools: tuple[NodePool, ...] = item("Node pools.", default=())
    deletion_protection: bool = item("Refuse to delete the cluster.", default=True)
    maintenance: MaintenanceWindow | None = item("When GKE may work on the cluster.", default=None)
    gateway_api: bool = item("Switch on GKE's Gateway API.", default=True)
    managed_prometheus: bool = item("Switch on managed Prometheus.", default=True)
    labels: Mapping[str, str] | None = item("Labels of the cluster.", default=None)
    at: str = where()


Cluster = LocalCluster | KubernetesCluster | GkeCluster


# ---------------------------------------------------------------------------------------------- extensions, models


@record(kw_only=True)
class Extension:
    """Software installed on the cluster. A bare name stands for `{name: ...}`."""

    name: Name = item("Name in the catalogue, or a name of your own with `chart` or `manifests`.")
    version: str | None = item("Version; the catalogue's when absent.", default=None)
    chart: str | None = item("Helm chart.", default=None)
    repo: str | None = item("Helm repository of the chart.", default=None)
    values: Values | None = item("Helm values.", default=None)
    manifests: FilePath | None = item("A file or folder of manifests instead of a chart.", default=None)
    at: str = where()


@record(kw_only=True)
class Train:
    """A script of the user's that makes the model."""

    command: tuple[str, ...] = item(
        "Program and arguments; `{python}` stands for this interpreter, `{out}` (or INFERSTACK_OUT in its environment) "
        "for the folder to write to. It runs in the folder of this file; arguments that name files count as inputs."
    )
    outputs: tuple[str, ...] = item(
        "Files the command writes; the first is the model. Other fields name them as `train://MODEL/FILE`."
    )
    inputs: tuple[FilePath, ...] = item("Files the result depends on; a change trains again.", default=())
    timeout_s: Seconds = item("Longest the command may take.", default=3600.0)
    at: str = where()


@record(kw_only=True)
class Convert:
    """How a model becomes OpenVINO IR."""

    precision: Precision = item("Precision of the stored weights; int8 quantizes.", default="fp32")
    calibration: FilePath | None = item("Samples for int8: an .npz with one array for each input.", default=None)
    samples: Positive = item("How many calibration samples to use.", default=300)
    max_accuracy_drop: Fraction = item("Most accuracy that int8 may lose.", default=0.01)
    input_shape: Mapping[str, tuple[int, ...]] | None = item("Shapes to fix, by input; -1 is dynamic.", default=None)
    at: str = where()


@record(kw_only=True)
class Model:
    """A model: where it comes from, what it becomes, how its accuracy is known."""

    name: Name = item("Name of the model, also in its address.")
    source: FilePath | None = item(
        "A path, file://, https://, a folder (SavedModel), or train://MODEL/FILE: what another training wrote.",
        default=None,
    )
    train: Train | None = item("Make the model by a script instead of fetching it.", default=None)
    sha256: Sha256 | None = item(
        "SHA-256 that the source must have; of an IR: of model.xml and model.bin, one after the other.", default=None
    )
    convert: Convert = item("Conversion to OpenVINO IR.", default=Convert())
    evaluation: FilePath | None = item("Labelled data to measure accuracy: an .npz with inputs and `y`.", default=None)
    at: str = where()


# ---------------------------------------------------------------------------------------------- serving


@record(kw_only=True)
class Instances:
    """How many instances, of how many physical cores each."""

    per_numa_node: Positive | None = item("Instances on each NUMA node.", default=None)
    count: Positive | None = item("Instances in all.", default=None)
    cores: Positive | None = item("Physical cores of each; as many as fit evenly when absent.", default=None)


@record(kw_only=True)
class Autoscale:
    """Horizontal autoscaling."""

    min: Positive = item("Fewest replicas.", default=1)
    max: Positive = item("Most replicas.")
    metric: Literal["cpu", "memory", "requests"] = item("What is watched.", default="cpu")
    average: float | None = item("Target average value a replica.", default=None)
    utilization: Percentage | None = item("Target utilisation in percent.", default=None)


@record(kw_only=True)
class Queue:
    """Back-pressure of the embedded server."""

    size: Positive = item("Requests that may wait; one more is refused with 503.", default=128)
    retry_after_s: Seconds = item("What a refused client is told to wait.", default=1.0, key="retryAfter")


@record(kw_only=True)
class Serving:
    """One way of serving a model: a group of equal instances."""

    name: Name = item("Name of the group.")
    platform: Platform = item("What serves the model.", default="openvino")
    model: Name = item("Name of the model.")
    protocol: Protocol = item("Protocol that clients and benchmarks use by default.", default="v2")
    layout: Layout | None = item("latency: one instance a NUMA node; throughput: many small ones.", default=None)
    instances: Instances | None = item("Number and size of instances by hand.", default=None)
    cores: CpuList | None = item(
        "One instance on exactly these CPUs, such as 0-3; a number of cores is `instances: {cores: 2}`.", default=None
    )
    hyperthreads: bool = item("Use both threads of a core.", default=False)
    exclusive: bool = item("Share no core with another group; false lets groups overlap.", default=True)
    bind_memory: bool = item("Bind memory to the instance's NUMA node (where there are several).", default=True)
    streams: Positive | None = item("OpenVINO streams an instance; 1 for latency when absent.", default=None)
    threads: Positive | None = item("Inference threads an instance; one a core when absent.", default=None)
    execution: Literal["f32", "bf16", "f16", "auto"] = item("Precision of execution.", default="f32")
    scheduling: Literal["auto", "inline", "queue"] = item(
        "How the server runs requests; measured when auto.", default="auto"
    )
    queue: Queue = item("Back-pressure.", default=Queue())
    max_request_bytes: Bytes = item("Largest request accepted.", default=64 * 2**20, key="maxRequestSize")
    drain_s: Seconds = item("Longest wait for running requests on stop.", default=10.0, key="drain")
    host: str = item("Address to listen on.", default="127.0.0.1")
    port: Port | None = item("First REST port; further instances follow. Chosen when absent.", default=None)
    grpc_port: Port | None = item("First gRPC port; further instances follow. Chosen when absent.", default=None)
    env: Mapping[str, str] | None = item("Environment of the process.", default=None)
    version: str | None = item("Version of the platform.", default=None)
    replicas: Positive | None = item("Replicas of a Deployment.", default=None)
    autoscale: Autoscale | None = item("Horizontal autoscaling instead of fixed replicas.", default=None)
    node_pool: Name | None = item("Node pool to run on.", default=None)
    executor: bool | None = item("Seldon's executor on or off.", default=None)
    transport: Literal["rest", "grpc"] | None = item("Seldon's transport.", default=None)
    at: str = where()


@record(kw_only=True)
class Traffic:
    """Requests of one name spread over several serving groups."""

    name: Name = item("Name, also the address.")
    split: Mapping[str, Percentage] = item("Share of each serving group, in percent; 100 together.")
    at: str = where()


# ---------------------------------------------------------------------------------------------- benchmarks


@record(kw_only=True)
class Load:
    """One load: open loop (`rate`) or closed loop (`clients`)."""

    rate_per_s: PerSecond | None = item(
        "Open loop: requests a second, whatever the server does.", default=None, key="rate"
    )
    clients: Positive | None = item("Closed loop: clients that each wait for their answer.", default=None)
    arrivals: Arrivals = item("Open loop: constant distances or Poisson.", default="constant")
    duration_s: Seconds = item("Length of the measurement.", default=10.0)
    warmup_s: Seconds = item("Load before the measurement, not counted.", default=1.0)
    connections: Positive | None = item("Connections over all instances of a target.", default=None)
    batch: Positive = item("Rows of the data set a request.", default=1)
    seed: Count = item("Seed of arrivals and of the order of the data.", default=1)
    timeout_s: Seconds = item("A request longer than this is an error.", default=10.0)
    at: str = where()


@record(kw_only=True)
class Objective:
    """What a target must reach; every limit given counts."""

    mean_s: Seconds | None = item("Highest mean latency.", default=None)
    p50_s: Seconds | None = item("Highest median latency.", default=None)
    p90_s: Seconds | None = item("Highest 90th percentile of latency.", default=None)
    p95_s: Seconds | None = item("Highest 95th percentile of latency.", default=None)
    p99_s: Seconds | None = item("Highest 99th percentile of latency.", default=None)
    p999_s: Seconds | None = item("Highest 99.9th percentile of latency.", default=None, key="p99.9")
    errors: Fraction | None = item("Highest share of failed requests.", default=None)
    accuracy: Fraction | None = item("Lowest accuracy on labelled data.", default=None)
    throughput_per_s: PerSecond | None = item("Lowest rate of good answers.", default=None, key="throughput")
    require: Literal["any", "all"] = item("Whether one target suffices or all must reach it.", default="any")


@record(kw_only=True)
class Search:
    """A search for the best layout."""

    objective: Objective = item("Limits that the layout must keep.")
    minimise: Literal["cost", "cores", "latency"] = item("What to minimise.", default="cost")


@record(kw_only=True)
class Benchmark:
    """A comparison of serving groups under the same loads."""

    name: Name = item("Name of the benchmark.")
    targets: tuple[Name, ...] = item("Serving groups to measure.")
    load: Annotated[tuple[Load, ...], OneOrMore()] = item(
        "One load or a list of them, run one after another on each target.", default=()
    )
    data: FilePath | None = item(
        "Data set: an .npz with an array for each input (or `x`) and labels `y`.", default=None
    )
    objective: Objective | None = item("What a target must reach.", default=None)
    protocol: Protocol | None = item("Protocol instead of each target's own.", default=None)
    tool: Literal["builtin", "hey", "wrk", "vegeta", "ghz", "locust"] = item("Load generator.", default="builtin")
    repeats: Positive = item("How often each pair of target and load is measured; the order turns.", default=1)
    search: Search | None = item("Search for a layout instead of measuring the given ones.", default=None)
    at: str = where()


@record(kw_only=True)
class Spec:
    """A whole stack."""

    api_version: Literal["inferstack/v1"] = item("Version of this format.")
    name: Name = item("Name of the stack.")
    engine: Literal["embedded", "pulumi"] | None = item(
        "Engine; the one that fits the cluster when absent.", default=None
    )
    cluster: Cluster = item("Where everything runs; this machine when absent.", default=LocalCluster())
    extensions: tuple[Annotated[Extension, ByName()], ...] = item("Software installed on the cluster.", default=())
    models: tuple[Model, ...] = item("Models.", default=())
    serving: tuple[Serving, ...] = item("Serving groups.", default=())
    traffic: tuple[Traffic, ...] = item("Traffic splits.", default=())
    benchmarks: tuple[Benchmark, ...] = item("Benchmarks.", default=())

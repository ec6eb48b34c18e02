"""Ways of serving a model."""

from collections.abc import Mapping
from typing import Annotated, Literal

from schemas.record import record
from schemas.spec.fields import (
    CpuList,
    Layout,
    Name,
    Percentage,
    Platform,
    Port,
    Positive,
    Protocol,
    Range,
    item,
    where,
)
from schemas.spec.node_pool import Taint
from schemas.units import Bytes, Seconds


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
    average: Annotated[float, Range(0)] | None = item(
        "Target average a replica: busy cores, GiB of memory, or requests a second.", default=None
    )
    utilization: Percentage | None = item(
        "Target share of the replicas' cores or memory in percent; 80 when `average` is absent too.", default=None
    )
    stabilization_s: Seconds | None = item(
        "How long fewer replicas must have been enough before one goes; 5m when absent.", default=None
    )
    prometheus: str | None = item(
        "Address of the Prometheus that counts requests; that of extension kube-prometheus-stack when absent.",
        default=None,
    )


@record(kw_only=True)
class Queue:
    """Back-pressure of the embedded server."""

    size: Positive = item("Requests that may wait; one more is refused with 503.", default=128)
    retry_after_s: Seconds = item("What a refused client is told to wait.", default=1.0, key="retryAfter")


@record(kw_only=True)
class Disruption:
    """How many replicas may be missing while nodes are drained."""

    min_available: Positive | None = item("Fewest replicas that stay.", default=None)
    max_unavailable: Positive | None = item("Most replicas that may be missing.", default=None)


@record(kw_only=True)
class Clients:
    """Who may call a group, besides the pods of its own namespace."""

    namespaces: tuple[Name, ...] = item("Namespaces whose pods may call.", default=())
    cidrs: tuple[str, ...] = item("Addresses that may call, such as 10.0.0.0/8.", default=())


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
    image: str | None = item("Container image of the platform; its usual one when absent.", default=None)
    memory_bytes: Bytes | None = item("Memory of an instance; by its cores when absent.", default=None, key="memory")
    replicas: Positive | None = item("Replicas of a Deployment.", default=None)
    autoscale: Autoscale | None = item("Horizontal autoscaling instead of fixed replicas.", default=None)
    rolling: Literal["surge", "replace"] | None = item(
        "How pods are replaced: start the new one first, or stop the old one first; by the room there is when absent.",
        default=None,
    )
    disruption: Disruption | None = item(
        "Replicas that may be missing while nodes are drained; one, of several, when absent.", default=None
    )
    spread: Literal["node", "zone", "none"] | None = item(
        "Keep replicas apart by nodes or zones; by nodes where there is a choice when absent.", default=None
    )
    priority: Annotated[int, Range(1, 1_000_000_000)] | None = item(
        "Priority over pods of smaller numbers; makes a priority class.", default=None
    )
    priority_class: Name | None = item("A priority class that is there already.", default=None)
    clients: Clients = item("Who may call besides the stack's own namespace.", default=Clients())
    node_pool: Name | None = item("Node pool to run on.", default=None)
    node_selector: Mapping[str, str] | None = item("Labels of the nodes to run on.", default=None)
    tolerations: tuple[Taint, ...] = item("Taints of nodes to run on all the same.", default=())
    runtime: Literal["openvino", "ovms"] | None = item(
        "Server inside KServe or Seldon on a cluster; this program's own (openvino) when absent.", default=None
    )
    mode: Literal["standard", "knative"] | None = item(
        "KServe on a cluster: plain Deployments (standard), or Knative, which scales to zero but pins nothing.",
        default=None,
    )
    canary: Percentage | None = item(
        "KServe in Knative mode: share of the newest revision; the rest stays with the one before.", default=None
    )
    executor: bool | None = item("Seldon: whether its executor passes requests on; on when absent.", default=None)
    transport: Literal["rest", "grpc"] | None = item(
        "Seldon: what its executor passes on; as the protocol says when absent.", default=None
    )
    mesh: bool = item("On a cluster: put Istio's proxy beside the server, for mutual TLS.", default=False)
    at: str = where()

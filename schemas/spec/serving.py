"""Ways of serving a model."""

from collections.abc import Mapping
from typing import Literal

from schemas.record import record
from schemas.spec.fields import CpuList, Layout, Name, Percentage, Platform, Port, Positive, Protocol, item, where
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

"""Comparisons of serving groups under the same loads, and what they must reach."""

from collections.abc import Mapping
from typing import Annotated, Literal

from schemas.record import record
from schemas.spec.fields import Arrivals, Count, FilePath, Name, OneOrMore, Positive, Protocol, Seed, Tool, item, where
from schemas.spec.node_pool import Taint
from schemas.units import Fraction, PerSecond, Seconds


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
    seed: Seed = item("Seed of arrivals and of the order of the data.", default=1)
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
    tool: Tool = item(
        "Load generator; the others must be installed here, or come as images to a cluster.", default="builtin"
    )
    image: str | None = item("Image of the tool on a cluster; the tool's usual one when absent.", default=None)
    workers: Positive | None = item("Locust on a cluster: pods with users, beside the one that steers.", default=None)
    node_pool: Name | None = item(
        "GKE: node pool of the load; the one named loadtest or tainted `loadtester` when absent.", default=None
    )
    node_selector: Mapping[str, str] | None = item("Labels of the nodes for the load, on a cluster.", default=None)
    tolerations: tuple[Taint, ...] = item(
        "Taints of nodes that the load may run on; `loadtester` always is.", default=()
    )
    client_cores: Count = item("Cores of its own for the load generator on a cluster; 0 takes what is free.", default=1)
    repeats: Positive = item("How often each pair of target and load is measured; the order turns.", default=1)
    search: Search | None = item("Search for a layout instead of measuring the given ones.", default=None)
    at: str = where()

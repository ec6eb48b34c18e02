"""What a benchmark measures, and against what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from schemas.rules.registry import Violation, rule
from schemas.shape import Quantity, record_of
from schemas.spec import Load, Objective, Spec
from schemas.tree import Tree
from schemas.units import DURATION

MOST_REQUESTS: Final = 20_000_000
"""Of one load. The built-in generator keeps about 150 bytes of each, which makes 3 GB; other tools keep as much."""

MOST_CONNECTIONS: Final = 16_000
"""Of one process. Each takes a port of its own to reach one address: Linux has 28,232 for that, macOS 16,384."""


def _loads(spec: Spec) -> Iterator[tuple[str, Load]]:
    """Every load of every benchmark with its path; a single one stands without an index."""
    for benchmark in spec.benchmarks:
        for load in benchmark.load:
            yield load.at, load


@rule("BENCH001")
def a_load_is_open_or_closed(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A load has either a `rate` (open loop) or a number of `clients` (closed loop).

    Why: With a rate, requests come when they are due, however slow the answers are. Clients each wait for their answer
        before they ask again. The two answer different questions.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks: [{name: steady, targets: [one], load: {duration: 5s}}]
    Remedy: Write `rate: 50/s` for latency under a given load, or `clients: 4` for the most a server can carry.
    """
    for path, load in _loads(spec):
        if load.rate_per_s is None and load.clients is None:
            yield Violation(path, "the load has neither `rate` nor `clients`")
        if load.rate_per_s is not None and load.clients is not None:
            yield Violation(f"{path}.clients", "the load has both `rate` and `clients`", key=True)


@rule("BENCH002")
def a_benchmark_has_a_load(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A benchmark has at least one load, or searches for a layout.

    Why: Without a load nothing is measured.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks: [{name: steady, targets: [one]}]
    Remedy: Add `load: {rate: 50/s, duration: 10s}`.
    """
    for benchmark in spec.benchmarks:
        if not benchmark.load and benchmark.search is None:
            yield Violation(benchmark.at, f"benchmark `{benchmark.name}` has no `load`")


@rule("BENCH003")
def accuracy_needs_labels(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """An objective for accuracy has labelled `data`.

    Why: Answers are compared with the labels `y` of the data set.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks: [{name: steady, targets: [one], load: {rate: 50/s}, objective: {accuracy: 90%}}]
    Remedy: Add `data: labelled.npz`, with an array for each input and labels `y`.
    """
    for benchmark in spec.benchmarks:
        if benchmark.objective and benchmark.objective.accuracy is not None and benchmark.data is None:
            yield Violation(f"{benchmark.at}.objective.accuracy", "accuracy is asked for, and there is no `data`")


@rule("BENCH004")
def settings_match_the_loop(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`arrivals` stands beside `rate`; `connections` are not fewer than `clients`.

    Why: Clients that wait for answers have no arrival times of their own, and each needs a connection.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks: [{name: steady, targets: [one], load: {clients: 4, arrivals: poisson}}]
    Remedy: Delete the key, or use `rate` instead of `clients`.
    """
    for path, load in _loads(spec):
        if load.clients is None or load.rate_per_s is not None:
            continue
        if tree.has(f"{path}.arrivals"):
            yield Violation(f"{path}.arrivals", "`arrivals` does nothing with `clients`", key=True)
        if load.connections is not None and load.connections < load.clients:
            remedy = f"Delete it: each client has a connection; or write at least {load.clients}."
            message = f"{load.connections} connections are too few for {load.clients} clients"
            yield Violation(f"{path}.connections", message, remedy=remedy)


@rule("BENCH005")
def loads_take_time(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A load lasts longer than no time, at a rate above zero, and due requests fall into it.

    Why: A measurement without a request has no latency to report.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks: [{name: steady, targets: [one], load: {rate: 1/h, duration: 10s}}]
    Remedy: Ask for a higher rate or a longer duration; a thousand requests make a p99 that can be trusted.
    """
    for path, load in _loads(spec):
        if load.duration_s <= 0:
            yield Violation(f"{path}.duration", "the duration is zero")
        elif load.timeout_s <= 0:
            yield Violation(f"{path}.timeout", "the time-out is zero, so that every request would fail")
        elif load.rate_per_s is not None and load.rate_per_s * load.duration_s < 1:
            yield Violation(f"{path}.rate", "not one request is due within the duration")


@rule("BENCH006")
def targets_are_named_once(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A benchmark has at least one target, and names each once.

    Why: Targets are compared with each other; `repeats` measures one several times.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks: [{name: steady, targets: [one, one], load: {rate: 50/s}}]
    Remedy: Name serving groups, each once.
    """
    for benchmark in spec.benchmarks:
        if not benchmark.targets:
            yield Violation(f"{benchmark.at}.targets", "`targets` is an empty list")
        for index, target in enumerate(benchmark.targets):
            if target in benchmark.targets[:index]:
                yield Violation(f"{benchmark.at}.targets.{index}", f"`{target}` is named twice")


@rule("BENCH007")
def objectives_say_something(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """An objective has at least one limit.

    Why: Without one every target would meet it.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks: [{name: steady, targets: [one], load: {rate: 50/s}, objective: {require: all}}]
    Remedy: Add a limit such as `p99: 20ms`, or delete the objective.
    """
    for path, objective in _objectives(spec):
        if not _has_limit(objective):
            yield Violation(path, "the objective has no limit", key=True)


def _has_limit(objective: Objective) -> bool:
    return any(getattr(objective, field.name) is not None for field in fields(objective) if field.name != "require")


@rule("BENCH008")
def loads_fit_into_memory(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A load of a rate has at most 20,000,000 requests, those of its warm-up among them.

    Why: The load generator keeps the times of every request until the end, about 150 bytes each: 3 GB for so many. A
        thousandth of them tells a p99.9 already.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks: [{name: steady, targets: [one], load: {rate: 1000000/s, duration: 1h}}]
    Remedy: Ask for a shorter duration or a lower rate; `repeats` measures again.
    """
    for path, load in _loads(spec):
        if load.rate_per_s is None:
            continue
        count = load.rate_per_s * (load.warmup_s + load.duration_s)
        if count > MOST_REQUESTS:
            message = f"the load has {count:,.0f} requests, and may have {MOST_REQUESTS:,} at most"
            yield Violation(f"{path}.rate", message)


@rule("BENCH009")
def connections_fit_one_process(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A load generator has at most 16,000 clients or connections; Locust on a cluster as many a worker.

    Why: Each client keeps a connection, and each connection to one address takes a port of the machine, of which macOS
        has 16,384 for that and Linux 28,232.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks: [{name: most, targets: [one], load: {clients: 100000}}]
    Remedy: Ask for fewer clients, or write a `rate`: users who seldom ask are a rate, not clients that wait.
    """
    for benchmark in spec.benchmarks:
        most = MOST_CONNECTIONS * (benchmark.workers or 1)
        for load in benchmark.load:
            for key, count in (("clients", load.clients), ("connections", load.connections)):
                if count is not None and count > most:
                    yield Violation(f"{load.at}.{key}", f"{count:,} {key} are more than one generator keeps ({most:,})")


@rule("BENCH010")
def latencies_take_time(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A limit of latency is above zero.

    Why: No answer comes in no time, so that every target would miss it.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks: [{name: steady, targets: [one], load: {rate: 50/s}, objective: {p99: 0ms}}]
    Remedy: Write the longest latency that will do, such as 20ms, or delete the limit.
    """
    for path, objective in _objectives(spec):
        for key, field in record_of(Objective).fields.items():
            is_latency = isinstance(field.shape, Quantity) and field.shape.unit is DURATION
            if is_latency and getattr(objective, field.name) == 0:
                yield Violation(f"{path}.{key}", f"no answer takes no time: `{key}` is zero")


@rule("BENCH011")
def limits_of_throughput_can_be_shown(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A limit of throughput is shown by a closed loop, or by a rate that is not below the limit.

    Why: At a lower rate nobody sees how much a target can carry, so that nothing would be judged.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks: [{name: steady, targets: [one], load: {rate: 50/s}, objective: {throughput: 100/s}}]
    Remedy: Add a load such as `clients: 8`, raise the rate above the limit, or lower the limit.
    """
    for benchmark in spec.benchmarks:
        limit = benchmark.objective.throughput_per_s if benchmark.objective else None
        rates = [load.rate_per_s for load in benchmark.load]
        if limit is not None and rates and all(rate is not None and rate < limit for rate in rates):
            yield Violation(f"{benchmark.at}.objective.throughput", "no load can show that this limit is kept")


def _objectives(spec: Spec) -> Iterator[tuple[str, Objective]]:
    """Every objective of every benchmark with its path."""
    for benchmark in spec.benchmarks:
        if benchmark.objective is not None:
            yield f"{benchmark.at}.objective", benchmark.objective
        if benchmark.search is not None:
            yield f"{benchmark.at}.search.objective", benchmark.search.objective

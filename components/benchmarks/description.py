"""What a benchmark shall do, as a value: the whole of what `run.py` is told, plain JSON when it travels.

Pure. Made of a benchmark of the spec and of the targets as they stand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from components.benchmarks import words
from components.benchmarks.load.arguments import Endpoint
from components.benchmarks.result import LoadShape, Target
from schemas import spec
from schemas.spec import Protocol, Tool
from schemas.units import SIZE

DEFAULT_LOADS: Final = (spec.Load(rate_per_s=50.0), spec.Load(clients=8))
"""Latency under little load and throughput under much, for a benchmark that names no load."""


@dataclass(frozen=True)
class Subject:
    """A target with the way to ask it."""

    target: Target
    protocol: Protocol
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True)
class Description:
    """A benchmark to carry out.

    Attributes:
        results: the folder of the stack's results.
        data: an `.npz`; None for random rows.
        objective: limits by metric, as `words.METRICS` names them; empty when nothing is asked of the targets.
        rerun: a token; another one means to measure again though nothing has changed.
        tool: who makes the requests.
    """

    stack: str
    benchmark: str
    results: str
    subjects: tuple[Subject, ...]
    loads: tuple[LoadShape, ...]
    data: str | None = None
    data_digest: str = ""
    objective: Mapping[str, float] | None = None
    require: Literal["any", "all"] = "any"
    repeats: int = 1
    spec_digest: str = ""
    rerun: str = ""
    tool: Tool = "builtin"


def load_shapes(loads: Sequence[spec.Load]) -> tuple[LoadShape, ...]:
    """The loads of the spec, each with a label of its own; the default loads when there are none."""
    shapes = [_shape(load) for load in loads or DEFAULT_LOADS]
    seen: Counter[str] = Counter()
    labelled = []
    for shape in shapes:
        label = words.load(shape)
        seen[label] += 1
        labelled.append(replace(shape, label=label if seen[label] == 1 else f"{label} ({seen[label]})"))
    return tuple(labelled)


def limits(objective: spec.Objective | None) -> Mapping[str, float]:
    """The limits that an objective states, in base units, by metric."""
    stated = {metric: getattr(objective, metric, None) for metric in words.METRICS}
    return {metric: limit for metric, limit in stated.items() if limit is not None}


def settings(serving: spec.Serving) -> dict[str, str]:
    """What of a serving group decides its figures besides its model, its cores and its streams, in the spec's words."""
    return {
        "execution": serving.execution,
        "scheduling": serving.scheduling,
        "queue": str(serving.queue.size),
        "maxRequestSize": SIZE.spell(serving.max_request_bytes),
        **{f"env.{name}": value for name, value in (serving.env or {}).items()},
    }


def _shape(load: spec.Load) -> LoadShape:
    return LoadShape(
        label="",
        rate_per_s=load.rate_per_s,
        clients=load.clients if load.rate_per_s is None else None,
        arrivals=load.arrivals,
        duration_s=load.duration_s,
        warmup_s=load.warmup_s,
        connections=load.connections or 0,
        batch=load.batch,
        seed=load.seed,
        timeout_s=load.timeout_s,
    )

"""A benchmark's result as a person reads it in the terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from components.benchmarks import verdict
from stack.render.benchmark_text import benchmark_text
from tests.builders.results import Made, a_load, a_measurement, a_result, a_target

Golden = Callable[[str, str], None]

OPEN = a_load(rate_per_s=200.0, duration_s=10.0)
CLOSED = a_load(clients=8, duration_s=5.0)
TARGETS = (a_target("digits-latency", cpus=[(0, 1)]), a_target("digits-throughput", cpus=[(0,), (1,)]))
OBJECTIVE = {"p99_s": 0.008, "errors": 0.0, "accuracy": 0.95}


def judged(made: Made) -> Made:
    limits = verdict.applicable(OBJECTIVE, made.measurement.load, (OPEN, CLOSED))
    return replace(made, measurement=replace(made.measurement, verdict=verdict.judge(limits, *vars(made).values())))


def measured(target: int, load: Any, *, ms: float, **changes: Any) -> Made:
    return a_measurement(TARGETS[target].name, load, service_ms=ms, servers=target + 1, **changes)


def test_two_layouts_side_by_side(tmp_path: Path, golden: Golden) -> None:
    made = [
        judged(measured(0, OPEN, ms=0.7)),
        judged(measured(1, OPEN, ms=1.3, seed=2)),
        judged(measured(0, CLOSED, ms=0.7, seed=3)),
        judged(measured(1, CLOSED, ms=1.0, seed=4)),
    ]
    golden(
        "benchmark.txt", benchmark_text(a_result(tmp_path, targets=TARGETS, measured=made, objective=OBJECTIVE).result)
    )


def test_failures_invalid_runs_and_notes_are_told(tmp_path: Path, golden: Golden) -> None:
    late = "the client was late: 1 % of the requests left 4.20 ms or more after their time, 1.00 ms is allowed"
    made = [
        judged(measured(0, OPEN, ms=0.7, fail=0.03)),
        judged(measured(1, OPEN, ms=1.3, invalid=(late,), notes=("accuracy is that of 1,200 answers",))),
    ]
    golden(
        "benchmark-bad.txt",
        benchmark_text(a_result(tmp_path, targets=TARGETS, measured=made, objective=OBJECTIVE).result),
    )


def test_repeats_without_an_objective(tmp_path: Path, golden: Golden) -> None:
    made = [measured(0, OPEN, ms=0.7, seed=i, repeat=i, shared_cpus=False, accuracy=None) for i in range(3)]
    golden("benchmark-repeats.txt", benchmark_text(a_result(tmp_path, targets=TARGETS[:1], measured=made).result))

"""Progress without a terminal stays short enough to read in a log."""

from __future__ import annotations

import io

from stack.cli.progress import PlainLines
from stack.engines.events import Finished, Progress, Subject

STEADY = Subject("urn:steady", "pulumi-python:dynamic/inferstack:Benchmark", "steady")


def test_a_step_of_a_benchmark_is_said_once_and_again_only_after_a_while() -> None:
    said, clock = io.StringIO(), iter(range(100))
    lines = PlainLines(said, lambda: float(next(clock)))
    for second in range(20):
        lines(Progress(STEADY, f"steady: {'one' if second < 17 else 'two'} at 200/s", second / 20))
    lines(Finished("create", STEADY, 20.0))
    assert said.getvalue().splitlines() == [
        "  steady: one at 200/s",
        "  steady: one at 200/s",
        "  steady: two at 200/s",
        "created benchmark steady (20.0 s)",
    ]

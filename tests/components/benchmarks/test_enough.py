"""A plan says which loads are too short for a verdict."""

from __future__ import annotations

import pytest

from components.benchmarks import statistics
from components.benchmarks.enough import PERCENTILES, fewest, too_short
from schemas.spec import Benchmark, Load, Objective


def a_benchmark(*loads: Load, **limits: float) -> Benchmark:
    return Benchmark(at="benchmarks.steady", name="steady", targets=("one",), load=loads, objective=Objective(**limits))


@pytest.mark.parametrize("p", PERCENTILES.values())
@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_the_fewest_are_those_that_the_criterion_needs_with_none_over(p: float, confidence: float) -> None:
    assert fewest(p, confidence) == statistics.needed(p, 0, confidence)


def test_a_load_too_short_for_its_highest_percentile_is_told() -> None:
    short, long = Load(rate_per_s=50.0, duration_s=5.0), Load(rate_per_s=100.0, duration_s=5.0)
    assert list(too_short(a_benchmark(short, long, p50_s=0.01, p99_s=0.05))) == [
        "steady: p99 needs at least 459 requests for a verdict, and 50/s for 5 s asks for 250: longer or faster"
    ]


def test_closed_loops_and_objectives_without_a_percentile_ask_for_no_number() -> None:
    assert not list(too_short(a_benchmark(Load(clients=1, duration_s=1.0), p99_s=0.05)))
    assert not list(too_short(a_benchmark(Load(rate_per_s=1.0, duration_s=1.0), errors=0.0)))

"""Percentiles and the number of requests that a verdict needs."""

from __future__ import annotations

from fractions import Fraction
from math import comb, isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.benchmarks import statistics

times = st.lists(st.floats(0, 1e4), min_size=1, max_size=300)


@given(times, st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.999]))
def test_a_percentile_is_the_smallest_sample_that_the_share_does_not_exceed(values: list[float], p: float) -> None:
    found = statistics.percentile(np.sort(values), p)
    assert found in values
    assert Fraction(sum(v <= found for v in values), len(values)) >= Fraction(str(p))
    assert Fraction(sum(v < found for v in values), len(values)) < Fraction(str(p))


@given(times)
def test_percentiles_ascend_to_the_largest_sample(values: list[float]) -> None:
    found = statistics.latency(np.array(values))
    points = [found.p50_s, found.p90_s, found.p95_s, found.p99_s, found.p999_s, found.max_s]
    assert points == sorted(points)
    assert found.max_s == max(values)


def test_no_samples_have_no_percentiles() -> None:
    assert isnan(statistics.latency(np.array([])).p99_s)


@pytest.mark.parametrize(
    ("p", "confidence", "over", "requests"),
    [
        (0.99, 0.99, 0, 459), (0.99, 0.99, 1, 662), (0.99, 0.99, 10, 2010), (0.99, 0.99, 100, 12571),
        (0.99, 0.95, 0, 299), (0.99, 0.95, 20, 2902), (0.999, 0.99, 0, 4603), (0.999, 0.99, 1, 6636),
        (0.9, 0.99, 1, 64),
    ],
)  # fmt: skip
def test_the_requests_needed_are_those_of_the_published_table(
    p: float, confidence: float, over: int, requests: int
) -> None:
    assert statistics.needed(p, over, confidence) == requests
    assert statistics.sureness(requests - 1, over, p, confidence) == "unsure"


@given(st.integers(1, 120), st.data())
def test_the_binomial_distribution_agrees_with_exact_arithmetic(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(-1, n))
    share = data.draw(st.sampled_from([0.001, 0.01, 0.1, 0.5, 0.9, 0.99]))
    q = Fraction(share)
    exact = sum(comb(n, i) * q**i * (1 - q) ** (n - i) for i in range(k + 1))
    assert statistics.binomial_cdf(k, n, share) == pytest.approx(float(exact), rel=1e-9, abs=1e-300)


def test_a_limit_that_far_too_many_exceed_is_missed() -> None:
    assert statistics.sureness(1000, 100, 0.99) == "missed"
    assert statistics.sureness(1000, 10, 0.99) == "unsure"
    assert statistics.sureness(5, 5, 0.99) == "missed"
    assert statistics.sureness(0, 0, 0.99) == "unsure"


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_more_requests_over_a_limit_never_help_it(n: int, over: int) -> None:
    order = ["kept", "unsure", "missed"]
    less, more = (order.index(statistics.sureness(n, min(k, n), 0.99)) for k in (over, over + 1))
    assert less <= more


def test_blocks_are_thirds_of_the_time() -> None:
    at = np.array([0.0, 0.9, 1.0, 2.9])
    assert statistics.blocks(at, 3.0).tolist() == [0, 0, 1, 2]
    assert statistics.shares_by_block(np.array([True, False, True, False]), at, 3.0) == (0.5, 1.0, 0.0)

"""The arithmetic of a comparison: rank test, correction, and how often noise is taken for a difference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.benchmarks.significance import blocks, evidence, holm, mann_whitney

probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def noise(seed: int, requests: int = 3000) -> np.ndarray:
    """Latencies whose neighbours resemble each other, as a queue makes them."""
    random = np.random.default_rng(seed)
    drift = np.convolve(random.normal(0, 1, requests + 20), np.ones(20) / 20, mode="valid")[:requests]
    return np.exp(0.3 * random.normal(0, 1, requests) + 0.3 * drift)


@pytest.mark.parametrize(
    ("a", "b", "p"),
    [
        # Figures of scipy.stats.mannwhitneyu(a, b, method="asymptotic"), version 1.17.
        ([1, 2, 3, 4, 5], [6, 7, 8, 9, 10], 0.012185780355344914),
        ([1, 2, 2, 3, 3, 3], [2, 3, 3, 4, 5, 5, 5], 0.04471551737434609),
        ([1, 1, 1], [1, 1, 1], 1.0),
    ],
)
def test_the_rank_test_agrees_with_scipy(a: list[float], b: list[float], p: float) -> None:
    assert mann_whitney(np.array(a, float), np.array(b, float)) == pytest.approx(p)


@given(st.lists(st.integers(0, 9), min_size=3, max_size=40), st.lists(st.integers(0, 9), min_size=3, max_size=40))
def test_the_rank_test_does_not_care_which_side_is_which(a: list[int], b: list[int]) -> None:
    first, second = np.array(a, float), np.array(b, float)
    assert mann_whitney(first, second) == pytest.approx(mann_whitney(second, first))
    assert 0 <= mann_whitney(first, second) <= 1


@given(probabilities)
def test_holm_never_makes_anything_more_significant_nor_changes_the_order(p_values: list[float]) -> None:
    corrected = holm(p_values)
    assert all(p <= c <= 1 for p, c in zip(p_values, corrected, strict=True))
    ordered = sorted(range(len(p_values)), key=p_values.__getitem__)
    assert [corrected[i] for i in ordered] == sorted(corrected)


def test_holm_multiplies_the_smallest_by_the_number_of_tests() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))


@given(st.integers(0, 50), st.lists(st.integers(0, 200), min_size=1, max_size=4))
def test_blocks_hold_whole_neighbourhoods_of_one_run_only(length: int, sizes: list[int]) -> None:
    runs = [np.arange(size) + 1000.0 * i for i, size in enumerate(sizes)]
    cut = blocks(runs, length)
    if length:
        assert len(cut) == sum(size // length for size in sizes)
        assert all((np.diff(block) == 1).all() for block in cut)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_a_series_against_itself_shows_nothing(seed: int) -> None:
    series = noise(seed)
    for each in evidence([series], [series]):
        assert each.ratio == 1
        assert each.low <= 1 <= each.high
        assert each.p == 1


def test_two_runs_of_the_same_thing_rarely_look_different() -> None:
    alarms = weighed = 0
    for seed in range(15):
        for each in evidence([noise(2 * seed)], [noise(2 * seed + 1)], seed=seed):
            weighed += 1
            alarms += each.p < 0.05 and not each.low <= 1 <= each.high
    assert weighed == 60
    assert alarms <= 6


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_a_fifth_more_or_less_is_found_in_every_figure(factor: float) -> None:
    found = evidence([noise(1, 10_000)], [factor * noise(2, 10_000)])
    assert [each.metric for each in found] == ["mean", "p50", "p90", "p99"]
    for each in found:
        assert each.p < 0.01
        assert each.low < each.ratio < each.high
        assert (each.low > 1) == (factor > 1)


def test_a_slower_tail_is_found_where_the_median_stays() -> None:
    slow = noise(3, 10_000)
    slow[slow > np.quantile(slow, 0.985)] *= 2
    outcomes = {each.metric: each.p < 0.01 and each.low > 1 for each in evidence([noise(4, 10_000)], [slow])}
    assert outcomes["p99"]
    assert not outcomes["p50"]


def test_percentiles_without_requests_enough_are_not_weighed() -> None:
    assert [each.metric for each in evidence([noise(1, 500)], [noise(2, 500)])] == ["mean", "p50", "p90"]
    assert evidence([noise(1, 20)], [noise(2, 5000)]) == ()
    assert evidence([np.empty(0)], [noise(2, 5000)]) == ()


def test_the_same_seed_gives_the_same_interval() -> None:
    first, second = (evidence([noise(1)], [noise(2)], seed=7) for _ in range(2))
    assert first == second

"""When requests are due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.benchmarks.load.pacing import EARLY_S, LoopTimer, Timer, make_timer, pace
from components.benchmarks.load.record import clock
from components.benchmarks.load.schedule import schedule
from components.benchmarks.result import LoadShape
from tests.components.benchmarks.load_builders import a_shape

open_loops = st.builds(
    a_shape,
    rate_per_s=st.floats(0.5, 3000),
    arrivals=st.sampled_from(["constant", "poisson"]),
    duration_s=st.floats(0.1, 5),
    warmup_s=st.floats(0, 2),
    seed=st.integers(0, 2**32),
)


@given(open_loops)
def test_a_schedule_holds_exactly_the_rate_asked_in_order(load: LoadShape) -> None:
    times = schedule(load)
    measured = times[times >= 0]
    assert len(measured) == round(load.rate_per_s * load.duration_s)
    assert len(times) - len(measured) == round(load.rate_per_s * load.warmup_s)
    assert (np.diff(times) >= 0).all()
    assert (measured < load.duration_s + 0.5 / load.rate_per_s).all()


@given(open_loops)
def test_the_same_seed_gives_the_same_times(load: LoadShape) -> None:
    assert (schedule(load) == schedule(load)).all()


def test_constant_arrivals_keep_their_distance_over_the_end_of_the_warmup() -> None:
    assert np.allclose(np.diff(schedule(a_shape(rate_per_s=50.0, warmup_s=1.0))), 0.02)


def test_gaps_between_poisson_arrivals_are_exponential() -> None:
    gaps = np.diff(schedule(a_shape(rate_per_s=1000.0, arrivals="poisson", duration_s=50.0)))
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.03)
    assert (gaps > gaps.mean()).mean() == pytest.approx(np.exp(-1), abs=0.01)


def test_another_seed_gives_other_poisson_times() -> None:
    one, other = (schedule(a_shape(arrivals="poisson", seed=seed)) for seed in (1, 2))
    assert not np.allclose(one, other)


def test_a_closed_loop_has_no_schedule() -> None:
    with pytest.raises(ValueError, match="closed loop"):
        schedule(a_shape(clients=3))


@pytest.mark.parametrize("timer", [make_timer, partial(make_timer, early_s=EARLY_S), LoopTimer])
def test_pacing_fires_every_time_in_order_and_never_early(timer: Callable[[Callable[[], None]], Timer]) -> None:
    begin = clock() + 0.01
    times, fired = [begin, begin, begin + 0.01, begin + 0.011, begin + 0.05], []
    asyncio.run(pace(times, lambda due: fired.append((due, clock())), timer))
    assert [due for due, _ in fired] == times
    assert all(at >= due for due, at in fired)


def test_pacing_without_any_time_is_over_at_once() -> None:
    asyncio.run(pace([], lambda due: pytest.fail(f"fired at {due}")))

"""What charts are made of: scales with round figures, small series of many samples, looks that differ."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from components.benchmarks.report.chart import path
from components.benchmarks.report.html import Markup, join, tag
from components.benchmarks.report.look import looks
from components.benchmarks.report.scale import Linear, Logarithmic, Tail, around
from components.benchmarks.report.series import distribution, timeline
from components.benchmarks.samples import Samples
from tests.builders.results import a_load, a_measurement

positive = st.floats(1e-3, 1e6)


def some_samples(due_s: list[float], response_s: list[float], status: list[int] | None = None) -> Samples:
    due = np.array(due_s)
    good = np.array(status if status is not None else [0] * len(due_s), dtype=np.uint8)
    return Samples(due, due, due + np.array(response_s), good, np.zeros(len(due), dtype=np.uint16))


@given(positive, positive, st.floats(0, 1))
def test_a_logarithmic_axis_holds_every_value_between_its_ends(one: float, other: float, share: float) -> None:
    low, high = sorted((one, other))
    scale = Logarithmic(low, high, 300, 0)
    value = low * (high / low) ** share
    assert -1e-6 <= scale(value) <= 300 + 1e-6
    assert scale(low) >= scale(high)


@given(positive, positive)
def test_ticks_are_few_ascending_and_on_the_axis(one: float, other: float) -> None:
    low, high = sorted((one, other))
    for scale in (Logarithmic(low, high, 0, 100), Linear(high, 0, 100), Logarithmic(low, high, 0, 100, most_ticks=4)):
        values = [value for value, _ in scale.ticks]
        assert 2 <= len(values) <= 9
        assert all(a < b for a, b in pairwise(values))
        assert all(-1e-6 <= scale(value) <= 100 + 1e-6 for value in values)
        assert len({label for _, label in scale.ticks}) == len(values)


def test_a_linear_axis_ends_at_a_round_figure_above_the_highest_value() -> None:
    assert [label for _, label in Linear(870, 0, 100).ticks] == ["0", "200", "400", "600", "800", "1,000"]
    assert [label for _, label in Linear(0, 0, 100).ticks][-1] == "1"


def test_every_nine_of_a_percentile_takes_the_same_room() -> None:
    scale = Tail(0.999, 0, 300)
    assert [round(scale(q)) for q in (0, 0.9, 0.99, 0.999)] == [0, 100, 200, 300]
    assert [label for _, label in scale.ticks] == ["p0", "p50", "p90", "p99", "p99.9"]


def test_what_cannot_stand_on_a_logarithmic_axis_is_left_out_of_its_range() -> None:
    assert around([0.0, math.nan, 2.0, math.inf, 5.0]) == (2.0, 5.0)
    assert around([]) == (1.0, 10.0)


def test_a_distribution_is_as_small_for_many_requests_as_for_few() -> None:
    few, many = (a_measurement("t", a_load(rate_per_s=rate, duration_s=100.0)).samples for rate in (10.0, 300.0))
    drawn = [distribution([each]) for each in (few, many)]
    assert all(each is not None and len(each.quantiles) < 90 for each in drawn)
    assert [each and float(each.quantiles[-1]) for each in drawn] == [0.99, 0.999]


def test_a_distribution_counts_good_answers_only_and_never_falls() -> None:
    found = distribution([some_samples([0, 1, 2, 3], [0.001, 0.002, 9.0, 0.003], [0, 0, 1, 0])])
    assert found is not None
    assert (found.requests, round(float(found.latency_ms.max()), 6)) == (3, 2.0)
    assert (np.diff(found.latency_ms) >= 0).all()
    assert distribution([some_samples([0], [1], [1])]) is None
    assert distribution([]) is None


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(1e-4, 1), st.integers(0, 1)), min_size=1, max_size=200))
def test_a_timeline_loses_neither_the_slowest_answer_nor_a_failure(requests: list[tuple[float, float, int]]) -> None:
    assume(any(status == 0 for *_, status in requests))
    requests.sort()
    samples = some_samples([r[0] for r in requests], [r[1] for r in requests], [r[2] for r in requests])
    found = timeline(samples, 10.0)
    assert math.isclose(np.nanmax(found.max_ms), samples.response_s[samples.good].max() * 1e3)
    assert found.failed.sum() == (~samples.good).sum()
    assert (np.nan_to_num(found.median_ms) <= np.nan_to_num(found.max_ms)).all()


def test_repeats_share_the_bins_of_their_chart() -> None:
    samples = a_measurement("t", a_load(rate_per_s=300.0)).samples
    assert len(timeline(samples, 10.0).time_s) == 120
    assert len(timeline(samples, 10.0, repeats=3).time_s) == 40


def test_a_gap_in_the_values_is_a_gap_in_the_line() -> None:
    assert path([(0, 1), (1, 2), (2, math.nan), (3, 4), (4, 5)]) == "M0.0 1.0L1.0 2.0M3.0 4.0L4.0 5.0"


def test_thirty_targets_look_different_from_each_other() -> None:
    assert len(set(looks([str(i) for i in range(30)]).values())) == 30


def test_neighbours_differ_in_more_than_colour() -> None:
    found = list(looks([str(i) for i in range(12)]).values())
    assert all(a.dash != b.dash and a.marker != b.marker for a, b in pairwise(found))


def test_text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", "a < b", Markup("<b>c</b>"), title='"&"') == '<p title="&quot;&amp;&quot;">a &lt; b<b>c</b></p>'
    assert join(["x", None, 1.5, ["<"]]) == "x1.5&lt;"
    assert tag("rect", x=1.0, y=2.345, class_="a", hidden=False) == '<rect x="1" y="2.35" class="a"></rect>'

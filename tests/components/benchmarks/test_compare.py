"""Two stored results side by side: which pairs there are, which words they get, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.benchmarks.compare import Comparison, Word, compare, split_reference
from components.benchmarks.results import StoredResult
from schemas.errors import PolicyError, UsageError
from tests.builders.results import a_load, a_measurement, a_result, a_target

RATE = a_load(rate_per_s=200.0)


def a_run(folder: Path, number: int, *, factor: float = 1.0, repeats: int = 1, **changes: Any) -> StoredResult:
    """A run of one target under one load, `factor` times as slow as usual, with noise of its own."""
    measured = [
        a_measurement("digits-latency", RATE, service_ms=1.2 * factor, seed=number, repeat=i) for i in range(repeats)
    ]
    return a_result(folder, measured=measured, id=f"run-{number}", **changes)


def outcome_of(comparison: Comparison, metric: str = "p50") -> Word | None:
    (pair,) = comparison.pairs
    return next(each.outcome for each in pair.differences if each.metric == metric)


def test_a_result_against_itself_shows_no_difference(tmp_path: Path) -> None:
    run = a_run(tmp_path, 1)
    (pair,) = compare(run, run).pairs
    assert pair.outcome == "no difference shown"
    assert not pair.regressions
    assert all(each.absolute == 0 for each in pair.differences)


def test_two_runs_of_the_same_thing_rarely_show_a_difference(tmp_path: Path) -> None:
    runs = [a_run(tmp_path, number) for number in range(16)]
    outcomes = [compare(before, after).pairs[0].outcome for before, after in zip(runs[::2], runs[1::2], strict=True)]
    assert outcomes.count("no difference shown") >= 7


def test_a_slow_down_of_a_fifth_is_a_regression_that_says_what(tmp_path: Path) -> None:
    comparison = compare(a_run(tmp_path, 1), a_run(tmp_path, 2, factor=1.2))
    (pair,) = comparison.pairs
    assert pair.outcome == "slower"
    (said,) = comparison.regressions
    assert said.startswith("digits-latency at 200/s Poisson: mean +")
    assert "p50 +" in said


def test_a_speed_up_of_a_fifth_is_no_regression(tmp_path: Path) -> None:
    comparison = compare(a_run(tmp_path, 1), a_run(tmp_path, 2, factor=0.8))
    assert comparison.pairs[0].outcome == "faster"
    assert not comparison.regressions


def test_a_change_within_twice_the_noise_of_repeats_is_no_difference(tmp_path: Path) -> None:
    restless = [
        a_measurement("digits-latency", RATE, service_ms=1.2 * factor, seed=i, repeat=i)
        for i, factor in enumerate((0.9, 1.0, 1.1))
    ]
    before = a_result(tmp_path, measured=restless, id="before")
    assert outcome_of(compare(before, a_run(tmp_path, 9, factor=1.2))) == "no difference shown"


def test_an_invalid_run_is_not_comparable_and_says_why(tmp_path: Path) -> None:
    bad = a_measurement("digits-latency", RATE, invalid=("the client was the bottleneck",))
    (pair,) = compare(a_run(tmp_path, 1), a_result(tmp_path, measured=[bad], id="bad")).pairs
    assert pair.outcome == "not comparable"
    assert pair.why == "B is invalid: the client was the bottleneck"


def test_an_invalid_repeat_is_left_out_and_said(tmp_path: Path) -> None:
    repeats = [
        a_measurement("digits-latency", RATE, service_ms=1.2),
        a_measurement("digits-latency", RATE, service_ms=9.0, repeat=1, invalid=("the client was late",)),
    ]
    comparison = compare(a_run(tmp_path, 1), a_result(tmp_path, measured=repeats, id="mixed"))
    assert outcome_of(comparison) == "no difference shown"
    assert comparison.caveats == ("1 of 2 repeats of 200/s Poisson on mixed:digits-latency are INVALID and left out",)


def test_more_failed_requests_are_a_regression_and_make_latencies_incomparable(tmp_path: Path) -> None:
    failing = a_measurement("digits-latency", RATE, service_ms=1.2, fail=0.1)
    (pair,) = compare(a_run(tmp_path, 1), a_result(tmp_path, measured=[failing], id="failing")).pairs
    assert pair.outcome == "not comparable"
    assert "the rest is no fair sample" in pair.why
    assert pair.regressions[0].startswith("errors 0.0% -> ")


def test_lost_accuracy_is_a_regression_though_nothing_got_slower(tmp_path: Path) -> None:
    worse = a_measurement("digits-latency", RATE, service_ms=1.2, accuracy=0.91)
    (pair,) = compare(a_run(tmp_path, 1), a_result(tmp_path, measured=[worse], id="worse")).pairs
    assert pair.outcome == "no difference shown"
    assert pair.regressions == ("accuracy 97.8% -> 91.0%",)


def test_too_few_requests_are_not_comparable(tmp_path: Path) -> None:
    few = a_measurement("digits-latency", a_load(rate_per_s=200.0, duration_s=0.2))
    (pair,) = compare(a_run(tmp_path, 1), a_result(tmp_path, measured=[few], id="few")).pairs
    assert (pair.outcome, pair.why) == (
        "not comparable",
        "too few good answers to tell a difference from noise",
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cpu_model": "Another CPU"}, "CPU model Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz against Another CPU"),
        ({"kernel": "Linux 6.9"}, "kernel Linux 6.1.0-40-amd64 against Linux 6.9"),
        ({"data_digest": "e" * 64}, "data dddddddddddd against eeeeeeeeeeee"),
        ({"targets": [a_target(digest="b" * 64)]}, "model of digits-latency aaaaaaaaaaaa against bbbbbbbbbbbb"),
    ],
)
def test_other_circumstances_are_refused_by_name_unless_forced(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    before, after = a_run(tmp_path, 1), a_run(tmp_path, 2, **changes)
    with pytest.raises(PolicyError) as refusal:
        compare(before, after)
    assert said in refusal.value.message
    assert "--force" in refusal.value.remedy
    assert said in compare(before, after, force=True).caveats


def two_targets(folder: Path) -> StoredResult:
    targets = [a_target("digits-latency"), a_target("digits-throughput", cpus=((0,), (1,)), digest="b" * 64)]
    measured = [
        a_measurement("digits-latency", RATE, service_ms=1.2),
        a_measurement("digits-throughput", RATE, service_ms=2.1, servers=2),
        a_measurement("digits-throughput", a_load(clients=4), service_ms=2.1, servers=2),
    ]
    return a_result(folder, targets=targets, measured=measured, id="both")


def test_two_targets_of_one_run_are_compared_though_their_models_differ(tmp_path: Path) -> None:
    run = two_targets(tmp_path)
    comparison = compare(run, run, target_a="digits-latency", target_b="digits-throughput")
    (pair,) = comparison.pairs
    assert (str(pair.a), str(pair.b)) == ("both:digits-latency", "both:digits-throughput")
    assert pair.outcome == "slower"
    assert any("aaaaaaaaaaaa" in caveat and "bbbbbbbbbbbb" in caveat for caveat in comparison.caveats)
    assert "4 clients was measured on both:digits-throughput only" in comparison.caveats


def test_runs_are_compared_target_by_target_and_load_by_load(tmp_path: Path) -> None:
    run = two_targets(tmp_path)
    assert [(pair.a.target, pair.load.label) for pair in compare(run, run).pairs] == [
        ("digits-latency", "200/s Poisson"),
        ("digits-throughput", "200/s Poisson"),
        ("digits-throughput", "4 clients"),
    ]


def test_an_unknown_target_is_a_usage_error_that_lists_the_known_ones(tmp_path: Path) -> None:
    run = two_targets(tmp_path)
    with pytest.raises(UsageError, match="no target 'digits'") as error:
        compare(run, run, target_a="digits")
    assert "digits-latency, digits-throughput" in error.value.remedy


def test_runs_with_nothing_in_common_say_what_each_has(tmp_path: Path) -> None:
    other = a_result(tmp_path, targets=[a_target("other")], measured=[a_measurement("other", RATE)], id="other")
    with pytest.raises(UsageError, match="no target with a load in common") as error:
        compare(a_run(tmp_path, 1), other)
    assert "other has other under 200/s Poisson" in error.value.why


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("layouts", ("layouts", None)),
        ("20260301T101500Z-0badcafe:digits-latency", ("20260301T101500Z-0badcafe", "digits-latency")),
        ("C:/results/run", ("C:/results/run", None)),
    ],
)
def test_a_reference_is_a_run_with_or_without_a_target(text: str, meant: tuple[str, str | None]) -> None:
    assert split_reference(text) == meant

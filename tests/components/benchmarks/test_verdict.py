"""What an objective says of a measurement, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from components.benchmarks import statistics, verdict
from components.benchmarks.result import Check, Measurement
from components.benchmarks.samples import Samples
from tests.builders.results import a_load, a_measurement


def measured(*, n: int = 2000, slow: int = 0, slow_from: float = 0.0, failed: int = 0, **changes: Any) -> Any:
    """A measurement of `n` requests of 1 ms over 10 s; `slow` of them, evenly spread from a time on, took 9 ms."""
    at = np.arange(n) * 10.0 / n
    took = np.full(n, 0.001)
    late = np.flatnonzero(at >= slow_from)
    took[late[np.linspace(0, len(late) - 1, slow).astype(int)]] = 0.009
    status = np.zeros(n, np.uint8)
    status[np.linspace(0, n - 1, failed).astype(int)] = 1
    samples = Samples(at, at, at + took, status, np.zeros(n, np.uint16))
    made = a_measurement("t", a_load(rate_per_s=n / 10))
    response = statistics.latency(samples.response_s[samples.good])
    errors = {"timeout": failed} if failed else {}
    return replace(made.measurement, requests=n, response=response, errors=errors, **changes), samples


def check(limits: dict[str, float], found: tuple[Measurement, Samples]) -> Check:
    judged = verdict.judge(limits, *found)
    assert judged is not None
    return judged.checks[0]


def test_a_percentile_passes_with_enough_requests_below_its_limit() -> None:
    found = check({"p99_s": 0.005}, measured(slow=5))
    assert (found.outcome, found.why) == ("pass", "p99 1.00 ms (5 of 2,000 requests over 5.00 ms)")


def test_a_percentile_fails_with_enough_requests_over_its_limit() -> None:
    found = check({"p99_s": 0.005}, measured(slow=60))
    assert (found.outcome, found.why) == ("fail", "p99 9.00 ms (60 of 2,000 requests over 5.00 ms)")


def test_too_few_requests_leave_a_percentile_undecided_and_say_how_many_would_do() -> None:
    found = check({"p99_s": 0.005}, measured(n=300))
    assert found.outcome == "undecided"
    assert found.why.endswith("0 of 300 requests over 5.00 ms, a verdict needs 459 requests")


def test_a_percentile_near_its_limit_is_undecided() -> None:
    found = check({"p99_s": 0.005}, measured(slow=18))
    assert found.outcome == "undecided"


def test_blocks_of_time_that_disagree_leave_a_percentile_undecided() -> None:
    found = check({"p99_s": 0.005}, measured(slow=60, slow_from=8.0))
    assert found.outcome == "undecided"
    assert found.why.endswith("but the thirds of the run disagree")


def test_failed_requests_count_as_over_every_latency_limit() -> None:
    assert check({"p99_s": 0.005}, measured(failed=100)).outcome == "fail"
    assert check({"p50_s": 0.005}, measured(failed=100)).outcome == "pass"


def test_a_server_without_one_good_answer_fails_every_limit() -> None:
    found = measured(failed=2000, achieved_per_s=0.0, accuracy=None)
    judged = verdict.judge({"mean_s": 1, "p99_s": 1, "errors": 0.1, "throughput_per_s": 1}, *found)
    assert judged is not None
    assert {c.outcome for c in judged.checks} == {"fail"}
    assert judged.checks[1].why.startswith("p99 without one good answer")


@pytest.mark.parametrize(
    ("limits", "changes", "outcome"),
    [
        ({"errors": 0.0}, {}, "pass"),
        ({"errors": 0.0}, {"failed": 1}, "fail"),
        ({"errors": 0.01}, {"failed": 20}, "pass"),
        ({"accuracy": 0.97}, {"accuracy": 0.97}, "pass"),
        ({"accuracy": 0.97}, {"accuracy": 0.96}, "fail"),
        ({"accuracy": 0.97}, {"accuracy": None}, "undecided"),
        ({"throughput_per_s": 100.0}, {"achieved_per_s": 99.0}, "fail"),
        ({"mean_s": 0.002}, {}, "pass"),
        ({"mean_s": 0.0005}, {}, "fail"),
        ({"mean_s": 0.002}, {"slow": 500, "slow_from": 7.0}, "undecided"),
    ],
)
def test_thresholds_are_kept_or_missed(limits: dict[str, float], changes: dict[str, Any], outcome: str) -> None:
    assert check(limits, measured(**changes)).outcome == outcome


def test_nothing_of_an_invalid_measurement_is_judged() -> None:
    found = check({"p99_s": 0.005}, measured(invalid=("the client was late",)))
    assert (found.outcome, found.why) == ("invalid", "the client was late")


def test_a_pass_stands_and_a_failure_is_undecided_where_the_client_was_late_for_want_of_a_core() -> None:
    assert check({"p99_s": 0.005}, measured(slow=5, late="the client was late")).outcome == "pass"
    found = check({"p99_s": 0.005}, measured(slow=60, late="the client was late"))
    assert found.outcome == "undecided"
    assert found.why.endswith("over 5.00 ms), but the client was late")


def test_a_verdict_is_the_worst_of_its_checks_in_the_order_of_metrics() -> None:
    judged = verdict.judge({"accuracy": 0.9, "p99_s": 0.005}, *measured(slow=60, accuracy=0.95))
    assert judged is not None
    assert [c.metric for c in judged.checks] == ["p99_s", "accuracy"]
    assert judged.outcome == "fail"


def test_without_limits_there_is_no_verdict() -> None:
    assert verdict.judge({}, *measured()) is None


def test_latency_belongs_to_open_loops_and_throughput_to_loads_that_ask_for_it() -> None:
    limits = {"p99_s": 0.005, "errors": 0.0, "throughput_per_s": 500.0}
    slow, fast, closed = a_load(rate_per_s=100.0), a_load(rate_per_s=800.0), a_load(clients=8)
    loads = (slow, fast, closed)
    assert set(verdict.applicable(limits, slow, loads)) == {"p99_s", "errors"}
    assert set(verdict.applicable(limits, fast, loads)) == {"p99_s", "errors", "throughput_per_s"}
    assert set(verdict.applicable(limits, closed, loads)) == {"errors", "throughput_per_s"}
    assert set(verdict.applicable(limits, closed, (closed,))) == {"p99_s", "errors", "throughput_per_s"}


def test_all_and_any_weigh_outcomes() -> None:
    assert verdict.all_of(["pass", "undecided"]) == "undecided"
    assert verdict.all_of(["pass", "invalid", "fail"]) == "fail"
    assert verdict.any_of(["fail", "pass"]) == "pass"
    assert verdict.any_of(["fail", "undecided"]) == "undecided"
    assert verdict.any_of(["fail", "fail"]) == "fail"


def test_the_tightest_limit_is_the_lowest_latency() -> None:
    assert verdict.tightest_s({"p50_s": 0.002, "p99_s": 0.02, "errors": 0.0}) == 0.002
    assert verdict.tightest_s({"errors": 0.0}) is None

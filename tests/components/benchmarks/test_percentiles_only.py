"""Measurements without single times: what can still be said of them, and what cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.benchmarks import results, verdict
from components.benchmarks.compare import compare
from components.benchmarks.report.page import render
from components.benchmarks.result import Check, Measurement
from components.benchmarks.results import StoredResult
from schemas.errors import PolicyError
from tests.builders.results import Made, a_load, a_measurement, a_result, a_target

CLIENTS = a_load(clients=4)


def told(tool: str = "wrk", *, requests: int = 10_000, errors: int = 0, **response: float) -> Measurement:
    """What a tool without single times tells: 1 ms everywhere but where said otherwise."""
    made = a_measurement("digits-latency", CLIENTS).measurement
    latency = replace(made.response, **{**dict.fromkeys(vars(made.response), 0.001), **response})
    failed = {"timeout": errors} if errors else {}
    return replace(made, requests=requests, response=latency, errors=failed, samples="", tool=tool)


def check(metric: str, limit: float, measurement: Measurement) -> Check:
    judged = verdict.judge({metric: limit}, measurement, None)
    assert judged is not None
    return judged.checks[0]


def a_run(folder: Path, measurement: Measurement, **changes: Any) -> StoredResult:
    """A stored result of one measurement that has no samples."""
    stored = a_result(folder, measured=[], **changes)
    whole = replace(stored.result, id=changes["id"] + "-w", measurements=(measurement,))
    return results.save(folder, whole, lambda _folder: None)


def test_a_percentile_passes_where_even_the_most_requests_over_the_limit_are_few_enough() -> None:
    found = check("p99_s", 0.005, told(max_s=0.009))
    assert found.outcome == "pass"
    assert found.why == "p99 1.00 ms (at most 10 of 10,000 over 5.00 ms)"


def test_a_percentile_fails_where_even_the_fewest_requests_over_the_limit_are_too_many() -> None:
    found = check("p99_s", 0.005, told(p95_s=0.009, p99_s=0.009, p999_s=0.009, max_s=0.009))
    assert found.outcome == "fail"
    assert found.why == "p99 9.00 ms (at least 501 of 10,000 over 5.00 ms)"


def test_a_percentile_between_what_is_told_is_undecided() -> None:
    found = check("p99_s", 0.005, told(p999_s=0.009, max_s=0.009))
    assert found.outcome == "undecided"
    assert found.why == "p99 1.00 ms: 11 to 100 of 10,000 requests over 5.00 ms, wrk tells no more"


def test_failed_requests_are_over_every_limit_here_too() -> None:
    assert check("p99_s", 0.005, told(errors=500)).outcome == "fail"


def test_too_few_requests_stay_undecided() -> None:
    assert check("p99_s", 0.005, told(requests=100)).outcome == "undecided"


def test_figures_without_single_times_are_shown_side_by_side_and_not_judged(tmp_path: Path) -> None:
    a, b = a_run(tmp_path, told(), id="a"), a_run(tmp_path, told(p50_s=0.002), id="b")
    (pair,) = compare(a, b).pairs
    assert pair.outcome == "not comparable"
    assert "wrk told no single times" in pair.why
    assert [(each.metric, each.a, each.b) for each in pair.differences][:2] == [
        ("mean", 0.001, 0.001), ("p50", 0.001, 0.002)
    ]  # fmt: skip


def test_figures_of_two_load_generators_are_refused_unless_forced(tmp_path: Path) -> None:
    a, b = a_run(tmp_path, told(), id="a"), a_run(tmp_path, told("hey"), id="b")
    with pytest.raises(PolicyError, match="load generator of digits-latency wrk against hey"):
        compare(a, b)
    assert compare(a, b, force=True).pairs


def test_notes_of_a_target_are_shown_with_a_comparison(tmp_path: Path) -> None:
    made = a_measurement("digits-latency", CLIENTS)
    noted = replace(a_target(), notes=("the executor has a CPU limit of 100m",))
    a = a_result(tmp_path, targets=[noted], measured=[made], id="a")
    b = a_result(tmp_path, targets=[noted], measured=[made], id="b")
    assert "digits-latency: the executor has a CPU limit of 100m" in compare(a, b).caveats


def test_a_report_says_what_the_tool_did_not_tell(tmp_path: Path) -> None:
    assert "wrk told no single times" in render([a_run(tmp_path, told(), id="a")])


def test_a_report_draws_those_that_have_single_times_beside_those_that_have_none(tmp_path: Path) -> None:
    made = a_measurement("b", CLIENTS)
    silent = Made(replace(told(), target="a"), made.samples)
    stored = a_result(tmp_path, targets=[a_target("a"), a_target("b")], measured=[made])
    both = replace(stored.result, id="both", measurements=(silent.measurement, made.measurement))
    page = render([results.save(tmp_path, both, lambda into: _copy(stored, into))])
    assert "Latency over time" in page


def _copy(stored: StoredResult, into: Path) -> None:
    for path in stored.folder.glob("*.npz"):
        (into / path.name).write_bytes(path.read_bytes())

"""When the load generator says that its own figures must not be believed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from components.benchmarks.load.arguments import Arguments
from components.benchmarks.load.loops import UNSENT, Run
from components.benchmarks.load.record import Record
from components.benchmarks.load.summary import summarise
from components.benchmarks.result import Measurement
from tests.components.benchmarks.load_builders import some_arguments

GOOD = b'{"predictions": [[0, 1]]}'


def a_record(*, count: int = 100, lag_s: float = 0.0001, every: int = 1, answer: bytes = GOOD) -> Record:
    """Requests 5 ms apart, each answered after 1 ms; every so-many-th one was sent late by `lag_s`."""
    record = Record(bodies=4, expected=8)
    for number in range(count):
        due = number / 200
        record.due(due)
        record.sent[number] = due + (lag_s if number % every == 0 else 0)
        record.finish(number, record.sent[number] + 0.001, b"", answer)
    return record


def summary(
    tmp_path: Path, record: Record, *, began: float = 0.0, cpu_s: float = 0.1, **changes: object
) -> Measurement:
    arguments: Arguments = some_arguments(tmp_path, [1], protocol="v1", load_warmup_s=0.0, **changes)
    record.end()
    run = Run(began, sum(at < began for at in record.scheduled), cpu_s)
    return summarise(arguments, record, run, [100] * 4, np.array([[1], [1], [1], [0]]))[0]


def test_a_punctual_run_is_valid(tmp_path: Path) -> None:
    found = summary(tmp_path, a_record())
    assert found.invalid == ()
    assert found.accuracy == 0.75
    assert found.achieved_per_s == 200
    assert found.bytes_sent == 100 * 100
    assert found.bytes_received == 100 * len(GOOD)


def test_lag_over_a_millisecond_makes_a_run_invalid(tmp_path: Path) -> None:
    (why,) = summary(tmp_path, a_record(lag_s=0.0012, every=50)).invalid
    assert why.startswith("the client was late: 1 % of the requests left 1.20 ms")


def test_a_loose_objective_allows_more_lag(tmp_path: Path) -> None:
    assert summary(tmp_path, a_record(lag_s=0.0012, every=50), tightest_limit_s=0.1).invalid == ()
    assert summary(tmp_path, a_record(lag_s=0.0021, every=50), tightest_limit_s=0.1).invalid != ()


def test_one_late_request_in_two_hundred_is_forgiven(tmp_path: Path) -> None:
    assert summary(tmp_path, a_record(count=200, lag_s=0.5, every=200), load_duration_s=1.0).invalid == ()


def test_requests_never_sent_make_a_run_invalid(tmp_path: Path) -> None:
    record = a_record(count=99)
    record.fail(record.due(0.495), float("nan"), UNSENT)
    found = summary(tmp_path, record)
    assert found.invalid == ("1 of 100 requests were not sent: too many were waiting for answers already",)
    assert found.errors == {UNSENT: 1}


def test_less_than_99_percent_sent_in_time_makes_a_run_invalid(tmp_path: Path) -> None:
    record = a_record()
    for number in (97, 98, 99):
        record.sent[number] = 0.6
        record.done[number] = 0.601
    assert "only 97% of the rate asked was sent in time" in summary(tmp_path, record).invalid


def test_failures_of_the_server_leave_a_run_valid(tmp_path: Path) -> None:
    record = Record(bodies=4, expected=8)
    for number in range(100):
        record.fail(record.due(number / 200), number / 200, "connection refused")
    found = summary(tmp_path, record)
    assert found.invalid == ()
    assert found.errors == {"connection refused": 100}
    assert np.isnan(found.response.p99_s)


def test_a_closed_loop_is_invalid_when_the_client_used_all_of_its_core(tmp_path: Path) -> None:
    (why,) = summary(tmp_path, a_record(), cpu_s=0.49, load_clients=1).invalid
    assert why == "the client was the bottleneck: it used 98% of its core"


def test_the_warmup_is_left_out(tmp_path: Path) -> None:
    found = summary(tmp_path, a_record(), began=0.25, load_duration_s=0.25)
    assert found.requests == 50
    assert found.achieved_per_s == 200


def test_a_load_without_a_request_is_invalid(tmp_path: Path) -> None:
    assert "no request was due" in summary(tmp_path, Record(bodies=1, expected=8)).invalid[0]


def test_malformed_answers_are_failures(tmp_path: Path) -> None:
    found = summary(tmp_path, a_record(answer=b"<html>"))
    assert found.errors == {"malformed answer": 100}
    assert found.accuracy is None


def test_accuracy_of_part_of_the_answers_is_said_to_be_so(tmp_path: Path) -> None:
    record = a_record()
    for number in range(40):
        record.answers[number] = None
    (note,) = summary(tmp_path, record).notes
    assert note == "accuracy is that of 60 answers: there was no room to keep more"


def test_a_record_takes_more_requests_than_were_expected_and_ends_with_as_many_as_there_were() -> None:
    for expected in (2, 9):
        record = Record(bodies=1, expected=expected)
        for number in range(5):
            assert record.due(number / 10) == number
        record.finish(3, 0.5, b"head", b"body")
        record.end()
        assert list(record.scheduled) == [0.0, 0.1, 0.2, 0.3, 0.4]
        assert record.answers == [None, None, None, (b"head", b"body"), None]
        assert {len(column) for column in (record.sent, record.done, record.status, record.endpoint)} == {5}
        assert list(record.received) == [0, 0, 0, 8, 0]


def test_kinds_of_errors_beyond_what_fits_are_one_kind() -> None:
    record = Record(bodies=1, expected=8)
    for number in range(300):
        record.fail(record.due(0), 0, f"HTTP {number}")
    assert len(record.kinds) == 251
    assert record.kinds[-1] == "other"
    assert record.status[299] == 251


def test_a_client_kept_waiting_by_the_server_it_shares_a_core_with_is_excused_in_words(tmp_path: Path) -> None:
    found = summary(tmp_path, a_record(lag_s=0.0012, every=50), shared=True)
    assert found.invalid == ()
    assert found.late.startswith("the client was late: 1 % of the requests left 1.20 ms")
    assert found.notes == (
        f"{found.late}; the target had the core that both share, so responses are at most shown too long",
    )


def test_a_client_that_had_no_time_left_itself_is_not_excused(tmp_path: Path) -> None:
    found = summary(tmp_path, a_record(lag_s=0.0012, every=50), shared=True, cpu_s=0.5)
    assert found.invalid != ()
    assert found.late == ""

"""Other load generators: what they are told, and what their recorded output means. Their programs are not needed."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.benchmarks.load.arguments import Arguments, Endpoint
from components.benchmarks.load.prepare import prepared
from components.benchmarks.result import Measurement
from components.benchmarks.samples import Samples
from components.benchmarks.tools import ghz, hey, locust, observed, vegeta, wrk
from components.benchmarks.tools.tool import TOOLS
from schemas.errors import UsageError
from tests.components.benchmarks import load_builders as build

RECORDED = Path(__file__).parent / "recorded"


def told(tmp_path: Path, tool: str, **changes: Any) -> Arguments:
    """Arguments for a tool and one instance on port 8000."""
    known: dict[str, Any] = {"tool": tool, "protocol": "v2", "load_clients": 2, "load_timeout_s": 2.0}
    if "load_rate_per_s" in changes:
        known["load_clients"] = None
    return build.some_arguments(tmp_path, [8000], **{**known, **changes})


def recorded(name: str) -> str:
    return (RECORDED / name).read_text()


def made(arguments: Arguments, seen: observed.Observed) -> tuple[Measurement, Samples]:
    return observed.measurement(arguments, seen)


# ------------------------------------------------------------------------------------------ what they are told


def test_vegeta_gets_every_request_for_every_instance_in_turn(tmp_path: Path) -> None:
    arguments = build.some_arguments(tmp_path, [8000, 8001], tool="vegeta", protocol="v2-binary")
    requests, _ = prepared(arguments)
    lines = vegeta.files(arguments, requests)[vegeta.TARGETS].decode().splitlines()
    assert len(lines) == 2 * len(requests)
    first, second = json.loads(lines[0]), json.loads(lines[1])
    assert (first["url"], second["url"]) == (
        "http://127.0.0.1:8000/v2/models/good/infer", "http://127.0.0.1:8001/v2/models/good/infer"
    )  # fmt: skip
    assert first["header"].keys() == {"Content-Type", "Inference-Header-Content-Length"}


@pytest.mark.parametrize(("rate", "said"), [(50.0, "50/1s"), (12.5, "25/2s"), (0.2, "1/5s")])
def test_vegeta_is_told_a_rate_in_whole_numbers(tmp_path: Path, rate: float, said: str) -> None:
    attack, _ = vegeta.commands(told(tmp_path, "vegeta", load_rate_per_s=rate), "/work", b"")
    assert f"-rate={said}" in attack
    assert "-duration=0.6s" in attack


def test_ghz_sends_at_a_rate_without_waiting_or_with_clients_that_wait(tmp_path: Path) -> None:
    arguments = told(tmp_path, "ghz", protocol="grpc", load_rate_per_s=20.0)
    arguments = Arguments(**{**vars(arguments), "endpoints": (Endpoint("host", 8000, 9000),)})
    (opened,) = ghz.commands(arguments, "/work", b"")
    assert "--async" in opened
    assert opened[opened.index("--rps") + 1] == "20"
    assert opened[-1] == "host:9000"
    closed = Arguments(**{**vars(arguments), "load": build.a_shape(clients=3)})
    (command,) = ghz.commands(closed, "/work", b"")
    assert "--async" not in command
    assert command[command.index("--concurrency") + 1] == "3"


def test_ghz_reads_messages_behind_their_lengths(tmp_path: Path) -> None:
    written = ghz.files(told(tmp_path, "ghz", protocol="grpc"), [b"a" * 5, b"b" * 300])
    assert written[ghz.MESSAGES] == b"\x05" + b"a" * 5 + b"\xac\x02" + b"b" * 300
    assert b"service GRPCInferenceService" in written[ghz.PROTO]


def test_hey_sends_one_request_with_its_headers(tmp_path: Path) -> None:
    arguments = told(tmp_path, "hey", protocol="v2-binary")
    requests, _ = prepared(arguments)
    (command,) = hey.commands(arguments, "/work", requests[0])
    assert command[command.index("-c") + 1] == "2"
    assert command[command.index("-T") + 1] == "application/octet-stream"
    assert command[command.index("-H") + 1].startswith("Inference-Header-Content-Length: ")
    assert requests[0].endswith(hey.files(arguments, requests)[hey.BODY])


@pytest.mark.parametrize("tool", ["hey", "wrk"])
def test_a_tool_that_asks_one_address_refuses_several_instances(tmp_path: Path, tool: str) -> None:
    arguments = build.some_arguments(tmp_path, [8000, 8001], tool=tool)
    requests, _ = prepared(arguments)
    with pytest.raises(UsageError, match="asks one address"):
        TOOLS[tool].commands(arguments, "/work", requests[0])


def test_wrk_warms_up_in_a_run_of_its_own(tmp_path: Path) -> None:
    assert len(wrk.commands(told(tmp_path, "wrk"), "/work", b"")) == 2
    assert len(wrk.commands(told(tmp_path, "wrk", load_warmup_s=0.0), "/work", b"")) == 1


def test_locust_with_workers_is_steered_by_one_process(tmp_path: Path) -> None:
    steering = locust.master(told(tmp_path, "locust"), "/work", 3)
    assert steering[steering.index("--expect-workers") + 1] == "3"
    assert locust.worker("/work", "10.0.0.7")[-4:-2] == ("--master-port", str(locust.PORT))


# ------------------------------------------------------------------------------------------ what they wrote


def test_vegetas_table_tells_every_request_from_when_it_was_due(tmp_path: Path) -> None:
    load = {"load_rate_per_s": 20.0, "load_duration_s": 2.0, "load_warmup_s": 0.5}
    arguments = told(tmp_path, "vegeta", **load)
    measurement, samples = made(arguments, vegeta.observed(arguments, recorded("vegeta.csv")))
    assert measurement.requests == len(samples) == 40
    assert measurement.errors == {}
    assert np.allclose(np.diff(samples.scheduled_s), 0.05)
    assert samples.scheduled_s[0] == pytest.approx(0.0)
    assert (samples.lag_s >= 0).all()
    assert measurement.bytes_sent == 40 * 82
    assert measurement.tool == "vegeta"
    assert measurement.accuracy is None


def test_ghzs_details_tell_every_call(tmp_path: Path) -> None:
    load = {"load_rate_per_s": 20.0, "load_duration_s": 1.0, "load_warmup_s": 0.5}
    arguments = told(tmp_path, "ghz", protocol="grpc", **load)
    report = json.loads(recorded("ghz.json"))
    measurement, samples = made(arguments, ghz.observed(arguments, report))
    assert measurement.requests == 20
    assert measurement.service.max_s == pytest.approx(max(one["latency"] for one in report["details"][-20:]) / 1e9)
    assert (samples.lag_s >= 0).all()


def test_calls_that_ghz_kept_no_times_of_make_its_figures_invalid(tmp_path: Path) -> None:
    arguments = told(tmp_path, "ghz", protocol="grpc", load_rate_per_s=20.0)
    report = {**json.loads(recorded("ghz.json")), "count": 1_000_032}
    assert ghz.observed(arguments, report).invalid == ("ghz kept no times of 1,000,000 of its 1,000,032 calls",)


def test_heys_table_tells_every_answer(tmp_path: Path) -> None:
    arguments = told(tmp_path, "hey", load_clients=1, load_duration_s=0.1, load_warmup_s=0.02)
    measurement, samples = made(arguments, hey.observed(arguments, recorded("hey.csv")))
    rows = recorded("hey.csv").strip().splitlines()[1:]
    assert 0 < measurement.requests <= len(rows)
    assert (samples.scheduled_s == samples.sent_s).all()
    assert hey.ROUNDED in measurement.notes


def test_time_of_heys_clients_that_no_answer_accounts_for_is_told(tmp_path: Path) -> None:
    arguments = told(tmp_path, "hey", load_clients=8, load_duration_s=10.0)
    (why,) = hey.observed(arguments, recorded("hey.csv")).invalid
    assert "requests without an answer" in why


def test_locusts_rows_are_counted_from_when_all_users_were_there(tmp_path: Path) -> None:
    written = json.loads(recorded("locust.json"))
    arguments = told(tmp_path, "locust", load_duration_s=0.4, load_warmup_s=0.1)
    measurement, samples = made(arguments, locust.observed(written))
    begins = written["began"] + 0.1
    assert measurement.requests == sum(begins <= row[0] < begins + 0.4 for row in written["requests"])
    assert (samples.scheduled_s >= 0).all()


def test_wrk_tells_percentiles_and_no_single_times(tmp_path: Path) -> None:
    measurement = wrk.measured(told(tmp_path, "wrk"), recorded("wrk.txt"))
    assert measurement.requests > 100
    assert measurement.response.p50_s < measurement.response.p99_s <= measurement.response.max_s
    assert math.isnan(measurement.lag.p50_s)
    assert measurement.samples == ""
    assert measurement.achieved_per_s == pytest.approx(measurement.requests / measurement.duration_s)
    assert wrk.NO_TIMES in measurement.notes


def test_failed_requests_are_counted_by_their_kind(tmp_path: Path) -> None:
    arguments = told(tmp_path, "vegeta", load_rate_per_s=10.0, load_duration_s=0.4, load_warmup_s=0.0)
    line = "{},{},1000000,82,0,{},,,0,POST,http://h/,"
    rows = [(0, 200, ""), (100, 503, "503 Service Unavailable"), (200, 0, "dial tcp: connection refused")]
    rows += [(300, 0, "context deadline exceeded (Client.Timeout exceeded)")]
    table = "\n".join(line.format(10**18 + at * 10**6, status, error) for at, status, error in rows)
    measurement, samples = made(arguments, vegeta.observed(arguments, table))
    assert measurement.errors == {"refused (HTTP 503)": 1, "no connection": 1, "timeout": 1}
    assert samples.good.tolist() == [True, False, False, False]


def test_requests_that_left_late_make_an_open_loop_invalid(tmp_path: Path) -> None:
    arguments = told(tmp_path, "vegeta", load_rate_per_s=10.0, load_duration_s=1.0, load_warmup_s=0.0)
    sent = np.array([0.0, 0.1, 0.2, 0.5, 0.51, 0.52, 0.6, 0.7, 0.8, 0.9])
    seen = observed.Observed(sent, sent + 0.01, [""] * 10, scheduled_s=observed.due_at_rate(sent, 10.0))
    measurement, _ = made(arguments, seen)
    assert measurement.invalid[0].startswith("the client was late: 1 % of the requests left 200 ms or more")


def test_a_tool_that_sent_nothing_is_invalid(tmp_path: Path) -> None:
    empty = observed.Observed(np.array([]), np.array([]), [])
    measurement, samples = made(told(tmp_path, "locust"), empty)
    assert measurement.invalid == ("locust sent no request while it was measured",)
    assert len(samples) == 0

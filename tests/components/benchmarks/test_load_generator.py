"""The load generator as a process against servers that behave well and badly."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.components.benchmarks import load_builders as build
from tests.components.benchmarks import stub_server


@pytest.fixture(scope="module")
def ports() -> Iterator[list[int]]:
    with stub_server.running(2) as found:
        yield found


@pytest.mark.parametrize("protocol", ["v1", "v2", "v2-binary"])
def test_every_protocol_is_answered_with_the_right_labels(tmp_path: Path, ports: list[int], protocol: str) -> None:
    made = build.generate(tmp_path, ports, protocol=protocol)
    assert made.measurement.accuracy == 1.0
    assert made.measurement.errors == {}


def test_an_open_loop_sends_what_was_asked_at_its_times(tmp_path: Path, ports: list[int]) -> None:
    made = build.generate(tmp_path, ports)
    assert made.measurement.requests == 100
    assert np.allclose(made.samples.scheduled_s, np.arange(100) / 200)
    assert (made.samples.lag_s >= 0).all()
    assert np.median(made.samples.lag_s) < 0.02
    assert (made.samples.response_s >= made.samples.service_s).all()


def test_poisson_arrivals_come_at_uneven_times_and_in_the_same_number(tmp_path: Path, ports: list[int]) -> None:
    made = build.generate(tmp_path, ports, load_arrivals="poisson")
    assert made.measurement.requests == 100
    assert np.diff(made.samples.scheduled_s).std() > 0.001


def test_a_closed_loop_keeps_as_many_requests_under_way_as_clients(tmp_path: Path, ports: list[int]) -> None:
    made = build.generate(tmp_path, ports, model="slow", load_clients=4)
    ends = made.samples.done_s
    starts = ends - made.samples.service_s
    under_way = [int(((starts <= moment) & (ends >= moment)).sum()) for moment in (starts + ends) / 2]
    assert max(under_way) == 4
    assert (made.samples.lag_s == 0).all()


def test_more_clients_than_the_usual_limit_of_files_are_all_under_way(tmp_path: Path, ports: list[int]) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, limits[1]))
    try:
        made = build.generate(tmp_path, ports, model="slow", load_clients=120)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    starts = made.samples.done_s - made.samples.service_s
    assert max(int(((starts <= moment) & (made.samples.done_s > moment)).sum()) for moment in starts) > 100


def test_several_instances_get_the_same_share_of_requests(tmp_path: Path, ports: list[int]) -> None:
    made = build.generate(tmp_path, ports)
    counts = np.bincount(made.samples.endpoint, minlength=2)
    assert abs(int(counts[0]) - int(counts[1])) <= 10


def test_wrong_labels_lower_the_accuracy(tmp_path: Path, ports: list[int]) -> None:
    data = build.a_data_file(tmp_path, rows=40, wrong=10)
    made = build.generate(tmp_path, ports, data=str(data), load_rate_per_s=400.0, load_warmup_s=0.1)
    assert made.measurement.accuracy == pytest.approx(0.75)


def test_a_batch_is_sent_and_checked_row_by_row(tmp_path: Path, ports: list[int]) -> None:
    made = build.generate(tmp_path, ports, load_batch=8)
    assert made.measurement.rows == 8 * made.measurement.requests
    assert made.measurement.accuracy == 1.0


def test_random_rows_are_sent_when_there_is_no_data(tmp_path: Path, ports: list[int]) -> None:
    made = build.generate(tmp_path, ports, data=None)
    assert made.measurement.errors == {}
    assert made.measurement.accuracy is None


@pytest.mark.parametrize("model", ["chunked", "closing"])
def test_answers_in_unusual_clothes_are_good_answers(tmp_path: Path, ports: list[int], model: str) -> None:
    made = build.generate(tmp_path, ports, model=model)
    assert made.measurement.errors == {}
    assert made.measurement.accuracy == 1.0


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("refusing", "refused (HTTP 503)"),
        ("strict", "HTTP 400"),
        ("nonsense", "malformed answer"),
        ("babble", "malformed answer"),
        ("cut", "connection closed"),
    ],
)
def test_failures_are_counted_by_their_kind(tmp_path: Path, ports: list[int], model: str, kind: str) -> None:
    made = build.generate(tmp_path, ports, model=model)
    assert made.measurement.errors == {kind: 100}
    assert made.measurement.achieved_per_s == 0
    assert not made.samples.good.any()


def test_a_closed_loop_goes_on_over_failures(tmp_path: Path, ports: list[int]) -> None:
    made = build.generate(tmp_path, ports, model="cut", load_clients=2)
    assert made.measurement.errors["connection closed"] == made.measurement.requests > 2


def test_a_request_without_an_answer_is_a_timeout(tmp_path: Path, ports: list[int]) -> None:
    made = build.generate(tmp_path, ports, model="hang", load_rate_per_s=50.0, load_timeout_s=0.3)
    assert made.measurement.errors == {"timeout": 25}
    assert (made.samples.done_s - made.samples.scheduled_s < 1).all()


def test_a_server_that_is_not_there_is_an_error_at_once(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = build.generate(tmp_path, [port], load_rate_per_s=50.0)
    assert made.measurement.errors == {"connection refused": 25}


def test_connections_that_open_too_late_are_not_used(tmp_path: Path, ports: list[int]) -> None:
    made = build.generate(tmp_path, ports, load_clients=3, load_timeout_s=0.0001)
    assert set(made.measurement.errors) <= {"timeout", "no connection"}
    assert sum(made.measurement.errors.values()) > 0


def test_requests_beyond_the_bound_are_not_sent_and_make_the_run_invalid(tmp_path: Path, ports: list[int]) -> None:
    made = build.generate(
        tmp_path, ports, model="hang", load_rate_per_s=4000.0, load_connections=4, load_timeout_s=1.0, load_warmup_s=0
    )
    assert made.measurement.errors["not sent"] > 900
    assert "were not sent" in made.measurement.invalid[0]
    assert np.isnan(made.samples.sent_s).any()


def test_too_few_connections_make_an_open_loop_invalid_and_say_so(tmp_path: Path, ports: list[int]) -> None:
    made = build.generate(tmp_path, ports, model="slow", load_connections=1, load_rate_per_s=100.0)
    assert "waited for a free connection" in " ".join(made.measurement.invalid)


def test_the_generator_pins_itself_and_says_where_it_ran(tmp_path: Path, ports: list[int]) -> None:
    cpu = min(os.sched_getaffinity(0))
    made = build.generate(tmp_path, ports, cpus=(cpu,), shared=True)
    assert made.measurement.client_cpus == (cpu,)
    assert made.measurement.shared_cpus


@pytest.mark.parametrize("rate_per_s", [100.0, 1000.0])
def test_a_core_of_its_own_keeps_its_times_whether_it_sleeps_in_between_or_not(
    tmp_path: Path, ports: list[int], rate_per_s: float
) -> None:
    cpu = max(os.sched_getaffinity(0))
    made = build.generate(tmp_path, ports, cpus=(cpu,), own=True, load_rate_per_s=rate_per_s)
    assert made.measurement.requests == rate_per_s / 2
    assert made.measurement.errors == {}
    assert (made.samples.lag_s >= 0).all()
    assert np.median(made.samples.lag_s) < 0.02


def test_bad_data_is_told_in_words_and_not_as_a_traceback(tmp_path: Path, ports: list[int]) -> None:
    (tmp_path / "bad.npz").write_text("no archive")
    finished = build.start(tmp_path, build.some_arguments(tmp_path, ports, data=str(tmp_path / "bad.npz")))
    assert finished.returncode == 3
    assert "cannot be read as a data set" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_tied_generator_ends_with_its_starter(tmp_path: Path, ports: list[int]) -> None:
    arguments = build.some_arguments(tmp_path, ports, tied=True, load_duration_s=60.0)
    path = tmp_path / "arguments.json"
    path.write_text(build.as_json(arguments))
    command = [sys.executable, "-m", "components.benchmarks.load", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.close()
        assert process.wait(20) == 143


def test_the_generator_knows_neither_pulumi_nor_the_command_line() -> None:
    code = "import sys, components.benchmarks.load.generator; print({'pulumi', 'click', 'rich'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"

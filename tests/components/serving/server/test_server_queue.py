"""What happens when more is asked than can be done at once, and when the server is told to stop."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.components.serving.server.server_builders import (
    Server,
    a_doubling_model,
    a_slow_model,
    eventually,
    read_answer,
    serving,
)

BODY = json.dumps({"instances": [[1, 2, 3, 4]]}).encode()
REQUEST = b"POST /v1/models/m:predict HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
READY = b"GET /v2/health/ready HTTP/1.1\r\nHost: t\r\n\r\n"


@pytest.fixture(scope="module")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_slow_model(tmp_path_factory.mktemp("slow") / "model.xml")


@pytest.fixture
def slow(slow_model: Path, tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path, slow_model, queue_size=2) as server:
        yield server


@contextmanager
def many(server: Server, count: int) -> Iterator[list[socket.socket]]:
    """That many clients, each with a request on its way."""
    with ExitStack() as stack:
        connections = [stack.enter_context(server.raw()) for _ in range(count)]
        for connection in connections:
            connection.sendall(REQUEST)
        yield connections


def finished(server: Server) -> float:
    return server.metric("ovms_inference_time_us_count")


def test_a_slow_model_is_queued_and_says_so(slow: Server) -> None:
    assert slow.started["scheduling"] == "queue"
    assert slow.started["inference_ms"] > 1
    assert slow.get("/v2/models/m").json()["parameters"]["scheduling"] == "queue"


def test_a_full_queue_refuses_at_once_and_serves_the_rest(slow: Server) -> None:
    with many(slow, 9) as connections:
        answers = [read_answer(connection) for connection in connections]
    refused = [(headers, body) for status, headers, body in answers if status == 503]
    assert sum(status == 200 for status, _, _ in answers) >= 3  # one at work and two waiting, at least
    assert len(refused) >= 1
    for headers, body in refused:
        assert headers["retry-after"] == "2"
        assert "queue of this server is full" in json.loads(body)["error"]
    assert slow.predict({"instances": [[1, 2, 3, 4]]}).status_code == 200
    assert slow.metric('ovms_requests_fail{api="TensorFlowServing",interface="REST",method="Predict"') == len(refused)


def test_health_is_answered_while_inferences_run(slow: Server) -> None:
    with many(slow, 3) as connections:
        assert slow.get("/v2/health/ready").status_code == 200
        assert slow.metric("ovms_current_requests") >= 1
        assert [read_answer(connection)[0] for connection in connections] == [200] * 3
    assert slow.metric("ovms_current_requests") == 0


def test_what_a_client_no_longer_waits_for_is_not_computed(slow: Server) -> None:
    before = finished(slow)
    with many(slow, 3) as (first, second, third):
        assert eventually(lambda: slow.metric("ovms_current_requests") == 3)
        second.close()
        third.close()
        assert read_answer(first)[0] == 200
    assert eventually(lambda: slow.metric("ovms_current_requests") == 0)
    assert finished(slow) - before < 3
    assert slow.predict({"instances": [[1, 2, 3, 4]]}).status_code == 200


def test_stopping_finishes_what_was_begun_and_refuses_the_rest(slow: Server) -> None:
    def readiness() -> tuple[int, str]:
        idle.sendall(READY)
        status, headers, _ = read_answer(idle)
        return status, headers.get("connection", "")

    with slow.raw() as idle, many(slow, 3) as connections:
        assert readiness() == (200, "")
        assert eventually(lambda: slow.metric("ovms_current_requests") == 3)
        slow.process.send_signal(signal.SIGTERM)
        assert eventually(lambda: readiness() == (503, "close"))
        for connection in connections:
            status, headers, _ = read_answer(connection)
            assert (status, headers["connection"]) == (200, "close")
        assert slow.process.wait(timeout=5) == 0
        with pytest.raises(ConnectionRefusedError):
            slow.raw()


def test_stopping_takes_no_longer_than_the_drain_allows(slow_model: Path, tmp_path: Path) -> None:
    with serving(tmp_path, slow_model, queue_size=100, drain_s=0.2) as server, many(server, 60):
        assert eventually(lambda: server.metric("ovms_current_requests") >= 30)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=3) == 0


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_stops_at_once_in_silence(tmp_path: Path, signal_number: int) -> None:
    with serving(tmp_path, a_doubling_model(tmp_path / "model.xml")) as server, server.raw() as idle:
        server.process.send_signal(signal_number)
        assert server.process.wait(timeout=2) == 0
        assert idle.recv(1) == b""
        assert server.process.communicate()[1] == ""


def test_clients_do_not_get_each_others_answers(tmp_path: Path) -> None:
    model = a_doubling_model(tmp_path / "model.xml")

    def ask(server: Server, number: int) -> bool:
        with httpx.Client(base_url=server.url, verify=False) as client:
            for turn in range(25):
                value = number * 1000 + turn
                answer = client.post("/v1/models/m:predict", json={"instances": [[value] * 4]}).json()
                if answer["predictions"] != [[2 * value] * 4]:
                    return False
        return True

    with serving(tmp_path, model, scheduling="queue", streams=2, threads=2, queue_size=64) as server:
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(lambda number: ask(server, number), range(8)))
        assert finished(server) == 200

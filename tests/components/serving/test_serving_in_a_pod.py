"""The server's entry point in pods: what it fills in, and how it leaves without losing a request."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from components.arguments import read_object
from components.serving.pod import completed
from schemas.errors import UsageError
from tests.builders.programs import free_port
from tests.components.serving.server.server_builders import ROOT, a_doubling_model, eventually

STATED: dict[str, Any] = {"name": "digits", "model": {"name": "digits", "path": "/models/k/digits/1/model.xml"}}


@contextmanager
def a_pod(model: Path, **more: Any) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A serving process started as in a pod, with its first line."""
    arguments = {"name": "m", "model": {"name": "m", "path": str(model)}, "rest_port": free_port(), "grpc_port": None}
    command = [sys.executable, "-m", "components.serving.pod", json.dumps(arguments | more)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield process, json.loads(line)
    finally:
        process.kill()
        process.communicate()


def test_a_pod_listens_on_every_address_and_the_usual_ports() -> None:
    asked = completed(STATED, frozenset({2, 3}))
    assert (asked["host"], asked["rest_port"], asked["grpc_port"]) == ("0.0.0.0", 8000, 9000)


def test_a_cpuset_of_the_asked_size_is_the_instance_s_own() -> None:
    asked = completed({**STATED, "whole_cpus": 2}, frozenset({2, 3}))
    assert (asked["cpus"], asked["threads"]) == ([2, 3], 2)


@pytest.mark.parametrize("whole_cpus", [0, 1, 4, None])
def test_shared_cpus_are_never_taken_for_own(whole_cpus: int | None) -> None:
    assert completed({**STATED, "whole_cpus": whole_cpus}, frozenset({2, 3}))["cpus"] == []


def test_stated_threads_and_host_are_kept() -> None:
    asked = completed({**STATED, "whole_cpus": 4, "threads": 2, "host": "::"}, frozenset(range(4)))
    assert (asked["threads"], asked["host"]) == (2, "::")


def test_arguments_may_be_the_text_itself_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "args.json"
    file.write_text(json.dumps(STATED))
    assert read_object(str(file)) == read_object(json.dumps(STATED)) == STATED


@pytest.mark.parametrize("argument", ["/no/such/file", "{", "[]"])
def test_arguments_that_are_none_are_refused(argument: str) -> None:
    with pytest.raises(UsageError):
        read_object(argument)


def test_requests_are_answered_while_the_pod_is_taken_out_of_service(tmp_path: Path) -> None:
    with a_pod(a_doubling_model(tmp_path / "model.xml"), drain_delay_s=30) as (process, said):
        url = f"http://127.0.0.1:{said['rest_port']}/v2"
        assert httpx.get(f"{url}/models/m/ready").status_code == 200
        os.kill(said["pid"], signal.SIGTERM)
        assert eventually(lambda: httpx.get(f"{url}/models/m/ready").status_code == 503)
        body = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}]}
        answer = httpx.post(f"{url}/models/m/infer", json=body)
        assert answer.json()["outputs"][0]["data"] == [2, 4, 6, 8]
        assert answer.headers["connection"] == "close", "who keeps connections must look for another pod"
        assert process.poll() is None


def test_after_the_delay_the_process_ends_by_itself(tmp_path: Path) -> None:
    with a_pod(a_doubling_model(tmp_path / "model.xml"), drain_delay_s=0.1) as (process, said):
        os.kill(said["pid"], signal.SIGTERM)
        assert process.wait(30) == 0


def test_cpus_that_are_not_its_own_are_told(tmp_path: Path) -> None:
    with a_pod(a_doubling_model(tmp_path / "model.xml"), whole_cpus=1000, threads=1) as (process, _):
        process.terminate()
        assert "not pinned" in process.communicate(timeout=30)[1]

"""Other load generators for real, those that are installed: a process that runs them, like the built-in one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from components import codec
from components.benchmarks import samples
from components.benchmarks.local import LocalGenerators
from components.benchmarks.result import Measurement
from schemas.errors import PreflightError
from tests.components.benchmarks import load_builders as build
from tests.components.benchmarks import stub_server
from tests.components.benchmarks.test_run import a_description, a_subject


@pytest.fixture(scope="module")
def ports() -> Iterator[list[int]]:
    with stub_server.running() as found:
        yield found


@pytest.mark.parametrize("tool", ["hey", "wrk", "vegeta", "locust"])
def test_an_installed_tool_makes_a_measurement(tmp_path: Path, ports: list[int], tool: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"needs {tool}: install it")
    load = {"load_rate_per_s": 40.0} if tool == "vegeta" else {"load_clients": 2}
    arguments = build.some_arguments(tmp_path, ports, tool=tool, **load, load_duration_s=1.0)
    done = build.start(tmp_path, arguments)
    assert done.returncode == 0, done.stderr
    measurement = codec.decode(Measurement, json.loads((tmp_path / "summary.json").read_text()))
    assert measurement.requests > 0
    assert measurement.errors == {}
    assert measurement.response.p50_s > 0
    assert (tmp_path / "samples.npz").exists() == (tool != "wrk")
    if tool != "wrk":
        assert len(samples.read(tmp_path / "samples.npz")) == measurement.requests


def test_a_tool_that_fails_is_told_with_what_it_said(tmp_path: Path, ports: list[int]) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "hey").write_text("#!/bin/sh\necho 'no such option' >&2\nexit 2\n")
    (programs / "hey").chmod(0o755)
    arguments = build.some_arguments(tmp_path, ports, tool="hey", load_clients=1)
    done = build.start(tmp_path, arguments, path=f"{programs}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert done.stderr == "hey ended with exit code 2: no such option\n"


def test_a_tool_that_writes_something_else_is_told(tmp_path: Path, ports: list[int]) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "wrk").write_text("#!/bin/sh\necho 'Requests/sec: 12'\n")
    (programs / "wrk").chmod(0o755)
    arguments = build.some_arguments(tmp_path, ports, tool="wrk", load_clients=1)
    done = build.start(tmp_path, arguments, path=f"{programs}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert "what wrk wrote cannot be read" in done.stderr


def test_a_tool_that_is_not_installed_is_told_before_anything_runs(
    tmp_path: Path, ports: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    description = a_description(tmp_path, a_subject("one", ports), tool="vegeta")
    with pytest.raises(PreflightError, match="vegeta is not installed") as error:
        LocalGenerators(description, tmp_path).begin()
    assert "go install github.com/tsenart/vegeta" in error.value.remedy

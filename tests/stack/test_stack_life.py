"""A small stack through its whole life, by the command line alone: real processes, real models, real requests."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders.stacks import CommandLine, a_model, a_spec

BENCHMARK = """\
benchmarks:
  - name: quick
    targets: [one, two]
    data: data.npz
    load: {clients: 1, duration: 300ms, warmup: 100ms}
    objective: {errors: 0%}
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A stack that is up, with two groups and a benchmark."""
    folder = tmp_path_factory.mktemp("whole stack")
    a_model(folder)
    np.savez(folder / "data.npz", x=np.eye(4, dtype=np.float32), y=np.zeros(4, np.int64))
    a_spec(folder, more=BENCHMARK)
    command = CommandLine(folder)
    found = command("up", "tiny.yaml")
    assert found.code == 0, found.err
    assert "Plan for tiny: 5 to create." in found.out
    assert "quick" in found.out
    yield command
    command.end()


def pids(stack: CommandLine) -> dict[str, int]:
    return {one["name"]: one["pid"] for one in json.loads(stack("status", "--json").out)["instances"]}


def test_a_second_up_changes_nothing_and_writes_nothing(stack: CommandLine) -> None:
    checkpoint = next(stack.folder.rglob("checkpoint.json"))
    before = checkpoint.stat().st_mtime_ns

    found = stack("up", "tiny.yaml")

    assert found.code == 0
    assert found.out.startswith("No changes: 5 resources are as the spec says.")
    assert checkpoint.stat().st_mtime_ns == before


def test_every_instance_is_ready_on_its_own_core(stack: CommandLine) -> None:
    found = json.loads(stack("status", "--json").out)

    assert [(one["name"], one["state"], one["wrong"]) for one in found["instances"]] == [
        ("one-0", "ready", []),
        ("two-0", "ready", []),
    ]
    if hasattr(os, "sched_getaffinity"):
        assert all(one["cpus"] == one["cpus_wanted"] for one in found["instances"])


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system cannot bind a process to CPUs")
def test_the_cores_of_every_instance_are_proved(stack: CommandLine) -> None:
    found = stack("verify")

    assert found.code == 0
    assert "one-0 on this machine: pinned" in found.out
    assert "all threads inside" in found.out
    assert found.out.endswith("2 of 2 as asked\n")
    assert "there is no serving group three" in stack("verify", "three").err


@pytest.mark.parametrize("protocol", ["v1", "v2", "v2-binary"])
def test_predictions_are_those_of_the_model(stack: CommandLine, protocol: str) -> None:
    found = stack("predict", "one", "--data", "[[1, 0, 0, 0], [0, 1, 0, 0]]", "--all", "--protocol", protocol, "--json")

    rows = json.loads(found.out)
    assert [row["row"] for row in rows] == [0, 1]
    assert np.allclose([np.sum(row["output"]) for row in rows], 1.0, atol=1e-5)


def test_outputs_name_an_endpoint_for_each_group(stack: CommandLine) -> None:
    endpoints = json.loads(stack("outputs", "endpoints", "--json").out)

    assert sorted(endpoints) == ["one", "two"]
    assert all(url.startswith("http://127.0.0.1:") for urls in endpoints.values() for url in urls)


def test_a_result_can_be_shown_reported_and_compared_with_itself(stack: CommandLine) -> None:
    shown = stack("bench", "quick")
    assert shown.code == 0
    assert "1 client for 0.3 s" in shown.out

    written = stack("report", "--out", "r.html")
    assert written.code == 0
    assert (stack.folder / "r.html").read_text().startswith("<!doctype html>")

    compared = stack("compare", "quick", "quick")
    assert compared.code == 0, compared.err


def test_the_store_lists_the_model_and_the_state_its_resources(stack: CommandLine) -> None:
    (model,) = json.loads(stack("models", "--json").out)
    assert (model["name"], model["precision"]) == ("tiny", "fp32")

    listed = stack("state", "list").out
    assert "inferstack:Instance::one-0" in listed
    exported = json.loads(stack("state", "export").out)
    assert exported["version"] == 3


def test_a_log_tells_how_the_instance_began(stack: CommandLine) -> None:
    assert '"event": "started"' in stack("logs", "one-0").out


def test_a_killed_instance_comes_back_and_an_altered_one_is_drift_that_up_mends(stack: CommandLine) -> None:
    os.kill(pids(stack)["one-0"], signal.SIGSTOP)
    drift = stack("refresh", "--dry-run", "--detailed-exitcode")
    assert drift.code == 2, drift.out + drift.err
    assert "one-0" in drift.out

    mended = stack("up", "tiny.yaml")

    assert mended.code == 0, mended.err
    assert "No changes" in stack("preview", "tiny.yaml").out


def test_changing_one_group_restarts_that_one_alone(stack: CommandLine) -> None:
    before = pids(stack)

    found = stack("up", "tiny.yaml", "--set", "serving.two.queue.size=5", "--set", "benchmarks=[]", "--yes")

    assert found.code == 0, found.err
    after = pids(stack)
    assert after["one-0"] == before["one-0"]
    assert after["two-0"] != before["two-0"]


def test_a_saved_plan_is_carried_out_exactly_or_refused(stack: CommandLine) -> None:
    sets = ("--set", "serving.two.queue.size=6", "--set", "benchmarks=[]")
    saved = stack("preview", "tiny.yaml", *sets, "--out", "plan.json", "--detailed-exitcode")
    assert saved.code == 2
    assert "queue_size: 5 -> 6" in saved.out
    assert "--set serving.two.queue.size=6" in saved.out

    assert stack("up", "plan.json", "--yes").code == 0
    again = stack("up", "plan.json", "--yes")

    assert again.code == 4
    assert "cannot be carried out as it was made" in again.err


def test_two_writers_at_once_are_refused_with_the_name_of_the_first(stack: CommandLine) -> None:
    import fcntl

    lock = next(stack.folder.rglob("tiny/lock"))
    with lock.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        found = stack("up", "tiny.yaml", "--set", "serving.two.queue.size=7", "--set", "benchmarks=[]", "--yes")

    assert found.code == 6


def test_a_failed_group_leaves_its_sibling_alone(stack: CommandLine) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sets = ("--set", f"serving.one.port={port}", "--set", "serving.two.queue.size=9", "--set", "benchmarks=[]")
        found = stack("up", "tiny.yaml", *sets, "--yes")

    assert found.code == 7
    assert f"port {port} of one-0 is taken" in found.out + found.err
    assert {one["name"]: one["state"] for one in instances(stack)}["two-0"] == "ready"


def instances(stack: CommandLine) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(stack("status", "--json").out)["instances"]
    return found


def test_destroy_leaves_no_process_and_no_file_but_the_store(stack: CommandLine) -> None:
    found = stack("destroy", "--yes")

    assert found.code == 0, found.err
    assert stack.processes() == {}
    assert [path.name for path in (stack.folder / ".inferstack").iterdir()] == ["store"]

    purged = stack("destroy", "tiny.yaml", "--purge", "--yes")
    assert purged.code == 0, purged.err
    assert not (stack.folder / ".inferstack" / "store").exists()


def test_nothing_is_written_by_a_preview(tmp_path: Path) -> None:
    a_model(tmp_path)
    a_spec(tmp_path)
    before = sorted(tmp_path.rglob("*"))

    assert CommandLine(tmp_path)("preview", "tiny.yaml").code == 0
    assert sorted(tmp_path.rglob("*")) == before

"""`kill -9` of `up` at random moments: the next `up` converges; nothing is lost, doubled or orphaned."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.stacks import CommandLine, a_model, a_spec

KILLS = int(os.environ.get("INFERSTACK_TEST_KILLS", "20"))
LONGEST_S = 2.5
"""About what a whole `up` of these stacks takes: kills hit planning, converting, starting and waiting."""

SPECS = (
    {"groups": ("one",)},
    {"groups": ("one", "two")},
    {"groups": ("two", "three"), "precision": "fp16"},
    {"groups": ("one", "two", "three")},
)


@pytest.fixture
def inferstack(tmp_path: Path) -> Iterator[CommandLine]:
    """The command line in a folder whose processes are gone afterwards."""
    a_model(tmp_path)
    command = CommandLine(tmp_path)
    yield command
    command.end()


@pytest.mark.timeout(420)
def test_an_up_after_a_kill_at_any_moment_converges(inferstack: CommandLine) -> None:
    moments = random.Random(20261121)
    hits = 0
    for number in range(KILLS):
        spec = SPECS[number % len(SPECS)]
        a_spec(inferstack.folder, **spec)  # type: ignore[arg-type]  # the members fit, each by its name
        hits += killed(inferstack.start("up", "tiny.yaml", "--yes"), moments.uniform(0.1, LONGEST_S))

        found = inferstack("up", "tiny.yaml", "--yes")

        assert found.code == 0, found.err
        assert_as_asked(inferstack, spec["groups"])
    assert hits >= KILLS // 4, "the kills came too late to hit anything"
    assert inferstack("destroy", "--yes").code == 0
    assert inferstack.processes() == {}


def killed(process: subprocess.Popen[str], after_s: float) -> bool:
    """Kill a command after a while; whether it was still at work."""
    try:
        process.communicate(timeout=after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return True
    return False


def assert_as_asked(inferstack: CommandLine, groups: tuple[str, ...]) -> None:
    """Each group has its one instance, ready; no other process; and there is nothing left to do."""
    status = json.loads(inferstack("status", "--json").out)
    assert {one["name"]: one["state"] for one in status["instances"]} == {f"{group}-0": "ready" for group in groups}
    running = inferstack.processes()
    assert set(running) == {status["supervisor"], *(one["pid"] for one in status["instances"])}, running
    assert inferstack("preview", "tiny.yaml").out.startswith("No changes")

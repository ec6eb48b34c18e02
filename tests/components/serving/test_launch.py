from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.serving import launch
from tests.components.serving.serving_builders import usable_cpus

pins = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot pin")


def launched(folder: Path, **changes: Any) -> subprocess.CompletedProcess[str]:
    """A run of the launcher; the command prints the mask and the environment that it finds."""
    program = "import os, json; print(json.dumps([sorted(os.sched_getaffinity(0)), os.getpid(), dict(os.environ)]))"
    wanted = {
        "name": "digits-0",
        "command": [sys.executable, "-c", program],
        "env": {"CI": "true"},
        "cpus": [usable_cpus()[-1]],
        "memory_node": None,
        "starts": str(folder / "starts"),
    }
    path = folder / "launch.json"
    path.write_text(json.dumps({**wanted, **changes}))
    command = [sys.executable, "-I", "-S", launch.__file__, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pins
def test_the_mask_stands_before_the_command_starts(tmp_path: Path) -> None:
    mask, _, environment = json.loads(launched(tmp_path).stdout)
    assert mask == [usable_cpus()[-1]]
    assert environment["CI"] == "true"


@pins
def test_each_start_is_written_down_with_the_id_the_server_keeps(tmp_path: Path) -> None:
    _, first, _ = json.loads(launched(tmp_path).stdout)
    _, second, _ = json.loads(launched(tmp_path).stdout)
    written = [int(line.split()[1]) for line in (tmp_path / "starts").read_text().splitlines()]
    assert written == [first, second]


@pins
def test_a_cpu_that_is_not_there_ends_the_start_with_the_usable_ones(tmp_path: Path) -> None:
    done = launched(tmp_path, cpus=[1023])
    assert done.returncode == launch.CANNOT_START
    assert "cannot bind to CPUs 1023" in done.stderr


@pins
def test_a_cpu_that_the_kernel_drops_from_the_mask_is_noticed(tmp_path: Path) -> None:
    done = launched(tmp_path, cpus=[usable_cpus()[0], 1023])
    assert done.returncode == launch.CANNOT_START
    assert f"only {usable_cpus()[0]} of them are usable" in done.stderr


def test_a_command_that_is_missing_is_named(tmp_path: Path) -> None:
    done = launched(tmp_path, command=["/nowhere/python"])
    assert done.returncode == launch.CANNOT_START
    assert "cannot start /nowhere/python" in done.stderr


@pins
def test_memory_that_cannot_be_bound_leaves_the_mask_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = launched(tmp_path, memory_node=0)
    assert json.loads(done.stdout)[0] == [usable_cpus()[-1]]
    assert "memory is not bound to NUMA node 0: numactl is not installed" in done.stderr


@pins
def test_memory_is_bound_by_numactl_where_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numactl = tmp_path / "numactl"
    numactl.write_text('#!/bin/sh\nshift 2\nBOUND=yes exec "$@"\n')
    numactl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert json.loads(launched(tmp_path, memory_node=0).stdout)[2]["BOUND"] == "yes"


@pins
def test_a_numactl_that_may_not_bind_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numactl = tmp_path / "numactl"
    numactl.write_text("#!/bin/sh\necho 'set_mempolicy: Operation not permitted' >&2\nexit 1\n")
    numactl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    done = launched(tmp_path, memory_node=0)
    assert json.loads(done.stdout)[0] == [usable_cpus()[-1]]
    assert "Operation not permitted; the CPU mask alone holds" in done.stderr

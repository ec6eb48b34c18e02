"""Ctrl-C stops in order, says what was done, ends with code 130 and leaves no process; `up` goes on from there."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.models.model_builders import an_ir
from tests.components.models.processes import until
from tests.stack.commands import LIMIT_S, Ran, inferstack, start

TRAIN = """\
import os, pathlib, shutil, time
pathlib.Path("began").touch()
end = time.monotonic() + 60
while not pathlib.Path("go").exists() and time.monotonic() < end:
    time.sleep(0.02)
for name in ("tiny.xml", "tiny.bin"):
    shutil.copy(name, os.environ["INFERSTACK_OUT"])
"""
SPEC = """\
apiVersion: inferstack/v1
name: tiny
models:
  - {name: tiny, train: {command: ["{python}", train.py], outputs: [tiny.xml, tiny.bin]}}
serving:
  - {name: one, model: tiny, instances: {count: 1, cores: 1}, drain: 1s}
"""
LONG = "benchmarks: [{name: long, targets: [one], load: {clients: 1, duration: 50s}}]\n"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A folder with a spec whose training waits for a file `go`; what is brought up from it is taken away."""
    an_ir(tmp_path / "tiny.xml")
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "spec.yaml").write_text(SPEC)
    yield tmp_path
    inferstack(tmp_path, "destroy", "spec.yaml", "--yes")


def interrupt(process: subprocess.Popen[str]) -> None:
    """Ctrl-C, as a terminal sends it: to the command and all that it runs in its session."""
    os.killpg(process.pid, signal.SIGINT)


def ended(process: subprocess.Popen[str]) -> Ran:
    """What the command said at its end."""
    out, err = process.communicate(timeout=LIMIT_S)
    return Ran(process.returncode, out, err)


def read_until(process: subprocess.Popen[str], words: str) -> None:
    """Read the command's progress up to a line with these words."""
    assert process.stderr is not None
    assert any(words in line for line in process.stderr), f"never said: {words}"


def runs_below(folder: Path, words: str) -> bool:
    """Whether a process with these words in its command line works in or on this folder."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
            if words in command and (str(folder) in command or (entry / "cwd").readlink() == folder):
                return True
        except OSError:
            continue
    return False


def test_one_ctrl_c_lets_a_training_end_and_begins_nothing_more(project: Path) -> None:
    process = start(project, "up", "spec.yaml")
    until((project / "began").exists, "the training begins")
    interrupt(process)
    read_until(process, "Ctrl-C again gives it up")
    (project / "go").touch()
    said = ended(process)
    assert said.code == 130, said.out + said.err
    assert "not done  one-0" in said.out
    assert "Stopped: 2 operations done, 1 not." in said.err
    assert "1 created" in inferstack(project, "up", "spec.yaml").out


def test_a_second_ctrl_c_gives_a_training_up(project: Path) -> None:
    process = start(project, "up", "spec.yaml")
    until((project / "began").exists, "the training begins")
    interrupt(process)
    read_until(process, "Ctrl-C again gives it up")
    interrupt(process)
    said = ended(process)
    assert said.code == 130, said.out + said.err
    until(lambda: not runs_below(project, "train.py"), "the training is gone")
    (project / "go").touch()
    inferstack(project, "up", "spec.yaml")


def test_ctrl_c_ends_a_benchmark_early_and_leaves_it_to_be_done(project: Path) -> None:
    (project / "go").touch()
    (project / "spec.yaml").write_text(SPEC + LONG)
    process = start(project, "up", "spec.yaml")
    read_until(process, "long: one at 1 client")
    interrupt(process)
    said = ended(process)
    assert said.code == 130, said.out + said.err
    until(lambda: not runs_below(project, "components.benchmarks.load"), "the load generator is gone")
    assert "1 to create" in inferstack(project, "preview", "spec.yaml").out
    assert "1 of 1 instance ready" in inferstack(project, "status").out


def test_ctrl_c_is_how_a_followed_log_ends_and_says_nothing(project: Path) -> None:
    process = start(project, "logs", "one", "--follow")
    assert ended(process).code == 3  # nothing is up: told at once, nothing to follow
    (project / "go").touch()
    inferstack(project, "up", "spec.yaml")
    process = start(project, "logs", "one", "--follow")
    assert process.stdout is not None
    assert process.stdout.readline()
    interrupt(process)
    said = ended(process)
    assert (said.code, said.err) == (130, "")

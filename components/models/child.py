"""A child process that does a long piece of work for a resource: a user's training, a conversion.

Its output goes to a log file, whose last line is told as progress and whose last lines explain a failure. It ends with
whoever started it, whatever ended that (see `guard.py`), and holds the maker's lock until then.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import components
from components.models import guard
from components.progress import say

LAST_LINES = 15
TELL_EVERY_S = 0.5


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code, whether it was stopped for taking too long, its last lines."""

    code: int
    timed_out: bool
    last_lines: tuple[str, ...]


def run(
    command: Sequence[str], *, folder: Path, env: Mapping[str, str], log: Path, timeout_s: float | None, lock: int,
    what: str,
) -> Ended:  # fmt: skip
    """Run `command` in `folder` to its end, with `env` over this process's environment and all output in `log`.

    `what` opens each line of progress. An exception of the listener, such as a user's stop, ends the child first.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", guard.__file__, *command],
            cwd=folder, env={**os.environ, **env}, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True, pass_fds=(lock,),
        )  # fmt: skip
        try:
            code, timed_out = _wait(process, log, timeout_s, what)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()
    return Ended(process.returncode if timed_out else code, timed_out, last_lines(log))


def own_program(module: str) -> tuple[list[str], dict[str, str]]:
    """The command that runs a module of this program and the environment it needs, wherever it is started."""
    root = str(Path(components.__file__).parent.parent)
    search = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return [sys.executable, "-P", "-m", module], {"PYTHONPATH": search, **quiet()}


def quiet() -> dict[str, str]:
    """The environment in which OpenVINO's converters do not phone home."""
    return {"CI": "true"}


def last_lines(log: Path, count: int = LAST_LINES) -> tuple[str, ...]:
    """The last lines of a log that are not empty."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 16384))
        lines = file.read().decode(errors="replace").splitlines()
    return tuple([line.rstrip() for line in lines if line.strip()][-count:])


def _wait(process: subprocess.Popen[bytes], log: Path, timeout_s: float | None, what: str) -> tuple[int, bool]:
    """The exit code, and whether the time was over before there was one."""
    began = time.monotonic()
    while True:
        try:
            return process.wait(TELL_EVERY_S), False
        except subprocess.TimeoutExpired:
            if timeout_s is not None and time.monotonic() - began > timeout_s:
                return 0, True
            say(": ".join([what, *last_lines(log, 1)]))

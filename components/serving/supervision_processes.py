"""The processes that belong to a stack's run folder: found by a mark in their environment, ended in order.

The daemon is started with the mark, and everything it starts inherits it: launchers, servers, their own children. So
after a `kill -9` of the daemon its orphans are found, whatever they have become. Where there is no /proc (macOS) the
arguments file in the command line has to do; children that a server started itself are not found there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from schemas.errors import InferstackError

MARK = "INFERSTACK_RUN"


def processes_of(run: Path, proc: Path = Path("/proc")) -> tuple[int, ...]:
    """Ids of the living processes that were started for the run folder, the daemon among them; never our own."""
    found = _by_environment(run, proc) if (proc / "self").exists() else _by_command(run)
    return tuple(sorted(set(found) - _ancestry(proc)))


def end(pids: Iterable[int], run: Path, limit_s: float) -> None:
    """End processes of a run folder: asked first, killed when `limit_s` has passed.

    Raises:
        InferstackError: some cannot be ended.
    """
    for pid in pids:
        _signal(pid, signal.SIGTERM)
    if _wait_gone(pids, run, limit_s):
        return
    for pid in (left := set(pids) & set(processes_of(run))):
        _signal(pid, signal.SIGKILL)
    if not _wait_gone(left, run, 5.0):
        raise InferstackError(
            f"processes of the stack cannot be ended: {', '.join(map(str, sorted(left)))}",
            why="they survived SIGKILL, or belong to another user",
            remedy="look at them with ps, and end them by hand",
        )


def command_of(pid: int, proc: Path = Path("/proc")) -> str:
    """A process's command line in one line; empty when it is gone or not ours to read."""
    try:
        return (proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _by_environment(run: Path, proc: Path) -> Iterable[int]:
    wanted = f"{MARK}={run}".encode()
    for folder in proc.iterdir():
        if folder.name.isdigit():
            try:
                # A zombie's environment reads as empty: what is dead already is not found.
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    yield int(folder.name)
            except OSError:
                continue


def _by_command(run: Path) -> Iterable[int]:
    listing = subprocess.run(["ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=False).stdout
    for line in listing.splitlines():
        pid, _, command = line.strip().partition(" ")
        if f" {run}/args/" in command or f" {run}/supervisord.conf" in command:
            yield int(pid)


def _ancestry(proc: Path) -> set[int]:
    """This process and those it came from, none of which may ever be ended as an orphan."""
    line, pid = {os.getpid()}, os.getpid()
    while pid > 1:
        try:
            pid = int((proc / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return {*line, os.getppid()}
        line.add(pid)
    return line


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _wait_gone(pids: Iterable[int], run: Path, limit_s: float) -> bool:
    until = time.monotonic() + limit_s
    wanted = set(pids)
    while wanted & set(processes_of(run)):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True

"""The supervisor daemon of a stack: started once, found again, talked to, stopped.

One `supervisord` a stack, in a session of its own, outlives the command that started it. That it lives is known by a
lock: the starter takes `supervisord.lock` and hands the open file to the daemon, so the kernel keeps it held exactly as
long as the daemon runs, and there can be no second one, whoever dies when. What it does is asked by XML-RPC over a Unix
socket. This module knows programs by name only; what they are is written by `supervision.py`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.serving.supervision_conf import daemon_conf
from components.serving.supervision_processes import MARK, end, processes_of
from schemas.errors import InferstackError, PreflightError

ANSWER_S = 20.0
# A socket's path fits 104 bytes on macOS and 108 on Linux; supervisor first binds it with `.PID` behind.
SOCKET_PATH_BYTES = 94
# What the daemon, and so every server, takes over of the caller's environment: nothing that changes a result.
ENVIRONMENT = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH")
# Answers of the daemon that mean "it is so already": unknown name, already there, not running.
SETTLED = (10, 60, 70, 90)


class DaemonGoneError(InferstackError):
    """The daemon does not answer: it is not running, or it ended meanwhile."""


@dataclass(frozen=True)
class Daemon:
    """A running daemon, known by its socket; each call is a connection of its own, so threads may share it."""

    socket: Path

    def call(self, method: str, *arguments: Any) -> Any:
        """One XML-RPC call of supervisor's interface.

        Raises:
            DaemonGoneError: nobody answers.
            xmlrpc.client.Fault: supervisor's own refusal.
        """
        from supervisor.xmlrpc import SupervisorTransport

        transport = SupervisorTransport(serverurl=f"unix://{self.socket}")
        try:
            # The address is never used: the transport goes to the socket.
            return getattr(xmlrpc.client.ServerProxy("http://localhost", transport), f"supervisor.{method}")(*arguments)
        except (OSError, xmlrpc.client.ProtocolError) as error:
            raise DaemonGoneError(f"the supervisor does not answer at {self.socket}", why=str(error)) from error
        finally:
            transport.close()

    def add(self, name: str) -> None:
        """Start a program whose configuration has just been written."""
        self.call("reloadConfig")
        self._settle("addProcessGroup", name)

    def remove(self, name: str) -> None:
        """Stop a program in order, with its whole process group, and forget it; fine when there is none."""
        self._settle("stopProcessGroup", name)
        self._settle("removeProcessGroup", name)

    def info(self, name: str) -> Mapping[str, Any] | None:
        """What supervisor says of a program: statename, pid, start, exitstatus...; None when it knows none."""
        try:
            found: Mapping[str, Any] = self.call("getProcessInfo", name)
        except xmlrpc.client.Fault:
            return None
        return found

    def all_info(self) -> Mapping[str, Mapping[str, Any]]:
        """The same of all programs, by name."""
        return {info["name"]: info for info in self.call("getAllProcessInfo")}

    def _settle(self, method: str, name: str) -> None:
        try:
            self.call(method, name)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode not in SETTLED:
                raise InferstackError(f"the supervisor refuses to {method} {name}", why=fault.faultString) from fault


def find(run: Path) -> Daemon | None:
    """The stack's daemon if it runs and answers; starts nothing."""
    try:
        socket = Path((run / "socket").read_text())
        daemon = Daemon(socket)
        daemon.call("getState")
    except (OSError, DaemonGoneError):
        return None
    return daemon


def ensure(run: Path, answer_s: float = ANSWER_S) -> Daemon:
    """The stack's daemon, started if it does not run; what an earlier one left behind is ended first.

    Programs whose configuration is there start with it. A daemon that does not answer in `answer_s` is replaced.

    Raises:
        PreflightError: the run folder's path cannot be used.
        InferstackError: the daemon does not start; the message shows what it said.
    """
    _make_folders(run)
    until = time.monotonic() + answer_s
    while time.monotonic() < until:
        with _lifetime_lock(run) as lock:
            if lock is not None:
                end(processes_of(run), run, limit_s=15.0)
                _start(run, lock)
        if (daemon := find(run)) is not None:
            return daemon
        time.sleep(0.05)
    # It lives but does not answer (its socket was deleted, or it hangs): only a new one helps.
    end(processes_of(run), run, limit_s=5.0)
    with _lifetime_lock(run) as lock:
        if lock is not None:
            _start(run, lock)
    if (daemon := find(run)) is not None:
        return daemon
    raise InferstackError("the supervisor does not answer", why=f"nobody listens at {_socket_path(run)}")


def stop(run: Path) -> None:
    """Stop the daemon and all it started, in order where it answers, and remove the run folder.

    Raises:
        InferstackError: some process cannot be ended.
    """
    if (daemon := find(run)) is not None:
        try:
            daemon.call("stopAllProcesses")
            daemon.call("shutdown")
        except DaemonGoneError:
            pass
        _wait_until_unlocked(run, limit_s=10.0)
    end(processes_of(run), run, limit_s=10.0)
    if (run / "socket").exists() and not (socket := Path((run / "socket").read_text())).is_relative_to(run):
        shutil.rmtree(socket.parent, ignore_errors=True)
    shutil.rmtree(run, ignore_errors=True)


def _make_folders(run: Path) -> None:
    if any(mark in str(run) for mark in "*?["):
        raise PreflightError(
            f"the stack cannot run from {run}",
            why="supervisor reads *, ? and [ in its folder's path as a pattern",
            remedy="move the stack to a folder without these characters",
        )
    for folder in ("args", "launch", "programs", "logs"):
        (run / folder).mkdir(parents=True, exist_ok=True)


@contextmanager
def _lifetime_lock(run: Path) -> Iterator[int | None]:
    """The descriptor of the daemon's lock, or None when a daemon (or a starter) holds it."""
    descriptor = os.open(run / "supervisord.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield descriptor
    finally:
        os.close(descriptor)


def _start(run: Path, lock: int) -> None:
    """Start the daemon; the call returns when it has become one, with its socket open."""
    socket = _socket_path(run)
    socket.unlink(missing_ok=True)
    descriptors = min(1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    (run / "supervisord.conf").write_text(daemon_conf(socket, os.getuid(), descriptors))
    (run / "socket").write_text(str(socket))
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    started = subprocess.run(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(run / "supervisord.conf")],
        cwd=run,
        env={**environment, MARK: str(run), "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        pass_fds=(lock,),
        start_new_session=True,
    )
    if started.returncode != 0:
        raise InferstackError("the supervisor does not start", why=started.stdout.strip()[-2000:])


def _socket_path(run: Path) -> Path:
    """Inside the run folder, or in a private folder among the temporary ones where the path would be too long."""
    inside = run / "supervisord.sock"
    if len(os.fsencode(inside)) <= SOCKET_PATH_BYTES:
        return inside
    mark = hashlib.sha256(os.fsencode(run)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"inferstack-{os.getuid()}-{mark}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if (found := folder.stat()).st_uid != os.getuid() or found.st_mode & 0o077:
        raise PreflightError(
            f"the supervisor's socket cannot lie in {folder}",
            why="the folder belongs to somebody else, or others may enter it",
            remedy="remove it, or set TMPDIR to a folder of your own",
        )
    return folder / "supervisord.sock"


def _wait_until_unlocked(run: Path, limit_s: float) -> None:
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        with _lifetime_lock(run) as lock:
            if lock is not None:
                return
        time.sleep(0.05)

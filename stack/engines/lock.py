"""One writer at a time: a lock file that names its holder.

The lock itself is the kernel's (`flock`), which lets go when the holder ends in whatever way, `kill -9` included. The
file's text only says who holds it; text that a dead holder left behind is recognised because the lock is free, and a
process number that was given to somebody else since is recognised by its start time. Readers never come here.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from schemas.errors import LockedError, PreflightError

_PATIENCE_S: Final = 0.5  # a holder that has just taken the lock has not written its name yet


@dataclass(frozen=True)
class Holder:
    """Who holds a lock. `started` tells two processes with one number apart (clock ticks since boot; '' unknown)."""

    pid: int
    host: str
    user: str
    command: str
    since: str
    started: str

    def __str__(self) -> str:
        return f"process {self.pid} of {self.user} on {self.host} (`{self.command}`, since {self.since})"

    @property
    def alive(self) -> bool | None:
        """Whether that very process still runs; None when it is another machine's."""
        if self.host != socket.gethostname():
            return None
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return not self.started or _start_of(self.pid) in ("", self.started)


@contextlib.contextmanager
def held(path: Path, command: str | None = None) -> Iterator[Holder | None]:
    """Hold the lock; gives the holder who died with it, or None.

    Raises:
        LockedError: somebody else holds it; the message names them.
        PreflightError: the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _taken(path)
    except OSError as error:
        raise PreflightError(
            f"The state cannot be written: {error.filename or path}: {error.strerror}.",
            remedy="Give this user the right to write there, or put the state elsewhere.",
        ) from error
    try:
        before = _read(path)
        me = Holder(
            pid=os.getpid(),
            host=socket.gethostname(),
            user=_user(),
            command=command or " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            since=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            started=_start_of(os.getpid()),
        )
        os.ftruncate(handle, 0)
        os.pwrite(handle, (json.dumps(asdict(me)) + "\n").encode(), 0)
        yield before
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def holder(path: Path) -> Holder | None:
    """Who writes the state just now, as far as the file tells; reads only."""
    found = _read(path)
    return found if found is not None and found.alive is not False else None


def _taken(path: Path) -> int:
    """The lock file, open and locked; it is the one that `path` names even if somebody deleted an older one."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            found = _read(path)
            if (found is None or found.alive is False) and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            raise _locked(path, found) from None
        except OSError as error:
            os.close(handle)
            raise LockedError(
                f"The state cannot be locked: {error.strerror}.",
                why=f"The file system of {path} does not support flock.",
                remedy="Put the state on a local disk.",
            ) from error
        if _same_file(handle, path):
            return handle
        os.close(handle)


def _locked(path: Path, found: Holder | None) -> LockedError:
    who = str(found) if found else "another process"
    if found is not None and found.alive is False:
        who = f"a child of {found}, which itself has ended"
    return LockedError(
        f"The state is being written by {who}.",
        why="Two writers at once would lose what one of them did.",
        remedy="Wait until it has ended. Should it hang, end it: the lock goes with it, and the next `up` takes "
        f"over where it stopped. (Lock file: {path})",
    )


def _same_file(handle: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    here = os.fstat(handle)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def _read(path: Path) -> Holder | None:
    try:
        return Holder(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _start_of(pid: int) -> str:
    """When a process started, in clock ticks since boot; '' where the system does not tell."""
    try:
        # Field 22 of proc(5) stat; the second field may hold blanks and parentheses, so count from its end.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())

"""What instances have written: the end of their logs, and new lines as they come.

Logs are rotated by the supervisor; following one goes on with the new file.
"""

from __future__ import annotations

import difflib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from schemas.errors import UsageError

SUPERVISOR = "supervisord"
POLL_S = 0.2


@dataclass(frozen=True)
class Log:
    """One log: of an instance, or of the supervisor."""

    name: str
    path: Path


def find(run: Path, name: str, groups: dict[str, Sequence[str]]) -> tuple[Log, ...]:
    """The logs that a name means: an instance's, those of a group's instances, or `supervisord`.

    `groups` are the names of the instances of each group.

    Raises:
        UsageError: nothing is called so; near names are suggested.
    """
    there = {path.stem: path for path in sorted((run / "logs").glob("*.log"))}
    wanted = [name] if name in there else [one for one in groups.get(name, ()) if one in there]
    if not wanted:
        known = [*groups, *there]
        near = difflib.get_close_matches(name, known, 3)
        raise UsageError(
            f"nothing called {name} has a log here",
            why=f"there are {', '.join(sorted(set(known)))}" if known else "nothing was started yet",
            remedy=f"did you mean {' or '.join(near)}?" if near else "",
        )
    return tuple(Log(one, there[one]) for one in wanted)


def tail(log: Log, lines: int) -> tuple[str, ...]:
    """The last lines of a log, older files of it not counted."""
    try:
        with log.path.open(errors="replace") as file:
            return tuple(line.rstrip("\n") for line in deque(file, lines))
    except OSError:
        return ()


def follow(logs: Sequence[Log], wait: Callable[[float], bool]) -> Iterator[tuple[str, str]]:
    """New lines of several logs as they come, each with its log's name; without end, until `wait` returns true.

    `wait` is called with the seconds to wait between two looks (an Event's `wait` will do).
    """
    with ExitStack() as stack:
        followed = [_Followed(log) for log in logs]
        for one in followed:
            stack.callback(one.close)
        while True:
            for one in followed:
                for line in one.lines():
                    yield one.log.name, line
            if wait(POLL_S):
                return


@dataclass
class _Followed:
    """An open log, read from its present end on; a part of a line is kept until the rest comes."""

    log: Log
    _file: IO[str] | None = None
    _part: str = ""

    def __post_init__(self) -> None:
        self._open()
        if self._file is not None:
            self._file.seek(0, os.SEEK_END)

    def lines(self) -> Iterator[str]:
        yield from self._read()
        if self._rotated():
            self.close()
            self._open()
            yield from self._read()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _open(self) -> None:
        try:
            self._file = self.log.path.open(errors="replace")
        except OSError:
            self._file = None

    def _read(self) -> Iterator[str]:
        if self._file is None:
            return
        for chunk in self._file:
            self._part += chunk
            if self._part.endswith("\n"):
                yield self._part.rstrip("\n")
                self._part = ""

    def _rotated(self) -> bool:
        try:
            there = self.log.path.stat()
        except OSError:
            return False
        return self._file is None or there.st_ino != os.fstat(self._file.fileno()).st_ino

"""What happened to each request, written down while the clock runs.

Flat arrays, as long from the start as there will be requests: noting one costs less than a microsecond and makes
nothing for the garbage collector. Memory that grew meanwhile would cost milliseconds now and then, which look like the
server's. Answers are kept as they came, up to a limit, and looked into afterwards.
"""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable, MutableSequence
from typing import Any, Final

KEPT_BYTES: Final = 256 * 2**20
MOST_KINDS: Final = 250

Clock = Callable[[], float]
clock: Clock = time.monotonic
"""The clock of all times here; timerfd and the event loop use the same one."""


class Record:
    """The requests of one run, each known by its number; times are those of `clock`, NaN where nothing happened."""

    def __init__(self, bodies: int, expected: int) -> None:
        """
        Args:
            bodies: how many prepared bodies the requests carry in turn.
            expected: how many requests there will be; more are taken too.
        """
        self.bodies = bodies
        self.requests = 0
        self.scheduled = array("d", [math.nan]) * expected
        self.sent = array("d", [math.nan]) * expected
        self.done = array("d", [math.nan]) * expected
        self.status = array("B", [0]) * expected
        self.endpoint = array("H", [0]) * expected
        self.received = array("Q", [0]) * expected
        self.kinds: list[str] = []
        self.answers: list[tuple[bytes, bytes] | None] = [None] * expected
        self._columns: tuple[tuple[MutableSequence[Any], Any], ...] = (
            *((times, math.nan) for times in (self.scheduled, self.sent, self.done)),
            *((counts, 0) for counts in (self.status, self.endpoint, self.received)),
            (self.answers, None),
        )
        self.room = KEPT_BYTES
        self.waited = 0
        self.open = 0
        self.on_done: Callable[[int], None] = _nothing

    def due(self, at: float) -> int:
        """A new request, due at the given time: its number."""
        number = self.requests
        if number == len(self.status):
            self._grow()
        self.scheduled[number] = at
        self.requests = number + 1
        self.open += 1
        return number

    def end(self) -> None:
        """No more requests come: what is longer than their number is cut to it."""
        for column, _ in self._columns:
            del column[self.requests :]

    def _grow(self) -> None:
        for column, blank in self._columns:
            column.append(blank)

    def body(self, number: int) -> int:
        """Which of the prepared bodies a request carries."""
        return number % self.bodies

    def finish(self, number: int, at: float, head: bytes, body: bytes) -> None:
        """A good answer came."""
        self.done[number] = at
        self.received[number] = size = len(head) + len(body)
        if size <= self.room:
            self.room -= size
            self.answers[number] = (head, body)
        self.open -= 1
        self.on_done(number)

    def fail(self, number: int, at: float, kind: str, received: int = 0) -> None:
        """The request failed: `kind` says how, in a few words that are the same for the same failure."""
        self.done[number] = at
        self.received[number] = received
        self.status[number] = self.number_of(kind)
        self.open -= 1
        self.on_done(number)

    def number_of(self, kind: str) -> int:
        """The status of a kind of error, from 1."""
        if kind not in self.kinds and len(self.kinds) >= MOST_KINDS:
            kind = "other"
        if kind not in self.kinds:
            self.kinds.append(kind)
        return self.kinds.index(kind) + 1


def _nothing(_number: int) -> None:
    pass

"""What happened to each request, written down while the clock runs.

Flat arrays that grow by appending: noting a request costs less than a microsecond and makes nothing for the garbage
collector. Answers are kept as they came, up to a limit, and looked into afterwards.
"""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable
from typing import Final

KEPT_BYTES: Final = 256 * 2**20
MOST_KINDS: Final = 250

Clock = Callable[[], float]
clock: Clock = time.monotonic
"""The clock of all times here; timerfd and the event loop use the same one."""


class Record:
    """The requests of one run, each known by its number; times are those of `clock`, NaN where nothing happened."""

    def __init__(self, bodies: int) -> None:
        self.bodies = bodies
        self.scheduled = array("d")
        self.sent = array("d")
        self.done = array("d")
        self.status = array("B")
        self.endpoint = array("H")
        self.received = array("Q")
        self.kinds: list[str] = []
        self.answers: dict[int, tuple[bytes, bytes]] = {}
        self.room = KEPT_BYTES
        self.waited = 0
        self.open = 0
        self.on_done: Callable[[int], None] = _nothing

    def due(self, at: float) -> int:
        """A new request, due at the given time: its number."""
        self.scheduled.append(at)
        self.sent.append(math.nan)
        self.done.append(math.nan)
        self.status.append(0)
        self.endpoint.append(0)
        self.received.append(0)
        self.open += 1
        return len(self.status) - 1

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

"""Ends a command of Pulumi that says nothing for too long, or that is to stop and does not.

Asked once, Pulumi ends in order, and waits for its providers; asked again, it ends at once. So what may end at any
time, because it changes nothing, is asked every second.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from components import progress
from stack.engines.pulumi.command import Command

_ASKED_EVERY_S: Final = 1.0


class Silence:
    """The time since something was heard of a command; `lasted` tells that it was ended for that.

    Args:
        limit_s: longest silence.
        stopping: set when the user wants it to end.
        tell_every_s: how often who listens is told that nothing is heard.
    """

    def __init__(
        self, command: Command, limit_s: float, stopping: threading.Event, *, tell_every_s: float = 15.0
    ) -> None:
        self._command, self._limit_s, self._stopping = command, limit_s, stopping
        self._tell_every_s = tell_every_s
        self._since = time.monotonic()
        self.lasted = False

    def passing(self, hear: Callable[[Any], None]) -> Callable[[Any], None]:
        """A listener that passes on what it hears."""

        def heard(event: Any) -> None:
            self._since = time.monotonic()
            hear(event)

        return heard

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """A block in which the command runs."""
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(ended, progress.listener.get()), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    def _watch(self, ended: threading.Event, tell: progress.Listener | None) -> None:
        told_s = 0.0
        while not ended.wait(_ASKED_EVERY_S):
            silent_s = time.monotonic() - self._since
            self.lasted = self.lasted or silent_s > self._limit_s
            if self.lasted or self._stopping.is_set():
                self._command.interrupt()
            elif tell is not None and silent_s - told_s >= self._tell_every_s:
                told_s = silent_s
                tell(f"Pulumi's providers have said nothing for {silent_s:.0f} s", None)
            elif silent_s < told_s:
                told_s = 0.0

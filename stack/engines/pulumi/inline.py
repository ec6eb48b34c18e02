"""The program as Pulumi runs it: in this process, in a server's thread and an event loop of the SDK's own.

The SDK tells Pulumi what the program raised as text and, where one of its tasks fails too, leaves its loop open and the
rest to gRPC's log. Here what was raised is remembered, the loop is closed, and nothing is printed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator
from typing import Final

from stack.engines.running import Program, finish

_PATIENCE_S: Final = 10.0  # how long a loop may go on after Pulumi has ended


class InlineProgram:
    """A program that remembers what it raised."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._loops: list[asyncio.AbstractEventLoop] = []
        self.error: Exception | None = None

    def __call__(self) -> None:
        """Run the program; called by the SDK inside its loop."""
        self.error = None
        self._loops.append(asyncio.get_running_loop())
        try:
            self._program()
        except Exception as error:
            self.error = error
            raise

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        """A block in which Pulumi may run the program; afterwards nothing of it is left."""
        logger = logging.getLogger("grpc._server")
        before = logger.level
        logger.setLevel(logging.CRITICAL + 1)  # a traceback where Pulumi ends before the program does
        try:
            yield
        finally:
            self._close()
            logger.setLevel(before)

    def _close(self) -> None:
        until = time.monotonic() + _PATIENCE_S
        for loop in self._loops:
            while loop.is_running() and time.monotonic() < until:
                time.sleep(0.01)
            if not loop.is_running() and not loop.is_closed():
                finish(loop)
                loop.close()
        self._loops.clear()

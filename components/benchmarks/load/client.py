"""What loops need of a client, whatever the protocol."""

from __future__ import annotations

from typing import Protocol


class Client(Protocol):
    """Sends requests of a record and notes there how they went."""

    async def open(self) -> None:
        """Get ready: connect, so that the first requests do not pay for it."""

    def send(self, number: int) -> None:
        """Send a request now, or as soon as a connection is free. Never waits, never raises."""

    async def close(self) -> None:
        """Let go of everything."""

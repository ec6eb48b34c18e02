"""How a resource provider tells what it is doing, whoever is listening.

The engine sets `listener` around a provider's call (a context variable, so that parallel resources keep apart); under
real Pulumi's provider host nobody listens and the words are dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

Listener = Callable[[str, float | None], None]
listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def say(text: str, fraction: float | None = None) -> None:
    """Tell what is being done now; `fraction` (0 to 1) where the end is known."""
    if (hear := listener.get()) is not None:
        hear(text, fraction)

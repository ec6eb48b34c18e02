"""How a resource provider tells what it is doing, whoever is listening, and learns that the user wants to stop.

The engine sets `listener` and `stopping` around a provider's call (context variables, so that parallel resources keep
apart); under real Pulumi's provider host nobody listens, the words are dropped, and nothing ends early.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from schemas.errors import StoppedError

Listener = Callable[[str, float | None], None]
listener: ContextVar[Listener | None] = ContextVar("listener", default=None)
stopping: ContextVar[Callable[[], bool] | None] = ContextVar("stopping", default=None)


def say(text: str, fraction: float | None = None) -> None:
    """Tell what is being done now; `fraction` (0 to 1) where the end is known."""
    if (hear := listener.get()) is not None:
        hear(text, fraction)


def give_way(work: str, why: str = "") -> None:
    """End here if the user wants to stop. For work that is worth nothing half done and leaves nothing half done.

    `why` is what it was waiting for.

    Raises:
        StoppedError: the user does.
    """
    if (wanted := stopping.get()) is not None and wanted():
        raise StoppedError(f"{work} was ended early on request.", why=why)

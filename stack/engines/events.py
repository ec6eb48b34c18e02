"""What an engine tells while it works, and what it says at the end.

Events are frozen values; `on_event` gets them one at a time, never two at once, from whichever thread the work is on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.errors import InferstackError, PartlyAppliedError, StoppedError
from stack.engines.urns import PROVIDER_PREFIX
from stack.plan import Op, Plan


@dataclass(frozen=True)
class Subject:
    """The resource that an event is about."""

    urn: str
    type: str
    name: str


@dataclass(frozen=True)
class Planned:
    """The work begins: `total` operations are expected (fewer may turn out to be needed)."""

    total: int


@dataclass(frozen=True)
class Started:
    """An operation on a resource begins."""

    op: Op
    subject: Subject


@dataclass(frozen=True)
class Progress:
    """A provider says what it is doing; `fraction` is 0 to 1 where the end is known."""

    subject: Subject
    text: str
    fraction: float | None = None


@dataclass(frozen=True)
class Finished:
    """An operation is done. `op` is `same` where a change that was expected turned out not to be needed."""

    op: Op
    subject: Subject
    seconds: float


@dataclass(frozen=True)
class Failed:
    """An operation failed; the words are the error's own."""

    op: Op
    subject: Subject
    message: str
    why: str = ""
    remedy: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Skipped:
    """An operation was not tried, because something that it needs failed: `because` names the first of those."""

    op: Op
    subject: Subject
    because: Subject


@dataclass(frozen=True)
class Said:
    """The program logged something; severity is info, warning or error."""

    severity: str
    text: str
    urn: str = ""


Event = Planned | Started | Progress | Finished | Failed | Skipped | Said
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""


@dataclass(frozen=True)
class NotReached:
    """An operation that the work did not come to, or did not end, because the user stopped it; `why` it had not yet."""

    op: Op
    subject: Subject
    why: str = ""


@dataclass(frozen=True)
class Outcome:
    """What was done and what was not. `outputs` are the stack's own, secrets opened.

    `interrupted` when the user stopped it with work left; `abandoned` when, besides, work still goes on in threads that
    nobody waits for: the process has to end itself (`os._exit`) or it waits for them after all.
    """

    plan: Plan
    done: tuple[Finished, ...] = ()
    failed: tuple[Failed, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    not_reached: tuple[NotReached, ...] = ()
    interrupted: bool = False
    abandoned: bool = False
    seconds: float = 0.0
    outputs: Mapping[str, Any] | None = None

    @property
    def counted(self) -> tuple[Finished, ...]:
        """What was done, as plans count: providers are how things are made, and none themselves."""
        return tuple(end for end in self.done if not end.subject.type.startswith(PROVIDER_PREFIX))

    @property
    def complete(self) -> bool:
        """Whether everything that was planned is done."""
        return not (self.failed or self.skipped or self.not_reached or self.interrupted)

    @property
    def error(self) -> InferstackError | None:
        """The error that the command ends with, or None: stopped by the user, or partly applied."""
        if self.interrupted:
            left = len(self.not_reached) + len(self.skipped) + len(self.failed)
            return StoppedError(
                f"Stopped: {_count(len(self.counted))} done, {left} not.",
                why="The work was interrupted; the state holds what is done." if not self.failed else "",
                remedy="Run the same command again: it goes on where this stopped.",
            )
        if self.complete:
            return None
        missing = len(self.skipped) + len(self.not_reached)
        return PartlyAppliedError(
            f"{_count(len(self.failed))} failed, {len(self.counted)} done, {missing} not tried.",
            why="\n".join(f"{failed.subject.name}: {failed.message}" for failed in self.failed),
            remedy="Repair what failed and run the same command again: what is done stays done.",
        )


def _count(number: int) -> str:
    return f"{number} operation" if number == 1 else f"{number} operations"

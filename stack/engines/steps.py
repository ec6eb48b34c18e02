"""What has been decided and done so far in one run: the log that plans and outcomes are made from."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from schemas.errors import InferstackError
from stack.engines.decide import Decision
from stack.engines.events import Event, Failed, Finished, NotReached, OnEvent, Progress, Skipped, Started, Subject
from stack.engines.records import Record
from stack.plan import Op


@dataclass(frozen=True)
class Step:
    """One decision about one resource; `order` is its place among the program's registrations."""

    order: int
    record: Record
    decision: Decision
    blocked: str = ""

    @property
    def op(self) -> Op:
        """What the step does."""
        return self.decision.op


class StepLog:
    """Collects steps and their ends, tells them as events, and knows because of whom something cannot be done.

    Safe to use from several threads; events are told one at a time.
    """

    def __init__(self, on_event: OnEvent, expected: frozenset[str] = frozenset()) -> None:
        self._on_event, self._expected = on_event, expected
        self._telling = threading.RLock()
        self._lock = threading.RLock()
        self._order = 0
        self.steps: list[Step] = []
        self.done: list[Finished] = []
        self.failed: list[Failed] = []
        self.skipped: list[Skipped] = []
        self.not_reached: list[NotReached] = []
        self.listener_error: BaseException | None = None
        self._lost: dict[str, Subject] = {}
        self._errors: dict[str, Exception] = {}

    def next_order(self) -> int:
        """The place of the registration that comes in now."""
        with self._lock:
            self._order += 1
            return self._order

    def tell(self, event: Event) -> None:
        """Pass an event on; a listener that fails is not asked again, and its error ends the run in order."""
        with self._telling:
            if self.listener_error is None:
                try:
                    self._on_event(event)
                except BaseException as error:
                    self.listener_error = error

    def decided(self, step: Step) -> None:
        """Take a decision into the log."""
        with self._lock:
            self.steps.append(step)

    def started(self, op: Op, record: Record) -> float:
        """An operation begins; gives the time to hand to its end."""
        self.tell(Started(op, subject_of(record)))
        return time.monotonic()

    def progress(self, record: Record, text: str, fraction: float | None) -> None:
        """A provider says what it is doing."""
        self.tell(Progress(subject_of(record), text, fraction))

    @property
    def troubled(self) -> bool:
        """Whether anything failed, was skipped or left."""
        return bool(self.failed or self.skipped or self.not_reached)

    def finished(self, op: Op, record: Record, since: float) -> None:
        """An operation is done."""
        event = Finished(op, subject_of(record), time.monotonic() - since)
        with self._lock:
            self.done.append(event)
        self.tell(event)

    def unneeded(self, record: Record) -> None:
        """A resource was left as it is; only told where something else had been expected."""
        if record.urn in self._expected:
            self.tell(Finished("same", subject_of(record), 0.0))

    def fail(self, op: Op, record: Record, error: Exception, since: float) -> None:
        """An operation failed, and with it everything that needs the resource."""
        why, remedy = (error.why, error.remedy) if isinstance(error, InferstackError) else ("", "")
        message = error.message if isinstance(error, InferstackError) else f"{type(error).__name__}: {error}"
        event = Failed(op, subject_of(record), message, why, remedy, time.monotonic() - since)
        with self._lock:
            self.failed.append(event)
            self._lost[record.urn] = event.subject
            self._errors[record.urn] = error
        self.tell(event)

    def lost_among(self, urns: tuple[str, ...]) -> Subject | None:
        """The resource because of which none of these URNs can be relied on, or None when all can."""
        with self._lock:
            return next((self._lost[urn] for urn in urns if urn in self._lost), None)

    def skip(self, op: Op, record: Record, because: Subject) -> None:
        """An operation is not tried because of another that failed."""
        event = Skipped(op, subject_of(record), because)
        with self._lock:
            self.skipped.append(event)
            self._lost[record.urn] = because
        self.tell(event)

    def leave(self, op: Op, record: Record, why: str = "") -> None:
        """An operation is not begun, or not done to its end, because the run is being stopped."""
        with self._lock:
            self.not_reached.append(NotReached(op, subject_of(record), why))
            self._lost[record.urn] = subject_of(record)

    @property
    def failures(self) -> tuple[tuple[Subject, Exception], ...]:
        """What failed, with the errors as they were raised."""
        with self._lock:
            return tuple((self._lost[urn], error) for urn, error in self._errors.items())


def subject_of(record: Record) -> Subject:
    """The resource of a record as events name it."""
    return Subject(record.urn, record.type, record.name)

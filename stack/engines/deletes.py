"""Deletes what the program no longer has and what replacements left behind: dependents first, side by side where that
is possible.

A deletion that fails keeps everything alive that the resource needs, so that a later run can delete it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from typing import Literal

from stack.engines.decide import Decision
from stack.engines.hands import Hands
from stack.engines.leftovers import remains
from stack.engines.planning import is_default_provider
from stack.engines.records import Record
from stack.engines.registrar import Ledger
from stack.engines.state import Begun, Gone, Settled, State, in_order
from stack.engines.steps import Step, StepLog, subject_of

Cause = Literal["orphan", "condemned", "leftover"]
_WHY = {
    "orphan": (),
    "condemned": ("a replacement has taken its place",),
    "leftover": ("the last run did not finish making this",),
}


@dataclass(frozen=True)
class Doomed:
    """Something to delete: no longer in the program, left by a replacement, or left by an interrupted create.

    `visible` when people hear of it: default providers come and go with what uses them, and what a replacement of this
    very run left is part of that replacement.
    """

    record: Record
    cause: Cause
    visible: bool = True


def doomed_in(state: State, seen: Iterable[str], *, told: tuple[Record, ...]) -> tuple[Doomed, ...]:
    """All that has to go, in an order in which each comes after everything that needs it.

    Of what replacements have left, only those in `told` are visible: earlier runs left them.
    """
    kept = frozenset(seen)
    orphans = [record for urn, record in state.records.items() if urn not in kept]
    left = [
        Doomed(remains(begun), "leftover")
        for urn, begun in state.pending.items()
        if urn not in kept and begun.work == "creating"
    ]
    known = {(record.urn, record.id) for record in orphans}
    left = [item for item in left if (item.record.urn, item.record.id) not in known]
    condemned = [Doomed(record, "condemned", record in told) for record in reversed(in_order(state.condemned))]
    ordered = [Doomed(r, "orphan", not is_default_provider(r)) for r in reversed(in_order(orphans))]
    return (*left, *condemned, *ordered)


def blocked(doomed: Doomed) -> str:
    """Why something may not be deleted, or ''."""
    if doomed.record.protect and doomed.cause != "leftover":
        return f"{doomed.record.name} is protected and would be deleted"
    return ""


def step_of(doomed: Doomed, order: int) -> Step:
    """The deletion as a step of the log."""
    return Step(order, doomed.record, Decision("delete", notes=_WHY[doomed.cause]), blocked(doomed))


class Deleter:
    """Deletes doomed things through the hands, in parallel where nothing stands in the way."""

    def __init__(
        self, ledger: Ledger, hands: Hands, log: StepLog, *, parallel: int, stopping: Callable[[], bool]
    ) -> None:
        self._ledger, self._hands, self._log = ledger, hands, log
        self._parallel, self._stopping = parallel, stopping

    def run(self, doomed: tuple[Doomed, ...]) -> None:
        """Delete them all; failures go to the log."""
        gone_with = frozenset(item.record.urn for item in doomed if item.cause == "orphan")
        queue = _Queue(doomed)
        running: dict[Future[bool], int] = {}
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="delete") as pool:
            while True:
                while not self._stopping() and (index := queue.next()) is not None:
                    if (because := queue.kept_for(index)) is not None:
                        self._log.skip("delete", doomed[index].record, subject_of(because))
                        queue.keeps(index)
                    else:
                        running[pool.submit(copy_context().run, self._delete, doomed[index], gone_with)] = index
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    index = running.pop(future)
                    queue.ends(index) if future.result() else queue.keeps(index)
        for index in queue.left():
            self._log.leave("delete", doomed[index].record)

    def _delete(self, item: Doomed, gone_with: frozenset[str]) -> bool:
        """Delete one thing; whether it is gone."""
        record = item.record
        since = self._log.started("delete", record) if item.visible else 0.0
        try:
            pending = self._ledger.state.pending.get(record.urn)
            if record.custom and item.cause == "orphan":
                self._ledger.record(Begun("deleting", record))
            goes_with = record.deleted_with in gone_with
            there = record.custom and not (record.external or record.pending_replacement)
            if there and not (record.retain_on_delete or goes_with):
                self._hands.delete(record, pending.work if pending and item.cause == "orphan" else None)
        except Exception as error:
            self._log.fail("delete", record, error, since)
            return False
        match item.cause:
            case "orphan":
                self._ledger.record(Gone(record.urn))
            case "condemned":
                self._ledger.record(Gone(record.urn, record.id, condemned=True))
            case "leftover":
                self._ledger.record(Settled(record.urn))
        if item.visible:
            self._log.finished("delete", record, since)
        return True


class _Queue:
    """Hands out indexes of doomed things once all that needs them has ended, in a stable order."""

    def __init__(self, doomed: tuple[Doomed, ...]) -> None:
        self._doomed = doomed
        by_urn: dict[str, list[int]] = {}
        for index, item in enumerate(doomed):
            by_urn.setdefault(item.record.urn, []).append(index)
        self._needed = [
            [other for urn in sorted(item.record.needs()) for other in by_urn.get(urn, ()) if other != index]
            for index, item in enumerate(doomed)
        ]
        self._waits = [0] * len(doomed)
        for others in self._needed:
            for other in others:
                self._waits[other] += 1
        self._ready = deque(index for index, count in enumerate(self._waits) if not count)
        self._kept: dict[int, Record] = {}
        self._out: set[int] = set()

    def next(self) -> int | None:
        """An index whose turn it is, or None while all wait."""
        if not self._ready:
            return None
        self._out.add(index := self._ready.popleft())
        return index

    def kept_for(self, index: int) -> Record | None:
        """What still needs this one, because it could not be deleted."""
        return self._kept.get(index)

    def ends(self, index: int) -> None:
        """It is gone: what it needed comes nearer."""
        for other in self._needed[index]:
            self._waits[other] -= 1
            if not self._waits[other]:
                self._ready.append(other)

    def keeps(self, index: int) -> None:
        """It stays: all that it needs has to stay too."""
        for other in self._needed[index]:
            self._kept.setdefault(other, self._kept.get(index, self._doomed[index].record))
        self.ends(index)

    def left(self) -> list[int]:
        """Indexes that were never handed out."""
        return [index for index in range(len(self._doomed)) if index not in self._out]

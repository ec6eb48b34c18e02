"""Compares the state with the world: what is gone, what is other than it was left."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass

from schemas.errors import PreflightError
from stack.engines import planning
from stack.engines.events import Failed, Finished, Started, Subject
from stack.engines.hands import RealHands
from stack.engines.providers import Live
from stack.engines.records import Record
from stack.engines.registrar import Ledger
from stack.engines.runs import Setting
from stack.engines.state import Became, Gone, Settled, State
from stack.engines.steps import StepLog, subject_of
from stack.engines.store import now
from stack.engines.values import all_plain, conceal, difference
from stack.plan import PropertyChange


@dataclass(frozen=True)
class Drifted:
    """A resource that is other than it was left: old is what the state says, new what is there."""

    subject: Subject
    properties: tuple[PropertyChange, ...]


@dataclass(frozen=True)
class Drift:
    """What a refresh found. `unread` are resources that nothing here can look at."""

    gone: tuple[Subject, ...] = ()
    changed: tuple[Drifted, ...] = ()
    failed: tuple[Failed, ...] = ()
    unread: tuple[Subject, ...] = ()
    checked: int = 0
    seconds: float = 0.0

    @property
    def found(self) -> bool:
        """Whether the world is not what the state says."""
        return bool(self.gone or self.changed)


def refresh(setting: Setting, ledger: Ledger, log: StepLog, *, write: bool, stopping: Callable[[], bool]) -> Drift:
    """Look at every resource through its provider; `write` takes what was found into the state."""
    began = time.monotonic()
    records = [record for record in ledger.state.ordered() if _readable(record)]
    unread = [record for record in records if setting.providers.plans_only(record.type)]
    readable = [record for record in records if not setting.providers.plans_only(record.type)]
    hands = RealHands(setting.providers, lambda: ledger.state, log.progress, stopping=stopping, giving_up=stopping)

    def look(record: Record) -> Live | Exception | None:
        log.tell(Started("read", subject_of(record)))
        since = time.monotonic()
        try:
            live = hands.read(record)
        except Exception as error:
            log.fail("read", record, error, since)
            return error
        log.tell(Finished("read", subject_of(record), time.monotonic() - since))
        return live

    with ThreadPoolExecutor(setting.parallel, thread_name_prefix="read") as pool:
        found = list(pool.map(lambda record: copy_context().run(look, record), readable))
    gone = [record for record, live in zip(readable, found, strict=True) if live is None]
    lives = [(record, live) for record, live in zip(readable, found, strict=True) if isinstance(live, Live)]
    pairs = [(record, _as_found(setting, record, live), live.judged_by_inputs) for record, live in lives]
    altered = [new for record, new, _ in pairs if new != record]
    drifted = [_drifted(record, new, by_inputs=by_inputs) for record, new, by_inputs in pairs if new != record]
    if write:
        _write(ledger, gone, altered)
    return Drift(
        gone=tuple(map(subject_of, gone)),
        changed=tuple(found for found in drifted if found is not None),
        failed=tuple(log.failed),
        unread=tuple(map(subject_of, unread)),
        checked=len(readable),
        seconds=time.monotonic() - began,
    )


def lost_in(setting: Setting, state: State) -> tuple[Record, ...]:
    """Resources whose place is gone: it does not answer, or what is there now is another (a cluster made anew)."""
    records = (*state.records.values(), *state.condemned)
    lost = {(r.urn, r.id) for r in records if r.is_provider and r.identity and _is_lost(setting, r)}
    return tuple(r for r in records if not r.is_provider and (r.provider_urn, r.provider.rpartition("::")[2]) in lost)


def _is_lost(setting: Setting, provider: Record) -> bool:
    try:
        found = setting.providers.of_settings(provider.type).identify(all_plain(provider.inputs))
    except PreflightError:
        return True
    return found != provider.identity


def forget(ledger: Ledger, lost: tuple[Record, ...]) -> None:
    """Drop from the state what is lost: nothing is deleted, and what is made next is made anew."""
    places = {record.provider for record in lost}
    for record in lost:
        if record.delete:
            ledger.record(Gone(record.urn, record.id, condemned=True))
    _write(ledger, [record for record in lost if not record.delete], [])
    for begun in tuple(ledger.state.pending.values()):
        if begun.record.provider in places:
            ledger.record(Settled(begun.record.urn))
    for record in tuple(ledger.state.records.values()):
        if f"{record.urn}::{record.id}" in places:
            ledger.record(Became(dataclasses.replace(record, identity="")))


def _readable(record: Record) -> bool:
    return record.custom and not (record.is_provider or record.delete or record.pending_replacement)


def _as_found(setting: Setting, record: Record, live: Live) -> Record:
    hide = setting.providers.of(record.type).hide
    shown = hide(live.outputs, record.inputs) if live.judged_by_inputs else hide(live.outputs, record.outputs)
    outputs = conceal(shown, {}, record.additional_secret_outputs)
    inputs = record.inputs if live.inputs is None else hide(live.inputs, record.inputs)
    return dataclasses.replace(record, id=live.id, inputs=inputs, outputs=outputs)


def _drifted(record: Record, new: Record, *, by_inputs: bool) -> Drifted | None:
    """What is other than it was left; None when only that has changed which changes by itself."""
    found = difference(record.inputs, new.inputs) if by_inputs else difference(record.outputs, new.outputs)
    if by_inputs and not found:
        return None
    return Drifted(subject_of(record), planning.property_changes(found, (), lambda path: None))


def _write(ledger: Ledger, gone: list[Record], changed: list[Record]) -> None:
    """Take what was found into the state; nothing in it may mention what is gone."""
    lost = frozenset(record.urn for record in gone)
    for record in changed:
        ledger.record(Became(dataclasses.replace(record, modified=now())))
    for record in tuple(ledger.state.records.values()):
        if record.urn not in lost and record.needs() & lost:
            ledger.record(Became(_without(record, lost)))
    for record in reversed(gone):
        ledger.record(Gone(record.urn))


def _without(record: Record, lost: frozenset[str]) -> Record:
    kept = {
        key: tuple(urn for urn in needed if urn not in lost) for key, needed in record.property_dependencies.items()
    }
    return dataclasses.replace(
        record,
        dependencies=tuple(urn for urn in record.dependencies if urn not in lost),
        property_dependencies=kept,
        deleted_with="" if record.deleted_with in lost else record.deleted_with,
    )

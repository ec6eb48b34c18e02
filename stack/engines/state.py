"""What a stack consists of, as a sequence of facts that happened.

The state changes only by `State.apply(entry)`: live while a plan is carried out, and again when a journal is replayed
after a crash, so that both always come to the same. An entry says what *is* now, never what to do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, assert_never

from stack.engines.records import Record
from stack.engines.values import has_secret

Work = Literal["creating", "updating", "deleting", "reading"]


@dataclass(frozen=True)
class Begun:
    """Work on a resource starts; `record` is what it shall be (or, when deleting, what it is)."""

    work: Work
    record: Record


@dataclass(frozen=True)
class Became:
    """The resource is now this."""

    record: Record


@dataclass(frozen=True)
class Replaced:
    """The resource is now this, and what it was before waits to be deleted."""

    record: Record


@dataclass(frozen=True)
class Gone:
    """The resource is no more; `condemned` when it was one that a replacement had left behind."""

    urn: str
    id: str = ""
    condemned: bool = False


@dataclass(frozen=True)
class Renamed:
    """The resource goes by another URN now, and so does every mention of it."""

    old: str
    new: str


@dataclass(frozen=True)
class Settled:
    """What an interrupted piece of work had left has been dealt with."""

    urn: str


Entry = Begun | Became | Replaced | Gone | Renamed | Settled


@dataclass
class State:
    """The resources of a stack.

    `serial` counts the entries ever applied; `lineage` is chosen once for a stack, so that plans of another stack with
    the same name are told apart. `pending` holds work that began and did not end.
    """

    lineage: str = ""
    serial: int = 0
    records: dict[str, Record] = field(default_factory=dict)
    condemned: list[Record] = field(default_factory=list)
    pending: dict[str, Begun] = field(default_factory=dict)

    def apply(self, entry: Entry) -> None:
        """Take a fact in."""
        self.serial += 1
        match entry:
            case Begun():
                self.pending[entry.record.urn] = entry
            case Became(record):
                self.records[record.urn] = record
                self.pending.pop(record.urn, None)
            case Replaced(record):
                before = self.records.get(record.urn)
                if before is not None:
                    self.condemned.append(dataclasses.replace(before, delete=True))
                self.records[record.urn] = record
                self.pending.pop(record.urn, None)
            case Gone(urn, id_, condemned):
                if condemned:
                    self.condemned = [r for r in self.condemned if (r.urn, r.id) != (urn, id_)]
                else:
                    self.records.pop(urn, None)
                    self.pending.pop(urn, None)
            case Renamed(old, new):
                self._rename(old, new)
            case Settled(urn):
                self.pending.pop(urn, None)
            case _:
                assert_never(entry)

    def _rename(self, old: str, new: str) -> None:
        renamed = {
            urn: dataclasses.replace(begun, record=renamed_in(begun.record, old, new))
            for urn, begun in self.pending.items()
        }
        self.pending = {begun.record.urn: begun for begun in renamed.values()}
        self.condemned = [renamed_in(record, old, new) for record in self.condemned]
        self.records = {r.urn: r for r in (renamed_in(record, old, new) for record in self.records.values())}

    @property
    def has_secrets(self) -> bool:
        """Whether a secret stands anywhere in it."""
        records = (*self.records.values(), *self.condemned, *(begun.record for begun in self.pending.values()))
        return any(has_secret(record.inputs) or has_secret(record.outputs) for record in records)

    def ordered(self) -> tuple[Record, ...]:
        """Every record, each after all it needs; what is condemned comes last."""
        return (*in_order(self.records.values()), *in_order(self.condemned))


def renamed_in(record: Record, old: str, new: str) -> Record:
    """The record with every mention of one URN turned into another."""
    if old != record.urn and old not in record.needs():
        return record

    def follow(urn: str) -> str:
        return new if urn == old else urn

    provider = f"{new}::{record.provider.rpartition('::')[2]}" if record.provider_urn == old else record.provider
    return dataclasses.replace(
        record,
        urn=follow(record.urn),
        parent=follow(record.parent),
        provider=provider,
        deleted_with=follow(record.deleted_with),
        dependencies=tuple(map(follow, record.dependencies)),
        property_dependencies={
            key: tuple(map(follow, of_property)) for key, of_property in record.property_dependencies.items()
        },
    )


def in_order(records: Iterable[Record]) -> tuple[Record, ...]:
    """The records so that each comes after those it needs; otherwise in the order given."""
    by_urn: dict[str, list[Record]] = {}
    for record in records:
        by_urn.setdefault(record.urn, []).append(record)
    done: dict[str, None] = {}
    for start in by_urn:
        stack = [start]
        open_: set[str] = set()
        while stack:
            urn = stack[-1]
            missing = [need for need in sorted(_needs(by_urn[urn])) if need in by_urn and need not in done]
            if urn in done or urn in open_ or not missing:
                done[stack.pop()] = None  # a circle ends here too: it is reported by the check of a deployment
            else:
                open_.add(urn)
                stack.extend(need for need in missing if need not in open_)
    return tuple(record for urn in done for record in by_urn[urn])


def _needs(records: list[Record]) -> frozenset[str]:
    return frozenset().union(*(record.needs() for record in records))

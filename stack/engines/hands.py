"""What touches the world, and what only pretends to: the two ways of carrying out one step.

`RealHands` asks providers; `DryHands` foretells what they would answer, so that a preview runs the very code of an
`up`. Nothing else in the engine knows which of the two it has.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Protocol, TypeVar

from components import progress
from schemas.errors import StoppedError
from stack.engines.providers import Live, Provider, Providers
from stack.engines.records import Record
from stack.engines.values import all_plain

T = TypeVar("T")
Say = Callable[[Record, str, float | None], None]


class Hands(Protocol):
    """Carries out steps on custom resources; raises any exception to fail."""

    dry: bool

    def create(self, record: Record) -> Live:
        """Make what the record says."""

    def update(self, old: Record, new: Record, stables: tuple[str, ...]) -> Live:
        """Turn one into the other; `stables` are outputs that it cannot change."""

    def delete(self, record: Record) -> None:
        """Remove it."""

    def read(self, record: Record) -> Live | None:
        """Look at it; None when it is gone."""


class DryHands:
    """Foretells. What an update may change is unknown, so only inputs and stable outputs are told."""

    dry = True

    def create(self, record: Record) -> Live:
        return Live("", record.inputs)

    def update(self, old: Record, new: Record, stables: tuple[str, ...]) -> Live:
        return Live(old.id, {**{key: old.outputs[key] for key in stables if key in old.outputs}, **new.inputs})

    def delete(self, record: Record) -> None:
        pass

    def read(self, record: Record) -> Live | None:
        return Live(record.id, record.inputs)


class RealHands:
    """Asks the providers, and passes on what they say while they work.

    `giving_up` is asked whenever a provider says something: after it turned true, the provider is made to give up
    there. `stopping` is there for providers to ask, whose work may end early (`progress.give_way`).
    """

    dry = False

    def __init__(
        self, providers: Providers, say: Say, *, stopping: Callable[[], bool], giving_up: Callable[[], bool]
    ) -> None:
        self._providers, self._say = providers, say
        self._stopping, self._giving_up = stopping, giving_up

    def create(self, record: Record) -> Live:
        if record.is_provider:
            return Live(record.id or str(uuid.uuid4()), record.inputs)
        return self._heard(record, lambda: self._of(record).create(record.type, all_plain(record.inputs)))

    def update(self, old: Record, new: Record, stables: tuple[str, ...]) -> Live:
        if new.is_provider:
            return Live(old.id, new.inputs)
        before, after = all_plain(old.outputs), all_plain(new.inputs)
        return self._heard(new, lambda: self._of(new).update(new.type, old.id, before, after))

    def delete(self, record: Record) -> None:
        if not record.is_provider:
            before = all_plain(record.outputs or record.inputs)
            self._heard(record, lambda: self._of(record).delete(record.type, record.id, before))

    def read(self, record: Record) -> Live | None:
        before = all_plain(record.outputs or record.inputs)
        return self._heard(record, lambda: self._of(record).read(record.type, record.id, before))

    def _of(self, record: Record) -> Provider:
        return self._providers.of(record.type)

    def _heard(self, record: Record, work: Callable[[], T]) -> T:
        def hear(text: str, fraction: float | None) -> None:
            if self._giving_up():
                raise StoppedError(f"{record.name} was given up on request.")
            self._say(record, text, fraction)

        heard, stopping = progress.listener.set(hear), progress.stopping.set(self._stopping)
        try:
            return work()
        finally:
            progress.listener.reset(heard)
            progress.stopping.reset(stopping)

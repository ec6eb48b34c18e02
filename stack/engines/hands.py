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
from stack.engines.about import about
from stack.engines.decide import Decision
from stack.engines.providers import Live, Provider, Providers
from stack.engines.records import Record
from stack.engines.state import State, Work
from stack.engines.values import INTERNAL_KEY, Values, all_plain

T = TypeVar("T")
Say = Callable[[Record, str, float | None], None]


def settings_shown(inputs: Values) -> Values:
    """The outputs of a provider resource: what it is configured with, without what is Pulumi's own business."""
    return {key: value for key, value in inputs.items() if key != INTERNAL_KEY}


class Hands(Protocol):
    """Carries out steps on custom resources; raises any exception to fail."""

    dry: bool

    def create(self, record: Record, decision: Decision, old: Record | None = None) -> Live:
        """Make what the record says; `old` is what the state knows of it."""

    def update(self, old: Record, new: Record, decision: Decision) -> Live:
        """Turn one into the other."""

    def delete(self, record: Record, interrupted: Work | None = None) -> None:
        """Remove it, and what interrupted work on it may have put in its place."""

    def read(self, record: Record) -> Live | None:
        """Look at it; None when it is gone."""


class DryHands:
    """Foretells. What an update may change is unknown, so only inputs and stable outputs are told, unless the provider
    has foretold more.
    """

    dry = True

    def create(self, record: Record, decision: Decision, old: Record | None = None) -> Live:
        return Live("", record.inputs if decision.foretold is None else decision.foretold)

    def update(self, old: Record, new: Record, decision: Decision) -> Live:
        stable = {key: old.outputs[key] for key in decision.stables if key in old.outputs}
        return Live(old.id, {**stable, **new.inputs} if decision.foretold is None else decision.foretold)

    def delete(self, record: Record, interrupted: Work | None = None) -> None:
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
        self,
        providers: Providers,
        state: Callable[[], State],
        say: Say,
        *,
        stopping: Callable[[], bool],
        giving_up: Callable[[], bool],
    ) -> None:
        self._providers, self._state, self._say = providers, state, say
        self._stopping, self._giving_up = stopping, giving_up

    def create(self, record: Record, decision: Decision, old: Record | None = None) -> Live:
        if record.is_provider:
            return Live(record.id or str(uuid.uuid4()), settings_shown(record.inputs))
        told = about(record, self._state(), old=old, interrupted=decision.interrupted)
        return self._heard(record, lambda: self._of(record).create(told, all_plain(record.inputs)))

    def update(self, old: Record, new: Record, decision: Decision) -> Live:
        if new.is_provider:
            return Live(old.id, settings_shown(new.inputs))
        told = about(new, self._state(), old=old, interrupted=decision.interrupted)
        before, after = all_plain(old.outputs), all_plain(new.inputs)
        return self._heard(new, lambda: self._of(new).update(told, old.id, before, after))

    def delete(self, record: Record, interrupted: Work | None = None) -> None:
        if not record.is_provider:
            told = about(record, self._state(), interrupted=interrupted)
            before = all_plain(record.outputs or record.inputs)
            self._heard(record, lambda: self._of(record).delete(told, record.id, before))

    def read(self, record: Record) -> Live | None:
        told, before = about(record, self._state()), all_plain(record.outputs or record.inputs)
        return self._heard(record, lambda: self._of(record).read(told, record.id, before))

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

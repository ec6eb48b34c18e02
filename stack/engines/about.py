"""What a provider is told of the resource that an operation is on, besides its properties."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from stack.engines.records import Record
from stack.engines.state import State, Work
from stack.engines.values import Values, all_plain


@dataclass(frozen=True)
class About:
    """The resource that an operation is on, all in plain values.

    Args:
        settings: the inputs of its provider resource; `identity` is what that resource stands for (a cluster's uid),
            as it was learned when it was made, '' where it was not.
        before: the resource as the state knows it; None when it was never made.
        unready: it was not ready when it was last touched.
        interrupted: work on it that began in an earlier run and never ended.
        ignored: paths of inputs that the program leaves to others (`ignoreChanges`).
        timeouts_s: seconds for `create`, `update` and `delete`, where the program says.
        binding: the answer will be acted upon, so what cannot be found out is an error; else it may be guessed.
    """

    type: str
    urn: str = ""
    name: str = ""
    settings: Values = field(default_factory=dict)
    identity: str = ""
    before: Record | None = None
    interrupted: Work | None = None
    unready: bool = False
    ignored: tuple[str, ...] = ()
    timeouts_s: Mapping[str, float] = field(default_factory=dict)
    binding: bool = True

    @functools.cached_property
    def inputs(self) -> Values:
        """What the resource was last made from; empty when it never was."""
        return all_plain(self.before.inputs) if self.before else {}

    @functools.cached_property
    def outputs(self) -> Values:
        """What the resource was when it was last seen."""
        return all_plain(self.before.outputs) if self.before else {}


def about(
    record: Record,
    state: State,
    *,
    old: Record | None = None,
    interrupted: Work | None = None,
    binding: bool = True,
) -> About:
    """What there is to tell of a resource; `old` is what it was, where `record` is what it shall be."""
    before = old or (record if record.outputs else None)
    provider = provider_of(record, state)
    return About(
        type=record.type,
        urn=record.urn,
        name=record.name,
        settings=all_plain(provider.inputs) if provider else {},
        identity=provider.identity if provider else "",
        before=before,
        interrupted=interrupted,
        unready=bool(before and before.init_errors),
        ignored=record.ignore_changes,
        timeouts_s=record.custom_timeouts,
        binding=binding,
    )


def provider_of(record: Record, state: State) -> Record | None:
    """The provider resource of a record: the one with its very id, which may be one that a replacement left behind."""
    urn, _, id_ = record.provider.rpartition("::")
    known = (*((state.records[urn],) if urn in state.records else ()), *state.condemned)
    same = [found for found in known if found.urn == urn]
    return next((found for found in same if found.id == id_), same[0] if same else None)

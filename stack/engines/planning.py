"""From the steps of a dry run to a `Plan`: masks secrets, finds where values come from, says what forces what. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from components.cluster import gke_impact
from components.cluster.node_impact import CloudImpact
from stack.engines.decide import Reason
from stack.engines.providers import Providers
from stack.engines.records import Record
from stack.engines.steps import Step
from stack.engines.values import (
    PROVIDER_KEY,
    Difference,
    Secret,
    Value,
    Values,
    all_plain,
    has_secret,
    has_unknown,
    plain,
)
from stack.plan import Change, PropertyChange, Source


class OriginLike(Protocol):
    """What `schemas.overlay.Origin` offers."""

    @property
    def layer(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def overrides(self) -> OriginLike | None: ...


Origins = Callable[[str, str, str], OriginLike | None]


# A hash of a text that may be shown though the text is secret: `Vault.fingerprint`.
Fingerprint = Callable[[str], str]


def unsealed(text: str) -> str:
    """The fingerprint where none is wanted: nobody compares what is shown."""
    return ""


def nowhere(type_: str, name: str, path: str) -> None:
    """Origins of a program that has none."""


def changes_of(
    steps: Iterable[Step], providers: Providers, origins: Origins, fingerprint: Fingerprint
) -> tuple[Change, ...]:
    """The changes, parents before children, in the order of the program; what is deleted comes last."""
    return tuple(_change(step, providers, origins, fingerprint) for step in sorted(steps, key=lambda step: step.order))


def with_cloud(
    changes: tuple[Change, ...], before: Mapping[str, Values], asked: Mapping[str, Values]
) -> tuple[tuple[Change, ...], CloudImpact | None]:
    """The changes, those marked that the cloud's provider would or might refuse, and what they mean for nodes, pods and
    cost.

    `before` and `asked` are the inputs of all resources by URN. None where there is no cloud.
    """
    if not any(gke_impact.concerns(change.type) for change in changes):
        return changes, None
    touched = [
        gke_impact.Touched(c.urn, c.type, c.op, all_plain(before.get(c.urn, {})), all_plain(asked.get(c.urn, {})))
        for c in changes
        if not c.component
    ]
    stopped = {one.urn: gke_impact.stopped_by(one) for one in touched}
    full = {one.urn: (told,) for one in touched if (told := gke_impact.refused_while_full(one))}
    marked = (
        replace(c, blocked=c.blocked or stopped.get(c.urn, ""), reasons=(*c.reasons, *full.get(c.urn, ())))
        for c in changes
    )
    return tuple(marked), gke_impact.judged(touched)


def property_changes(
    differences: Iterable[Difference],
    reasons: Iterable[Reason],
    source: Callable[[str], OriginLike | None],
    fingerprint: Fingerprint = unsealed,
) -> tuple[PropertyChange, ...]:
    """Differences as people may see them."""
    forcing = tuple(reasons)
    return tuple(_property(found, forcing, source(found.path), fingerprint) for found in differences)


def digest_of(asked: Mapping[str, Values], fingerprint: Fingerprint) -> str:
    """SHA-256 over all that a program asks for, of secrets their fingerprints; the providers' pickles left out."""

    def shown(value: Value) -> Value:
        match value:
            case Secret():
                return fingerprint(_text(plain(value)))
            case dict() if has_secret(value):
                return {key: shown(item) for key, item in value.items()}
            case list() if has_secret(value):
                return [shown(item) for item in value]
        return plain(value)

    told = {urn: {k: shown(v) for k, v in values.items() if k != PROVIDER_KEY} for urn, values in asked.items()}
    return hashlib.sha256(_text(told).encode()).hexdigest()


def _text(value: Value) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def is_default_provider(record: Record) -> bool:
    """Whether a record is a provider that nobody wrote down: it comes and goes with what uses it."""
    return record.is_provider and record.name.startswith("default")


def _change(step: Step, providers: Providers, origins: Origins, fingerprint: Fingerprint) -> Change:
    record, decision = step.record, step.decision
    shown = decision.op in ("create", "update", "replace")

    def source(path: str) -> OriginLike | None:
        return origins(record.type, record.name, path)

    paths = {found.path for found in decision.differences}
    # A reason whose property is among the differences is told there; the others are told for the whole resource.
    other = [r for r in decision.reasons if not r.path or not any(_forces(r, path) for path in paths)]
    whole = tuple(f"{reason.path}: {reason.why}" if reason.path else reason.why for reason in other)
    return Change(
        op=decision.op,
        urn=record.urn,
        type=record.type,
        name=record.name,
        parent=record.parent,
        component=not record.custom or record.is_provider,
        properties=property_changes(decision.differences, decision.reasons, source, fingerprint) if shown else (),
        reasons=(*whole, *decision.notes),
        delete_first=decision.op == "replace" and decision.delete_first,
        retained=decision.op == "delete" and record.retain_on_delete,
        blocked=step.blocked,
        plans_only=record.custom and not record.is_provider and providers.plans_only(record.type),
        dependencies=record.dependencies,
    )


def _property(
    found: Difference, reasons: tuple[Reason, ...], origin: OriginLike | None, fingerprint: Fingerprint
) -> PropertyChange:
    why = next((reason.why for reason in reasons if reason.path and _forces(reason, found.path)), "")
    unknown = has_unknown(found.new)
    return PropertyChange(
        path=found.path,
        kind=found.kind,
        old=None if found.secret else found.old,
        new=None if found.secret or unknown else found.new,
        secret=found.secret,
        unknown=unknown and not found.secret,
        seal=fingerprint(_text([found.old, found.new])) if found.secret else "",
        forces_replacement=bool(why),
        why=why,
        source=_source(origin),
    )


def _forces(reason: Reason, path: str) -> bool:
    if reason.path == path:
        return True
    return path.startswith(reason.path) and path[len(reason.path)] in ".["


def _source(origin: OriginLike | None) -> Source | None:
    if origin is None:
        return None
    overridden: list[str] = []
    below = origin.overrides
    while below is not None:
        overridden.append(below.text)
        below = below.overrides
    return Source(origin.text, origin.layer, tuple(overridden))

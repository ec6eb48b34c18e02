"""Pulumi's events of a refresh as our `Drift`. Pure.

Each resource is told twice: that it is looked at, and what was found: the same, another (with the paths that differ),
or nothing any more (no new state).
"""

from __future__ import annotations

from collections.abc import Iterable

from pulumi.automation.events import EngineEvent, OpType, StepEventMetadata

from stack.engines import planning, urns
from stack.engines.events import Failed, Subject
from stack.engines.pulumi.steps import differences_of, values_of
from stack.engines.refreshing import Drift, Drifted
from stack.engines.values import difference


def drift_of(events: Iterable[EngineEvent], failed: tuple[Failed, ...], seconds: float) -> Drift:
    """What a refresh found."""
    found = [event.res_outputs_event.metadata for event in events if event.res_outputs_event is not None]
    looked_at = [step for step in found if _looked_at(step)]
    gone = [step for step in looked_at if step.new is None or step.op == OpType.DELETE]
    changed = [drifted for step in looked_at if step not in gone and (drifted := _drifted(step)) is not None]
    return Drift(
        gone=tuple(_subject(step) for step in gone),
        changed=tuple(changed),
        failed=failed,
        checked=len(looked_at) + len(failed),
        seconds=seconds,
    )


def _looked_at(step: StepEventMetadata) -> bool:
    resource = step.old or step.new
    return bool(resource and resource.custom) and not step.type.startswith(urns.PROVIDER_PREFIX)


def _drifted(step: StepEventMetadata) -> Drifted | None:
    """What is other than it was left.

    Pulumi calls a resource the same when its inputs are; of our own resources the outputs say how they are (`missing`).
    """
    if urns.package_of(step.type) == urns.DYNAMIC_PACKAGE:
        found = difference(values_of(step.old, "outputs"), values_of(step.new, "outputs"))
    elif step.op == OpType.SAME:
        return None
    else:
        found = differences_of(step)
    if not found and step.op in (OpType.SAME, OpType.REFRESH):
        return None
    return Drifted(_subject(step), planning.property_changes(found, (), lambda path: None))


def _subject(step: StepEventMetadata) -> Subject:
    return Subject(step.urn, step.type, urns.name_of(step.urn))

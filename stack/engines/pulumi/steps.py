"""Pulumi's events of a preview as our `Plan`. Pure.

An event tells a step: what is done with a resource, its state before, what is asked for, and which paths differ. A
replacement comes as three steps, of which one is logical (what the program means) and two are the work. Secrets come
blinded, so that a plan from here cannot hold one; for the same reason `inputs_digest` does not cover their values.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pulumi.automation.events import (
    DiffKind,
    EngineEvent,
    OpType,
    PropertyDiff,
    StepEventMetadata,
    StepEventStateMetadata,
)

from stack.engines import paths, planning, urns
from stack.engines.decide import Reason
from stack.engines.planning import Origins
from stack.engines.values import (
    INTERNAL_KEY,
    PROVIDER_KEY,
    SECRET_SIGNATURE,
    SIGNATURE,
    UNKNOWN,
    Difference,
    Kind,
    Secret,
    Value,
    Values,
    difference,
    has_secret,
    hidden,
    plain,
    shown,
)
from stack.plan import Change, Op, Plan

OPS: Final[Mapping[OpType, Op]] = {
    OpType.SAME: "same",
    OpType.CREATE: "create",
    OpType.UPDATE: "update",
    OpType.DELETE: "delete",
    OpType.REPLACE: "replace",
    OpType.CREATE_REPLACEMENT: "replace",
    OpType.DELETE_REPLACED: "delete",
    OpType.READ: "read",
    OpType.READ_REPLACEMENT: "replace",
    OpType.IMPORT: "read",
    OpType.IMPORT_REPLACEMENT: "replace",
    OpType.DISCARD: "delete",
    OpType.DISCARD_REPLACED: "delete",
}
_KINDS: Final[Mapping[DiffKind, Kind]] = {
    DiffKind.ADD: "add",
    DiffKind.ADD_REPLACE: "add",
    DiffKind.DELETE: "delete",
    DiffKind.DELETE_REPLACE: "delete",
    DiffKind.UPDATE: "update",
    DiffKind.UPDATE_REPLACE: "update",
}
_REPLACING: Final = frozenset({DiffKind.ADD_REPLACE, DiffKind.DELETE_REPLACE, DiffKind.UPDATE_REPLACE})
_FORCES: Final = "it cannot be changed in place"


@dataclass
class _Told:
    """What a preview's events tell, sorted."""

    steps: dict[str, StepEventMetadata] = field(default_factory=dict)
    deletes: dict[str, StepEventMetadata] = field(default_factory=dict)
    delete_first: set[str] = field(default_factory=set)
    worked: set[str] = field(default_factory=set)
    outputs_before: Values = field(default_factory=dict)
    outputs_after: Values = field(default_factory=dict)


def plan_of(
    events: Iterable[EngineEvent],
    *,
    project: str,
    stack: str,
    origins: Origins = planning.nowhere,
    notes: tuple[str, ...] = (),
    destroy: bool = False,
) -> Plan:
    """The plan that a preview's events tell.

    Pulumi states no serial; `lineage` is a digest of the state that the steps begin from, so that a plan made from
    another state is another plan.
    """
    told = _sorted(events)
    changes = [_change(step, origins, told) for steps in (told.steps, told.deletes) for step in _ordered(steps)]
    outputs = difference(told.outputs_before, {} if destroy else told.outputs_after)
    every = {**told.deletes, **told.steps}
    before = {urn: values_of(step.old, "inputs") for urn, step in every.items()}
    asked = {urn: values_of(step.new, "inputs") for urn, step in told.steps.items()}
    told_changes, cloud = planning.with_cloud(tuple(changes), before, asked)
    return Plan(
        project=project,
        stack=stack,
        lineage=_lineage(told),
        serial=0,
        changes=told_changes,
        outputs=planning.property_changes(outputs, (), lambda path: None),
        notes=notes,
        destroy=destroy,
        bookkeeping=bool(outputs) or any(change.changing for change in changes),
        inputs_digest=_inputs_digest(tuple(told.steps.values())),
        cloud=cloud,
    )


def values_of(state: StepEventStateMetadata | None, which: str) -> Values:
    """The `inputs` or `outputs` of a state, secrets as `Secret`."""
    return {} if state is None else {key: opened(value) for key, value in (getattr(state, which) or {}).items()}


def opened(value: Any) -> Value:
    """A value of an event: a blinded secret becomes a `Secret` that says nothing."""
    match value:
        case dict() if value.get(SIGNATURE) == SECRET_SIGNATURE:
            return Secret("[secret]")
        case dict():
            return {key: opened(item) for key, item in value.items()}
        case list():
            return [opened(item) for item in value]
    return value


def differences_of(step: StepEventMetadata) -> tuple[Difference, ...]:
    """Where a step changes the resource: by the provider's own account where it gives one, else by the inputs."""
    before, after = values_of(step.old, "inputs"), values_of(step.new, "inputs")
    if step.old is None or step.new is None or not step.detailed_diff:
        return difference(before, after)
    state = values_of(step.old, "outputs")
    found = (
        _difference(path, told, before if told.input_diff else {**before, **state}, after)
        for path, told in sorted(step.detailed_diff.items())
        if path.partition(".")[0] not in (PROVIDER_KEY, INTERNAL_KEY) and not _is_left_to_cloud(path, told, step)
    )
    return hidden(found, before, state, after)


def _sorted(events: Iterable[EngineEvent]) -> _Told:
    told = _Told()
    for event in events:
        if event.resource_pre_event is not None:
            _take(event.resource_pre_event.metadata, told)
        elif event.res_outputs_event is not None:
            step = event.res_outputs_event.metadata
            if step.type == urns.STACK_TYPE:
                told.outputs_before |= values_of(step.old, "outputs")
                told.outputs_after = values_of(step.new, "outputs")
    return told


def _take(step: StepEventMetadata, told: _Told) -> None:
    if step.op not in OPS or _is_default_provider(step):
        return  # a refresh before the plan; clean-up of what is gone already; what nobody wrote down
    if not step.logical:
        # The work of a replacement: whichever comes first says what is done first.
        if step.op == OpType.DELETE_REPLACED and step.urn not in told.worked:
            told.delete_first.add(step.urn)
        told.worked.add(step.urn)
    elif OPS[step.op] == "delete":
        told.deletes[step.urn] = step
    else:
        told.steps[step.urn] = step


def _is_default_provider(step: StepEventMetadata) -> bool:
    return step.type.startswith(urns.PROVIDER_PREFIX) and urns.name_of(step.urn).startswith("default")


def _ordered(steps: Mapping[str, StepEventMetadata]) -> Iterator[StepEventMetadata]:
    """Parents before their children, each family by name: Pulumi works on many at a time, in another order each."""
    families: dict[str, list[str]] = {}
    for urn, step in steps.items():
        state = step.new or step.old
        families.setdefault(state.parent if state and state.parent in steps else "", []).append(urn)

    def below(parent: str) -> Iterator[StepEventMetadata]:
        for urn in sorted(families.get(parent, ()), key=lambda urn: (urns.name_of(urn), urn)):
            yield steps[urn]
            yield from below(urn)

    return below("")


def _change(step: StepEventMetadata, origins: Origins, told: _Told) -> Change:
    state = step.new or step.old
    op = OPS[step.op]
    name = urns.name_of(step.urn)
    differences = differences_of(step) if op in ("create", "update", "replace") else ()
    reasons = tuple(_reasons(step)) if op == "replace" else ()
    paths_told = {found.path for found in differences}
    whole = tuple(reason for reason in reasons if not any(_covers(reason.path, path) for path in paths_told))
    return Change(
        op=op,
        urn=step.urn,
        type=step.type,
        name=name,
        parent=state.parent if state else "",
        component=not (state and state.custom) or step.type.startswith(urns.PROVIDER_PREFIX),
        properties=planning.property_changes(differences, reasons, lambda path: origins(step.type, name, path)),
        reasons=(*(f"{reason.path}: {reason.why}" for reason in whole), *_notes(step, op, differences)),
        delete_first=op == "replace" and step.urn in told.delete_first,
        retained=op == "delete" and bool(step.old and step.old.retain_on_delete),
    )


def _notes(step: StepEventMetadata, op: Op, differences: tuple[Difference, ...]) -> Iterator[str]:
    if step.op == OpType.IMPORT:
        yield "it is there already and is taken over"
    if step.old is not None and step.old.init_errors:
        yield "it was not ready when it was last touched"
    elif op == "update" and not differences:
        secret = any(map(has_secret, values_of(step.new, "inputs").values()))
        yield f"{'a secret changes, or ' if secret else ''}the provider finds it other than it was left"


def _reasons(step: StepEventMetadata) -> Iterator[Reason]:
    told = {
        path
        for path, found in (step.detailed_diff or {}).items()
        if found.diff_kind in _REPLACING and not _is_left_to_cloud(path, found, step)
    }
    for path in sorted(told or set(step.keys or ())):
        yield Reason(path, _FORCES)


def _covers(above: str, path: str) -> bool:
    return path == above or (path.startswith(above) and path[len(above)] in ".[")


def _difference(path: str, told: PropertyDiff, old_tree: Values, new_tree: Values) -> Difference:
    kind = _KINDS[told.diff_kind]
    old = None if kind == "add" else _at(old_tree, path)
    new = None if kind == "delete" else _at(new_tree, path)
    if new is None and kind != "delete" and not told.input_diff:
        new = UNKNOWN  # nobody asks for it: the provider will tell
    secret = isinstance(old, Secret) or isinstance(new, Secret)
    return Difference(path, kind, shown(old), shown(new), secret)


def _is_left_to_cloud(path: str, told: PropertyDiff, step: StepEventMetadata) -> bool:
    """Whether nobody asks for what stands at a path, and nothing stood there: providers name all that they leave to the
    cloud whenever anything changes, and say even of it that it replaces.
    """
    if told.input_diff or told.diff_kind in (DiffKind.DELETE, DiffKind.DELETE_REPLACE):
        return False
    trees = (values_of(step.old, "inputs"), values_of(step.old, "outputs"), values_of(step.new, "inputs"))
    return all(_at(tree, path) is None for tree in trees)


def _at(tree: Value, path: str) -> Value:
    """What stands at a path; None where nothing does, and the secret itself where the path leads into one."""
    try:
        steps = paths.parse(path)
    except ValueError:
        return None
    for step in steps:
        match tree, step:
            case Secret(), _:
                return tree
            case dict(), str():
                tree = tree.get(step)
            case list(), int() if step < len(tree):
                tree = tree[step]
            case _:
                return None
    return tree


def _inputs_digest(steps: tuple[StepEventMetadata, ...]) -> str:
    """A digest of all that is asked for, pickles left out.

    A provider names what has no name of its own, by chance and anew in every preview: such a name counts as the
    resource's.
    """
    asked = {step.urn: plain(values_of(step.new, "inputs")) for step in steps if step.new is not None}
    for values in asked.values():
        values.pop(PROVIDER_KEY, None)
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    for name in sorted({urns.name_of(step.urn) for step in steps if step.old is None}):
        text = re.sub(rf"\b{re.escape(name)}-[0-9a-f]{{7,8}}\b", name, text)
    return hashlib.sha256(text.encode()).hexdigest()


def _lineage(told: _Told) -> str:
    """A digest of the state that the steps begin from; empty where there is none."""
    before = {
        urn: [step.old.id, plain(values_of(step.old, "inputs")), plain(values_of(step.old, "outputs"))]
        for urn, step in {**told.steps, **told.deletes}.items()
        if step.old is not None
    }
    if not before:
        return ""
    return hashlib.sha256(json.dumps(before, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:32]

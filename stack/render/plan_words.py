"""The words of a plan, shared by its renderings: signs, short types, values, sentences. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stack.plan import Change, GroupImpact, Impact, Op, Plan, PropertyChange

SIGNS: Final[Mapping[Op, str]] = {
    "create": "+",
    "update": "~",
    "replace": "+-",
    "delete": "-",
    "read": ">",
    "same": "",
}
_STACK_TYPE: Final = "pulumi:pulumi:Stack"
_LONGEST_VALUE: Final = 60
_DIGEST: Final = re.compile("[0-9a-f]{64}")  # SHA-256: its beginning tells it from others
_ALIKE: Final = 6  # so many siblings that change in the same way are shown one by one, no more


@dataclass(frozen=True)
class Line:
    """A resource in the tree: how deep it stands, and how many more siblings change just as it does."""

    depth: int
    change: Change
    more: int = 0


def tree(plan: Plan) -> tuple[Line, ...]:
    """What changes, each below its parent; parents that stay as they are are shown for their children's sake."""
    by_urn = {change.urn: change for change in plan.changes}
    shown: dict[str, None] = {}
    for change in plan.changes:
        if not (change.changing or change.op == "read") or change.type == _STACK_TYPE:
            continue
        at: Change | None = change
        while at is not None and at.urn not in shown and at.type != _STACK_TYPE:
            shown[at.urn] = None
            at = by_urn.get(at.parent)
    children: dict[str, list[Change]] = {}
    for change in plan.changes:
        if change.urn in shown:
            above = change.parent if change.parent in shown else ""
            children.setdefault(above, []).append(change)
    return tuple(_below("", 0, children))


def _below(parent: str, depth: int, children: Mapping[str, list[Change]]) -> Iterable[Line]:
    alike: dict[Any, int] = {}
    members = children.get(parent, [])
    for change in members:
        alike[_way(change, children)] = alike.get(_way(change, children), 0) + 1
    told: dict[Any, int] = {}
    for change in members:
        way = _way(change, children)
        told[way] = told.get(way, 0) + 1
        hidden = alike[way] - _ALIKE
        if hidden > 1 and told[way] > _ALIKE:
            continue
        yield Line(depth, change, hidden if hidden > 1 and told[way] == _ALIKE else 0)
        yield from _below(change.urn, depth + 1, children)


def _way(change: Change, children: Mapping[str, list[Change]]) -> Any:
    """What two changes have in common that are told as one."""
    if change.urn in children:
        return change.urn
    properties = tuple((p.path, str(p.old), str(p.new)) for p in change.properties) if change.op != "create" else ()
    return change.op, change.type, change.reasons, change.blocked, properties


def short_type(type_: str) -> str:
    """A type as people say it: `Instance`, `gcp NodePool`, `apps/v1 Deployment`."""
    package, _, rest = type_.partition(":")
    module, _, name = rest.rpartition(":")
    match package:
        case "kubernetes":
            return f"{module} {name}"
        case "inferstack":
            return name
        case "pulumi" if module.startswith("providers"):
            return f"{name} provider"
        case "pulumi-python":
            return name
    return f"{package} {name or rest}"


def value_text(value: Any, *, longest: int = _LONGEST_VALUE) -> str:
    """A value on one line; long ones lose their middle."""
    match value:
        case None:
            text = "(none)"
        case bool():
            text = "true" if value else "false"
        case str() if _DIGEST.fullmatch(value):
            text = f"{value[:12]}..."
        case str() if value and not any(sign.isspace() for sign in value):
            text = value
        case _:
            text = json.dumps(value, ensure_ascii=False)
    half = (longest - 3) // 2
    return text if len(text) <= longest else f"{text[:half]}...{text[-half:]}"


def change_text(found: PropertyChange) -> str:
    """`threads: 2 -> 4`, secrets and what is not known yet in words."""
    if found.secret:
        words = {"add": "(none) -> (secret)", "delete": "(secret) -> (none)", "update": "(secret) -> (another secret)"}
        return f"{found.path}: {words[found.kind]}"
    new = "(known after up)" if found.unknown else value_text(found.new)
    return f"{found.path}: {value_text(found.old)} -> {new}"


def source_text(found: PropertyChange) -> str:
    """`environments/local.yaml:14:7, overriding base.yaml:9:5`, or nothing."""
    if found.source is None:
        return ""
    over = f", overriding {', '.join(found.source.overrides)}" if found.source.overrides else ""
    return f"{found.source.text}{over}"


def remarks(change: Change) -> tuple[str, ...]:
    """What there is to say of a change besides its properties."""
    said = []
    if change.op == "replace":
        said.append("deleted, then made again" if change.delete_first else "made again, then the old one is deleted")
    if change.retained:
        said.append("forgotten, and left in place")
    said += change.reasons
    if change.blocked:
        said.append(f"refused: {change.blocked}")
    return tuple(said)


def headline(plan: Plan) -> str:
    """One sentence that says how much is done."""
    counts = plan.counts
    words = {"create": "to create", "update": "to update", "replace": "to replace", "delete": "to delete"}
    parts = [f"{counts[op]} {word}" for op, word in words.items() if counts[op]]  # type: ignore[index]
    stay = counts["same"] + counts["read"]
    if not parts:
        if plan.destroy:
            return f"Nothing to destroy: the stack {plan.stack} has no resources."
        stays = f"{stay} resource is" if stay == 1 else f"{stay} resources are"
        more = "" if not plan.bookkeeping else " Only the state's own records are brought up to date."
        return f"No changes: {stays} as the spec says.{more}"
    what = "Destroying" if plan.destroy else "Plan for"
    return f"{what} {plan.stack}: {', '.join(parts)}" + (f", {stay} unchanged." if stay else ".")


def planned_only_text(plan: Plan) -> str:
    """Which packages are planned and not applied, or nothing."""
    if not plan.plans_only:
        return ""
    packages = sorted({change.type.partition(":")[0] for change in plan.plans_only})
    count = len(plan.plans_only)
    what = "1 resource" if count == 1 else f"{count} resources"
    return f"Planned only: nothing here applies the {what} of {', '.join(packages)}."


def notes_of(plan: Plan) -> tuple[str, ...]:
    """The notes of a plan: those of its program, and what else is to be said of a cloud."""
    if plan.cloud is None:
        return plan.notes
    cost = (f"cost: {plan.cloud.cost.text}",) if plan.cloud.cost else ()
    return (*plan.notes, *plan.cloud.kept, *plan.cloud.unsent, *cost)


def impact_lines(impact: Impact) -> tuple[tuple[str, str], ...]:
    """Pairs of a name and what happens to it."""
    lines = [(name, "the model is prepared") for name in impact.models]
    lines += [(group.group, _group_text(group)) for group in impact.groups if group.touched]
    lines += [(pool.pool, pool.text) for pool in impact.pools]
    lines += [(pods.group, pods.text) for pods in impact.pods]
    lines += [(name, "the benchmark runs") for name in impact.benchmarks]
    lines += [(name, "the benchmark is dropped; its results stay") for name in impact.removed_benchmarks]
    return tuple(lines)


def _group_text(group: GroupImpact) -> str:
    parts = []
    for verb, names in (("starts", group.starts), ("restarts", group.restarts), ("stops", group.stops)):
        if names:
            parts.append(f"{verb} {_listed(names)}")
    if group.interrupted:
        gone = "for good" if group.stops and not (group.starts or group.restarts) else "meanwhile"
        parts.append(f"INTERRUPTED: no instance answers {gone}")
    elif group.restarts or group.stops:
        total = len(group.stays) + len(group.restarts) + len(group.stops)
        parts.append(f"{len(group.stays)} of {total} answer throughout")
    return "; ".join(parts)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{len(names)} instances"

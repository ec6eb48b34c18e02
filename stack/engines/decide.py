"""What has to be done with one resource: a pure function of what it was and what it shall be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from stack.engines import paths
from stack.engines.goals import Goal
from stack.engines.providers import ProviderDiff
from stack.engines.records import Record
from stack.engines.state import Work
from stack.engines.values import Difference, Values, difference, hidden
from stack.plan import Op

_INTERRUPTED: Final = {
    "creating": "the last run did not finish making this",
    "updating": "the last run did not finish changing this",
    "deleting": "the last run did not finish deleting this",
    "reading": "the last run did not finish reading this",
}


@dataclass(frozen=True)
class Reason:
    """Why a resource is replaced: the place in its inputs ('' = none in particular) and words."""

    path: str
    why: str


@dataclass(frozen=True)
class Decision:
    """What to do with a resource, and why; `interrupted` is what an earlier run had begun to do with it."""

    op: Op
    differences: tuple[Difference, ...] = ()
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()
    delete_first: bool = False
    stables: tuple[str, ...] = ()
    foretold: Values | None = None
    interrupted: Work | None = None


def decide(
    old: Record | None,
    goal: Goal,
    inputs: Values,
    answer: ProviderDiff,
    *,
    interrupted: Work | None = None,
    forced: str = "",
    elsewhere: str = "",
) -> Decision:
    """Create, update, replace or leave alone.

    `inputs` are the checked ones; `answer` is what the provider says of the change (the empty answer where it was not
    asked); `interrupted` is the work that a killed run began on it; `forced` is why it must be replaced whatever the
    provider says, `elsewhere` why it must be made in another place before it is deleted in this one.
    """
    decision = _decided(old, goal, inputs, answer, interrupted, forced, elsewhere)
    return replace(decision, interrupted=interrupted, foretold=answer.foretold)


def _decided(
    old: Record | None,
    goal: Goal,
    inputs: Values,
    answer: ProviderDiff,
    interrupted: Work | None,
    forced: str,
    elsewhere: str,
) -> Decision:
    told = difference(old.inputs if old else {}, inputs)
    notes = (*((_INTERRUPTED[interrupted],) if interrupted else ()), *answer.notes)
    if old is None or interrupted == "deleting":
        return Decision("create", told, notes=notes)
    if answer.gone:
        return Decision("create", difference({}, inputs), notes=(*notes, "it is no longer there"))
    if elsewhere:
        return Decision("replace", told, (Reason("", elsewhere),), notes)
    differences = told if answer.differences is None else hidden(answer.differences, old.inputs, old.outputs, inputs)
    if old.pending_replacement:
        again = Reason("", forced or "it was deleted to be made again")
        return Decision("replace", differences, (again,), notes, delete_first=True)
    reasons = _reasons(old, goal, differences, answer, forced)
    if reasons:
        chosen = goal.delete_before_replace
        first = bool(answer.delete_before_replace) if chosen is None else chosen
        return Decision("replace", differences, reasons, notes, first or bool(forced), answer.stables)
    changes = bool(differences) if answer.changes is None else answer.changes
    if changes and not differences:
        notes = (*notes, "what is there differs from what was made")
    if old.init_errors:
        notes = (*notes, "it was not ready when it was last touched")
    if changes or notes:
        return Decision("update", differences, notes=notes, stables=answer.stables)
    return Decision("same", stables=answer.stables)


def _reasons(
    old: Record, goal: Goal, differences: tuple[Difference, ...], answer: ProviderDiff, forced: str
) -> tuple[Reason, ...]:
    reasons = [Reason(path, "it cannot be changed in place") for path in answer.replaces]
    for pattern in goal.replace_on_changes:
        steps = ("*",) if pattern == "*" else paths.parse(pattern)
        hit = [found.path for found in differences if paths.covers(steps, paths.parse(found.path))]
        reasons += [Reason(path, "the program replaces the resource when it changes") for path in hit]
    trigger = old.replacement_trigger
    if trigger is not None and goal.replacement_trigger is not None and trigger != goal.replacement_trigger:
        reasons.append(Reason("", "the program's replacement trigger has another value"))
    if forced:
        reasons.append(Reason("", forced))
    return tuple(dict.fromkeys(reasons))

"""A plan as text for a terminal: what changes as a tree, from where, why, and what it means for those who use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from stack.plan import Change, Plan, PropertyChange
from stack.render.plan_words import (
    SIGNS,
    change_text,
    headline,
    impact_lines,
    remarks,
    short_type,
    source_text,
    tree,
)

_COLOURS: Final = {"+": "32", "~": "33", "+-": "35", "-": "31", ">": "36", "dim": "2", "bold": "1", "alarm": "1;31"}
_COLUMN: Final = 46  # where types and sources begin

Paint = Callable[[str, str], str]


def render_plan(plan: Plan, *, colour: bool = False, details: bool = False) -> str:
    """The plan as lines that end in a newline. `details` shows every property of what is created, too."""
    paint = _painted if colour else _bare
    lines = [paint("bold", headline(plan))]
    body = list(_tree_lines(plan, paint, details))
    if body:
        lines += ["", *body]
    if plan.outputs and not plan.destroy and not plan.empty:
        lines += ["", "Outputs", *(f"      {_aligned(change_text(found), '', paint)}" for found in plan.outputs)]
    if impact := impact_lines(plan.impact):
        width = max(len(name) for name, _ in impact)
        lines += ["", "Impact", *(f"    {name:<{width}}  {_alarmed(text, paint)}" for name, text in impact)]
    if plan.notes:
        lines += ["", *(f"    {note}" for note in plan.notes)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _tree_lines(plan: Plan, paint: Paint, details: bool) -> Iterator[str]:
    for line in tree(plan):
        indent = "  " * line.depth
        yield _resource(line.change, indent, paint)
        if line.change.op != "create" or details:
            yield from (_property(found, indent, paint) for found in line.change.properties)
        for remark in remarks(line.change):
            yield f"      {indent}  {_alarmed(remark, paint)}"
        if line.more:
            yield f"      {indent}{paint('dim', f'... and {line.more} more in the same way')}"


def _resource(change: Change, indent: str, paint: Paint) -> str:
    sign = SIGNS[change.op]
    left = f"{indent}{change.name}"
    return f"  {paint(sign, f'{sign:>2}')}  {_aligned(left, short_type(change.type), paint)}"


def _property(found: PropertyChange, indent: str, paint: Paint) -> str:
    line = _aligned(f"{indent}  {change_text(found)}", source_text(found), paint)
    forces = f"  forces replacement: {found.why}" if found.forces_replacement else ""
    return f"      {line}{paint('+-', forces) if forces else ''}"


def _aligned(left: str, right: str, paint: Paint) -> str:
    return f"{left:<{_COLUMN}}  {paint('dim', right)}" if right else left


def _alarmed(text: str, paint: Paint) -> str:
    return paint("alarm", text) if text.startswith("refused") or "INTERRUPTED" in text else text


def _painted(role: str, text: str) -> str:
    return f"\x1b[{_COLOURS[role]}m{text}\x1b[0m" if text and role in _COLOURS else text


def _bare(role: str, text: str) -> str:
    return text

"""A plan as text for a terminal: what changes as a tree, from where, why, and what it means for those who use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from stack.plan import Plan, PropertyChange
from stack.render.plan_words import (
    SIGNS,
    change_text,
    headline,
    impact_lines,
    notes_of,
    planned_only_text,
    remarks,
    short_type,
    source_text,
    tree,
)

_COLOURS: Final = {"+": "32", "~": "33", "+-": "35", "-": "31", ">": "36", "dim": "2", "bold": "1", "alarm": "1;31"}
_NARROWEST, _WIDEST = 24, 46  # of the column before types and sources

Paint = Callable[[str, str], str]


def render_plan(plan: Plan, *, colour: bool = False, details: bool = False) -> str:
    """The plan as lines that end in a newline. `details` shows every property of what is created, too."""
    paint = _painted if colour else _bare
    lines = [paint("bold", headline(plan))]
    body = list(_tree_lines(plan, paint, details))
    if body:
        lines += ["", *body]
    if planned_only := planned_only_text(plan):
        lines += ["", planned_only]
    known = [found for found in plan.outputs if not (found.unknown or plan.destroy)]
    if known:
        lines += ["", "Outputs", *(f"    {change_text(found)}" for found in known)]
    if impact := impact_lines(plan.impact):
        width = max(len(name) for name, _ in impact)
        lines += ["", "Impact", *(f"    {name:<{width}}  {_alarmed(text, paint)}" for name, text in impact)]
    if notes := notes_of(plan):
        lines += ["", "Notes", *(f"    {note}" for note in notes)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _tree_lines(plan: Plan, paint: Paint, details: bool) -> Iterator[str]:
    lines = tree(plan)
    longest = max((2 * line.depth + len(line.change.name) for line in lines), default=0)
    column = min(max(longest, _NARROWEST), _WIDEST)
    for line in lines:
        indent = "  " * line.depth
        sign = SIGNS[line.change.op]
        name = _aligned(f"{indent}{line.change.name}", short_type(line.change.type), column, paint)
        yield f"  {paint(sign, f'{sign:>2}')}  {name}"
        if line.change.op != "create" or details:
            for found in line.change.properties:
                yield f"      {_aligned(f'{indent}  {change_text(found)}', _cause(found), column, paint)}"
        for remark in remarks(line.change):
            yield f"      {indent}  {_alarmed(remark, paint)}"
        if line.more:
            yield f"      {indent}{paint('dim', f'... and {line.more} more in the same way')}"


def _cause(found: PropertyChange) -> str:
    """Where the value comes from, and that it forces a replacement."""
    forces = f"forces replacement: {found.why}" if found.forces_replacement else ""
    return "; ".join(part for part in (source_text(found), forces) if part)


def _aligned(left: str, right: str, column: int, paint: Paint) -> str:
    return f"{left:<{column}}  {paint('dim', right)}" if right else left


def _alarmed(text: str, paint: Paint) -> str:
    return paint("alarm", text) if text.startswith("refused") or "INTERRUPTED" in text else text


def _painted(role: str, text: str) -> str:
    return f"\x1b[{_COLOURS[role]}m{text}\x1b[0m" if text and role in _COLOURS else text


def _bare(role: str, text: str) -> str:
    return text

"""A plan as Markdown for a pull request comment, within the 65,536 characters that GitHub takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stack.plan import Plan
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

LIMIT: Final = 65_536  # of a comment's body on GitHub
_ROOM: Final = 400  # kept free for the note that says what was left out, and the closing of the block


def plan_markdown(plan: Plan, *, limit: int = LIMIT) -> str:
    """The plan as Markdown of at most `limit` characters; what does not fit is counted in a note."""
    parts = [f"### {_escaped(headline(plan))}", ""]
    if impact := impact_lines(plan.impact):
        parts += ["| | impact |", "|---|---|"]
        parts += [f"| `{name}` | {_escaped(text)} |" for name, text in impact[:50]]
        parts += [f"| | and {len(impact) - 50} more |"] if len(impact) > 50 else []
        parts += [""]
    if planned_only := planned_only_text(plan):
        parts += [planned_only, ""]
    if notes := notes_of(plan):
        parts += [*(f"- {_escaped(note)}" for note in notes[:50]), "", ""]
    head = "\n".join(parts)
    blocks = list(_blocks(plan))
    if not blocks:
        return _cut(head, limit)
    opening = "<details open><summary>Changes</summary>\n\n```diff\n"
    closing = "```\n</details>\n"
    room = limit - len(head) - len(opening) - len(closing) - _ROOM
    kept: list[str] = []
    for block in blocks:
        if len(block) > room:
            break
        room -= len(block)
        kept.append(block)
    left = len(blocks) - len(kept)
    note = f"\nThe last {left} of {len(blocks)} resources are left out: the text would be too long.\n" if left else ""
    return _cut(f"{head}{opening}{''.join(kept)}{closing}{note}", limit)


def _blocks(plan: Plan) -> Iterator[str]:
    """One resource each, in the form that a `diff` block colours: + green, - red, ! orange."""
    for line in tree(plan):
        change, indent = line.change, "  " * line.depth
        sign = {"update": "!", "replace": "!"}.get(change.op, SIGNS[change.op] or " ")
        marked = {"replace": " (replaced)", "update": ""}.get(change.op, "")
        lines = [f"{sign} {indent}{change.name}  [{short_type(change.type)}]{marked}"]
        if change.op != "create":
            for found in change.properties:
                forces = f"  (forces replacement: {found.why})" if found.forces_replacement else ""
                source = f"  # {text}" if (text := source_text(found)) else ""
                lines.append(f"  {indent}    {change_text(found)}{forces}{source}")
        lines += [f"  {indent}    {remark}" for remark in remarks(change)]
        if line.more:
            lines.append(f"  {indent}... and {line.more} more in the same way")
        yield "".join(f"{text.replace('```', chr(0x2BC) * 3)}\n" for text in lines)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 2] + "…\n"

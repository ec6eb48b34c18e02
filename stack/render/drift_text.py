"""What `inferstack refresh` found: what is gone, what is other than it was left, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stack.engines.refreshing import Drift
from stack.render.plan_words import change_text, short_type

YELLOW, RED, RESET = "\x1b[33m", "\x1b[31m", "\x1b[0m"


def render_drift(drift: Drift, *, dry_run: bool, colour: bool = False) -> str:
    """The drift as text. Ends with a newline."""
    return "\n".join(_lines(drift, dry_run=dry_run, colour=colour)) + "\n"


def drift_json(drift: Drift) -> dict[str, Any]:
    """The drift as plain JSON values."""
    return {
        "drift": drift.found,
        "checked": drift.checked,
        "gone": [{"urn": s.urn, "type": s.type, "name": s.name} for s in drift.gone],
        "changed": [
            {
                "urn": each.subject.urn,
                "name": each.subject.name,
                "properties": [{"path": p.path, "old": p.old, "new": p.new} for p in each.properties],
            }
            for each in drift.changed
        ],
        "failed": [{"urn": f.subject.urn, "message": f.message} for f in drift.failed],
    }


def _lines(drift: Drift, *, dry_run: bool, colour: bool) -> Iterator[str]:
    yellow, red, reset = (YELLOW, RED, RESET) if colour else ("", "", "")
    for subject in drift.gone:
        yield f"  {red}-{reset}  {subject.name}  {short_type(subject.type)}  is gone"
    for each in drift.changed:
        yield f"  {yellow}~{reset}  {each.subject.name}  {short_type(each.subject.type)}"
        yield from (f"       {change_text(found)}" for found in each.properties)
    for failed in drift.failed:
        name, kind = failed.subject.name, short_type(failed.subject.type)
        yield f"  {red}?{reset}  {name}  {kind}  cannot be read: {failed.message}"
    if drift.gone or drift.changed or drift.failed:
        yield ""
    yield _summary(drift, dry_run=dry_run)


def _summary(drift: Drift, *, dry_run: bool) -> str:
    unread = f" {_count(len(drift.failed))} cannot be read." if drift.failed else ""
    if not drift.found:
        return f"No drift: {_count(drift.checked - len(drift.failed))} as the state says.{unread}"
    kept = "The state was left as it was." if dry_run else "The state now says so."
    return (
        f"Drift in {_count(len(drift.gone) + len(drift.changed))} of {drift.checked}.{unread} {kept} "
        "`inferstack up` mends it."
    )


def _count(number: int) -> str:
    return f"{number} resource" if number == 1 else f"{number} resources"

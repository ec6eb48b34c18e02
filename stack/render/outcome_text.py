"""What `up` says at its end: what was done, what was not and why, and where the servers are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from stack.engines.events import Outcome
from stack.plan import as_json
from stack.render.plan_words import short_type

VERBS: Final = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}
GREEN, RED, YELLOW, RESET = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"


def render_outcome(outcome: Outcome, warnings: Sequence[str] = (), *, colour: bool = False) -> str:
    """The outcome as text, with what the user should know of what was made. Ends with a newline."""
    return "\n".join(_lines(outcome, warnings, colour=colour)) + "\n"


def outcome_json(outcome: Outcome, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """The outcome as plain JSON values, the plan included."""
    return {
        "changes": not outcome.plan.empty,
        "complete": outcome.complete,
        "interrupted": outcome.interrupted,
        "seconds": round(outcome.seconds, 3),
        "done": [{"op": each.op, "urn": each.subject.urn, "seconds": round(each.seconds, 3)} for each in outcome.done],
        "failed": [
            {"op": f.op, "urn": f.subject.urn, "message": f.message, "why": f.why, "remedy": f.remedy}
            for f in outcome.failed
        ],
        "skipped": [{"op": s.op, "urn": s.subject.urn, "because": s.because.urn} for s in outcome.skipped],
        "notReached": [
            {"op": n.op, "urn": n.subject.urn} | ({"why": n.why} if n.why else {}) for n in outcome.not_reached
        ],
        "warnings": list(warnings),
        "outputs": outcome.outputs or {},
        "plan": as_json(outcome.plan),
    }


def _lines(outcome: Outcome, warnings: Sequence[str], *, colour: bool) -> Iterator[str]:
    green, red, yellow, reset = (GREEN, RED, YELLOW, RESET) if colour else ("", "", "", "")
    for failed in outcome.failed:
        yield f"{red}failed{reset}  {failed.subject.name}  {short_type(failed.subject.type)}: {failed.message}"
        yield from (f"    {line}" for line in failed.why.splitlines())
        yield from (f"    {'do: ' if first else '    '}{line}" for first, line in _marked(failed.remedy))
    for skipped in outcome.skipped:
        yield f"{yellow}skipped{reset}  {skipped.subject.name}  because {skipped.because.name} failed"
    for left in outcome.not_reached:
        yield f"{yellow}not done{reset}  {left.subject.name}  {short_type(left.subject.type)}"
        yield from (f"    {line}" for line in left.why.splitlines())
    if outcome.failed or outcome.skipped or outcome.not_reached:
        yield ""
    for warning in warnings:
        yield f"{yellow}warning{reset}  {warning}"
    if warnings:
        yield ""
    endpoints = (outcome.outputs or {}).get("endpoints") or {}
    width = max(map(len, endpoints), default=0)
    for group, urls in sorted(endpoints.items()):
        yield f"{group:{width}}  {'  '.join(url for url in urls or () if url)}".rstrip()
    if endpoints:
        yield ""
    mark = f"{green}Done{reset}" if outcome.complete else f"{red}Not complete{reset}"
    yield f"{mark} in {outcome.seconds:.1f} s: {_counts(outcome)}."


def _marked(text: str) -> Iterator[tuple[bool, str]]:
    return ((number == 0, line) for number, line in enumerate(text.splitlines()))


def _counts(outcome: Outcome) -> str:
    done = Counter(VERBS[each.op] for each in outcome.counted if each.op in VERBS)
    words = [f"{count} {verb}" for verb, count in sorted(done.items())]
    missing = {"failed": len(outcome.failed), "skipped": len(outcome.skipped), "not reached": len(outcome.not_reached)}
    words += [f"{count} {word}" for word, count in missing.items() if count]
    return ", ".join(words) or "nothing to do"

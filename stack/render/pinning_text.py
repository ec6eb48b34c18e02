"""What `inferstack verify` prints: for each pod what it really has, and what broke the pinning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from components.serving.pinning import Verdict


def render_pinning(verdicts: Sequence[Verdict], *, idle: bool = False, colour: bool = False) -> str:
    """The verdicts as text; `idle` where nothing is served that could be verified. Ends with a newline."""
    if idle:
        return "nothing to verify: the stack serves nothing\n"
    lines: list[str] = []
    for one in verdicts:
        word = _word(one)
        shown = f"\x1b[{'32' if one.ok else '31'}m{word}\x1b[0m" if colour else word
        lines.append(f"{one.pod} on {one.node or 'no node'}: {shown}")
        if one.facts:
            lines.append(f"    {'; '.join(one.facts)}")
        lines += [f"    broken: {reason}" for reason in one.broken]
    broken = sum(not one.ok for one in verdicts)
    lines += ["", f"{len(verdicts) - broken} of {len(verdicts)} as asked" if verdicts else "no pods"]
    return "\n".join(lines) + "\n"


def pinning_json(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The verdicts as plain JSON values."""
    return {"pods": [{**asdict(one), "ok": one.ok} for one in verdicts]}


def _word(one: Verdict) -> str:
    if not one.ok:
        return "NOT AS ASKED"
    return "pinned" if one.pinned else "shared CPUs, as asked"

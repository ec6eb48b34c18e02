"""A claim as a ratio or a limit, what was measured in this run, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Claim:
    """One row: what is claimed, what was measured, the limit, and the figures behind it in words."""

    what: str
    measured: float
    limit: float
    sense: Literal["at least", "at most"]
    unit: str
    figures: str

    @property
    def holds(self) -> bool:
        """Whether the measurement keeps the limit."""
        return self.measured >= self.limit if self.sense == "at least" else self.measured <= self.limit


def table(claims: Sequence[Claim]) -> str:
    """The claims as a Markdown table."""
    rows = ["| claim | measured | limit | | behind it |", "|---|---|---|---|---|"]
    rows += [
        f"| {c.what} | {c.measured:.3g} {c.unit} | {c.sense} {c.limit:g} {c.unit} | {'yes' if c.holds else 'NO'} | {c.figures} |"
        for c in claims
    ]
    return "\n".join(rows)

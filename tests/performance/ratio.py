"""A claim as a ratio against a limit, what was measured in this run, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Claim:
    """One row: what is claimed, what was measured, the limit, and the figures behind it in words.

    Without a limit nothing is claimed: the row stands there to be compared with others.
    """

    what: str
    measured: float
    limit: float | None
    sense: Literal["at least", "at most"]
    unit: str
    figures: str

    @property
    def holds(self) -> bool:
        """Whether the measurement keeps the limit."""
        if self.limit is None:
            return True
        return self.measured >= self.limit if self.sense == "at least" else self.measured <= self.limit


def table(claims: Sequence[Claim]) -> str:
    """The claims as a Markdown table."""
    rows = ["| claim | measured | limit | | behind it |", "|---|---|---|---|---|"]
    return "\n".join((*rows, *map(_row, claims)))


def _row(claim: Claim) -> str:
    limit = "" if claim.limit is None else f"{claim.sense} {claim.limit:g} {claim.unit}"
    holds = "" if claim.limit is None else "yes" if claim.holds else "NO"
    return f"| {claim.what} | {claim.measured:.3g} {claim.unit} | {limit} | {holds} | {claim.figures} |"

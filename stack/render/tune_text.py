"""What a search for a layout found, as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from components.benchmarks import words
from components.benchmarks.answer import answer, merged
from components.benchmarks.result import Outcome, Result
from components.serving.layouts import Candidate
from schemas.words import counted
from stack.render.benchmark_text import OUTCOMES, aligned


@dataclass(frozen=True)
class Tried:
    """A layout, and what a benchmark found of it."""

    layout: Candidate
    result: Result

    @property
    def outcome(self) -> Outcome:
        """Whether it keeps the objective."""
        (standing,) = answer(self.result).standings
        return standing.outcome or "undecided"

    @property
    def p50_s(self) -> float:
        """The median response at the lightest load; infinite where no run was valid."""
        fastest = answer(self.result).fastest
        return fastest.value if fastest else float("inf")


def cheapest(tried: Sequence[Tried]) -> Tried | None:
    """Of those that keep the objective the one with the fewest cores, and of several such the fastest."""
    keeping = [one for one in tried if one.outcome == "pass"]
    return min(keeping, key=lambda one: (one.layout.total, one.p50_s), default=None)


def tune_text(group: str, benchmark: str, tried: Sequence[Tried], possible: int) -> str:
    """The answer first, then what to write into the spec, then every layout measured."""
    best = cheapest(tried)
    asked = words.objective(tried[0].result.objective)
    lines = [_answer(group, benchmark, asked, best)]
    if left := possible - len(tried):
        were = "was" if left == 1 else "were"
        lines.append(f"{counted(left, 'layout')} with more cores {were} not tried (--all measures them).")
    if best is not None:
        lines += ["", "In the spec, in place of its layout:", "", "  serving:", f"    - name: {group}"]
        lines += [f"      instances: {{count: {best.layout.count}, cores: {best.layout.cores}}}"]
    return "\n".join([*lines, "", *table(tried), "", *_notes(tried)]).rstrip() + "\n"


def tune_json(group: str, benchmark: str, tried: Sequence[Tried], possible: int) -> dict[str, Any]:
    """The same for scripts; times in seconds, NaN where there was no good answer."""
    best = cheapest(tried)
    return {
        "group": group,
        "benchmark": benchmark,
        "best": None if best is None else {"count": best.layout.count, "cores": best.layout.cores},
        "layouts": possible,
        "tried": [
            {
                "count": one.layout.count,
                "cores": one.layout.cores,
                "outcome": one.outcome,
                "result": one.result.id,
                "loads": [
                    {
                        "load": row.load.label,
                        "achieved_per_s": row.achieved_per_s,
                        "p50_s": row.response.p50_s,
                        "p99_s": row.response.p99_s,
                        "invalid": list(row.invalid),
                    }
                    for row in merged(one.result.measurements)
                ],
            }
            for one in tried
        ],
    }


def _answer(group: str, benchmark: str, asked: str, best: Tried | None) -> str:
    if best is None:
        return f"{benchmark}: no layout of {group} is shown to keep {asked}."
    return f"{benchmark}: {best.layout} is enough for {group} to keep {asked}."


def table(tried: Sequence[Tried]) -> Iterator[str]:
    """A line a layout and load."""
    header = ["layout, latencies in ms", "load", "got", "p50", "p99", "objective"]
    rows = [
        [
            str(one.layout),
            row.load.label,
            words.rate(row.achieved_per_s),
            words.digits(row.response.p50_s * 1e3),
            words.digits(row.response.p99_s * 1e3),
            "INVALID" if row.invalid else OUTCOMES[row.outcome] if row.outcome else "-",
        ]
        for one in tried
        for row in merged(one.result.measurements)
    ]
    return aligned([header, *rows])


def _notes(tried: Sequence[Tried]) -> Iterator[str]:
    for one in tried:
        for row in merged(one.result.measurements):
            yield from (f"INVALID: {one.layout} at {row.load.label}: {why}" for why in row.invalid)
    if shared := [str(one.layout) for one in tried if any(m.shared_cpus for m in one.result.measurements)]:
        yield f"Note: the load generator shared cores with {words.listed(shared)}, for want of spare ones."

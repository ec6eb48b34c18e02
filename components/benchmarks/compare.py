"""Two stored results side by side: what became faster or slower, and what is no more than noise.

A difference counts only when it is significant (the bootstrap interval of the ratio leaves 1 out and the rank test,
Holm-corrected over everything compared, says so as well) *and* larger than 3 % and than twice what repeats of the same
thing differed by. Figures of different machines, kernels, models or data are refused unless forced: their difference
has a reason that no statistic sees. Pure: it reads values, and the same values give the same words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import Final, Literal

import numpy as np

from components.benchmarks.result import LoadShape, Measurement, Target
from components.benchmarks.results import StoredResult
from components.benchmarks.significance import Evidence, Floats, evidence, figure, holm
from schemas.errors import PolicyError, UsageError

Word = Literal["faster", "slower", "no difference shown", "not comparable"]
Unit = Literal["s", "per_s", "share"]

SIGNIFICANT: Final = 0.05
LEAST_CHANGE: Final = 0.03
LEAST_SHARE: Final = 0.01
"""Errors or accuracy must change by one point to count as a regression."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a target of a run."""

    run: str
    target: str

    def __str__(self) -> str:
        return f"{self.run}:{self.target}"


@dataclass(frozen=True)
class Difference:
    """One figure on both sides. `evidence`, `p` (corrected) and `outcome` are there for latencies with samples enough;
    `noise` is the largest relative difference between repeats of one side, where there were repeats."""

    metric: str
    unit: Unit
    a: float
    b: float
    evidence: Evidence | None = None
    p: float | None = None
    noise: float | None = None
    outcome: Word | None = None

    @property
    def absolute(self) -> float:
        """b - a, in the figure's unit."""
        return self.b - self.a

    @property
    def relative(self) -> float | None:
        """(b - a) / a, or None where a is 0."""
        return self.absolute / self.a if self.a else None


@dataclass(frozen=True)
class Pair:
    """One load on both sides: its figures, the word for it and why that word."""

    a: Side
    b: Side
    load: LoadShape
    differences: tuple[Difference, ...]
    outcome: Word
    why: str
    regressions: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """All pairs of two results; `caveats` are differences that were forced, and what had no counterpart."""

    a: str
    b: str
    pairs: tuple[Pair, ...]
    caveats: tuple[str, ...]

    @property
    def regression(self) -> bool:
        """Whether anything became worse."""
        return any(pair.regressions for pair in self.pairs)

    @property
    def regressions(self) -> tuple[str, ...]:
        """What became worse, a phrase for each pair with something worse."""
        return tuple(
            f"{pair.b.target} at {pair.load.label}: {', '.join(pair.regressions)}"
            for pair in self.pairs
            if pair.regressions
        )


def split_reference(text: str) -> tuple[str, str | None]:
    """`RUN` or `RUN:TARGET` as people type it."""
    run, _, target = text.rpartition(":")
    return (run, target) if run and "/" not in target else (text, None)


def compare(
    a: StoredResult,
    b: StoredResult,
    *,
    target_a: str | None = None,
    target_b: str | None = None,
    force: bool = False,
    seed: int = 1,
) -> Comparison:
    """Compare every target and load that both results have, or `target_a` of the one with `target_b` of the other.

    Raises:
        UsageError: a target is not there, or nothing is on both sides.
        PolicyError: the figures come from different circumstances and `force` is not given; it says which.
    """
    sides = _sides(a, b, target_a, target_b)
    differs = _circumstances(a, b, sides)
    if differs and not force:
        raise PolicyError(
            f"{a.result.id} and {b.result.id} are not comparable: {'; '.join(differs)}",
            why="a difference in the figures could come from any of these",
            remedy="run both under the same circumstances, or compare all the same with --force",
        )
    drafts = [draft for side_a, side_b in sides for draft in _pairs(a, b, side_a, side_b, seed)]
    if not drafts:
        raise UsageError(
            f"{a.result.id} and {b.result.id} have no target with a load in common",
            why=f"{_contents(a)}; {_contents(b)}",
            remedy="name the targets: `compare RUN_A:TARGET RUN_B:TARGET`",
        )
    caveats = (*differs, *_models(a, b, sides), *_notes(a, b, sides), *_alone(a, b, sides), *_left_out(a, b, sides))
    return Comparison(a.result.id, b.result.id, _judge(drafts), caveats)


# ------------------------------------------------------------------------------------------ what is compared


def _sides(a: StoredResult, b: StoredResult, target_a: str | None, target_b: str | None) -> list[tuple[Side, Side]]:
    names_a, names_b = ([target.name for target in stored.result.targets] for stored in (a, b))
    target_a, target_b = target_a or target_b, target_b or target_a
    if target_a is None or target_b is None:
        return [(Side(a.result.id, name), Side(b.result.id, name)) for name in names_a if name in names_b]
    for stored, names, name in ((a, names_a, target_a), (b, names_b, target_b)):
        if name not in names:
            raise UsageError(
                f"run {stored.result.id} has no target {name!r}", remedy=f"its targets are {', '.join(names)}"
            )
    return [(Side(a.result.id, target_a), Side(b.result.id, target_b))]


def _circumstances(a: StoredResult, b: StoredResult, sides: Sequence[tuple[Side, Side]]) -> tuple[str, ...]:
    """What must be equal and is not. Targets of different names are compared *because* their models may differ."""
    first, second = a.result, b.result
    facts = [
        ("CPU model", first.surroundings.cpu_model, second.surroundings.cpu_model),
        ("kernel", first.surroundings.kernel, second.surroundings.kernel),
        ("data", first.data_digest[:12], second.data_digest[:12]),
    ]
    for side_a, side_b in sides:
        facts.append((f"load generator of {side_b.target}", _tools(a, side_a), _tools(b, side_b)))
        if side_a.target == side_b.target:
            model_a, model_b = _target(a, side_a), _target(b, side_b)
            facts.append((f"model of {side_a.target}", model_a.model_digest[:12], model_b.model_digest[:12]))
    return tuple(f"{name} {one} against {other}" for name, one, other in facts if one != other)


def _tools(stored: StoredResult, side: Side) -> str:
    used = {measurement.tool for measurement in stored.result.measurements if measurement.target == side.target}
    return ", ".join(sorted(used))


def _notes(a: StoredResult, b: StoredResult, sides: Sequence[tuple[Side, Side]]) -> Iterator[str]:
    """What explains a target's figures beside its model, each once."""
    said = {note: None for pair in sides for side, of in zip(pair, (a, b), strict=True) for note in _noted(of, side)}
    yield from said


def _noted(stored: StoredResult, side: Side) -> Iterator[str]:
    return (f"{side.target}: {note}" for note in _target(stored, side).notes)


def _models(a: StoredResult, b: StoredResult, sides: Sequence[tuple[Side, Side]]) -> Iterator[str]:
    for side_a, side_b in sides:
        one, other = _target(a, side_a), _target(b, side_b)
        if one.name != other.name and one.model_digest != other.model_digest:
            yield (
                f"{one.name} serves {one.model} ({one.precision}, {one.model_digest[:12]}), "
                f"{other.name} serves {other.model} ({other.precision}, {other.model_digest[:12]})"
            )


def _alone(a: StoredResult, b: StoredResult, sides: Sequence[tuple[Side, Side]]) -> Iterator[str]:
    """Loads that only one side of a pair has seen."""
    for side_a, side_b in sides:
        runs_a, runs_b = _loads(a, side_a), _loads(b, side_b)
        for key in [*runs_a, *runs_b]:
            if (key in runs_a) != (key in runs_b):
                side, runs = (side_a, runs_a) if key in runs_a else (side_b, runs_b)
                yield f"{runs[key][0].load.label} was measured on {side} only"


def _left_out(a: StoredResult, b: StoredResult, sides: Sequence[tuple[Side, Side]]) -> Iterator[str]:
    """Repeats that do not count."""
    for side, stored in {side: stored for pair in sides for side, stored in zip(pair, (a, b), strict=True)}.items():
        for runs in _loads(stored, side).values():
            bad = sum(1 for run in runs if run.invalid)
            if 0 < bad < len(runs):
                yield f"{bad} of {len(runs)} repeats of {runs[0].load.label} on {side} are INVALID and left out"


def _contents(stored: StoredResult) -> str:
    loads = dict.fromkeys(measurement.load.label for measurement in stored.result.measurements)
    targets = ", ".join(target.name for target in stored.result.targets)
    return f"{stored.result.id} has {targets} under {', '.join(loads)}"


def _target(stored: StoredResult, side: Side) -> Target:
    return next(target for target in stored.result.targets if target.name == side.target)


LoadKey = tuple[float | None, int | None, str, int]


def _loads(stored: StoredResult, side: Side) -> dict[LoadKey, list[Measurement]]:
    """The repeats of each load on a target; loads are the same whatever their label, length and seed."""
    found: dict[LoadKey, list[Measurement]] = {}
    for measurement in stored.result.measurements:
        if measurement.target == side.target:
            load = measurement.load
            found.setdefault((load.rate_per_s, load.clients, load.arrivals, load.batch), []).append(measurement)
    return found


# ------------------------------------------------------------------------------------------ figures of a pair


def _pairs(a: StoredResult, b: StoredResult, side_a: Side, side_b: Side, seed: int) -> Iterator[Pair]:
    """Pairs with figures and evidence, not judged yet."""
    runs_a, runs_b = _loads(a, side_a), _loads(b, side_b)
    for key in runs_a:
        if key not in runs_b:
            continue
        repeats_a, repeats_b = _usable(runs_a[key]), _usable(runs_b[key])
        latencies_a, latencies_b = _latencies(a, repeats_a), _latencies(b, repeats_b)
        obstacle = _obstacle(repeats_a, repeats_b)
        found = () if obstacle else evidence(latencies_a, latencies_b, seed=seed)
        if not found and not obstacle:
            obstacle = "too few good answers to tell a difference from noise"
        times = _times(latencies_a, latencies_b, found) if latencies_a and latencies_b else _told(repeats_a, repeats_b)
        differences = (*times, *_shares(repeats_a, repeats_b))
        word: Word = "not comparable" if obstacle else "no difference shown"
        yield Pair(side_a, side_b, runs_a[key][0].load, differences, word, obstacle, ())


def _usable(runs: Sequence[Measurement]) -> Sequence[Measurement]:
    """The valid repeats; all of them when none is, so that there are figures to look at."""
    return [run for run in runs if not run.invalid] or runs


def _latencies(stored: StoredResult, runs: Sequence[Measurement]) -> list[Floats]:
    """Response times of the good answers of each repeat, in order of their schedule."""
    samples = [found for run in runs if (found := stored.samples(run)) is not None]
    return [each.response_s[each.good] for each in samples]


def _obstacle(runs_a: Sequence[Measurement], runs_b: Sequence[Measurement]) -> str:
    for name, runs in (("A", runs_a), ("B", runs_b)):
        for run in runs:
            if run.invalid:
                return f"{name} is invalid: {'; '.join(run.invalid)}"
            if not run.samples:
                return f"{run.tool} told no single times of {name}, so chance cannot be told from a difference"
    failed_a, failed_b = _error_share(runs_a), _error_share(runs_b)
    if abs(failed_a - failed_b) > LEAST_SHARE:
        return f"{failed_a:.1%} of the requests failed on A, {failed_b:.1%} on B: the rest is no fair sample"
    return ""


def _times(a: Sequence[Floats], b: Sequence[Floats], found: Sequence[Evidence]) -> Iterator[Difference]:
    whole_a, whole_b = np.concatenate(a), np.concatenate(b)
    if not len(whole_a) or not len(whole_b):
        return
    known = {each.metric: each for each in found}
    for metric in ("mean", "p50", "p90", "p99"):
        noises = [noise for side in (a, b) if (noise := _noise(side, metric)) is not None]
        yield Difference(
            metric,
            "s",
            figure(whole_a, metric),
            figure(whole_b, metric),
            evidence=known.get(metric),
            noise=max(noises, default=None),
        )


def _told(a: Sequence[Measurement], b: Sequence[Measurement]) -> Iterator[Difference]:
    """Figures as measured, the median over repeats, where a side has no single times."""
    for metric in ("mean", "p50", "p90", "p99"):
        one, other = (median(getattr(run.response, f"{metric}_s") for run in runs) for runs in (a, b))
        if one == one and other == other:
            yield Difference(metric, "s", one, other)


def _noise(runs: Sequence[Floats], metric: str) -> float | None:
    """How far apart repeats of the same thing were: largest over smallest, less 1."""
    figures = [figure(run, metric) for run in runs if len(run)]
    return max(figures) / min(figures) - 1 if len(figures) > 1 and min(figures) > 0 else None


def _shares(a: Sequence[Measurement], b: Sequence[Measurement]) -> Iterator[Difference]:
    rate_a, rate_b = (fmean(run.achieved_per_s for run in runs) for runs in (a, b))
    yield Difference("throughput", "per_s", rate_a, rate_b)
    yield Difference("errors", "share", _error_share(a), _error_share(b))
    known_a, known_b = ([run.accuracy for run in runs if run.accuracy is not None] for runs in (a, b))
    if known_a and known_b:
        yield Difference("accuracy", "share", fmean(known_a), fmean(known_b))


def _error_share(runs: Sequence[Measurement]) -> float:
    requests = sum(run.requests for run in runs)
    return sum(sum(run.errors.values()) for run in runs) / requests if requests else 0.0


# ------------------------------------------------------------------------------------------ the words


def _judge(drafts: Sequence[Pair]) -> tuple[Pair, ...]:
    """Give every pair its word; the correction for being many runs over all figures of all pairs."""
    p_values = [each.evidence.p for pair in drafts for each in pair.differences if each.evidence]
    corrected = iter(holm(p_values))
    judged = []
    for pair in drafts:
        differences = tuple(_word(each, next(corrected)) if each.evidence else each for each in pair.differences)
        judged.append(_conclude(replace(pair, differences=differences)))
    return tuple(judged)


def _word(difference: Difference, p: float) -> Difference:
    found = difference.evidence
    assert found is not None
    threshold = max(LEAST_CHANGE, 2 * (difference.noise or 0.0))
    shown = p < SIGNIFICANT and not found.low <= 1 <= found.high and abs(found.ratio - 1) > threshold
    word: Word = "no difference shown" if not shown else "slower" if found.ratio > 1 else "faster"
    return replace(difference, p=p, outcome=word)


def _conclude(pair: Pair) -> Pair:
    slower, faster = (
        [f"{each.metric} {each.relative:+.1%}" for each in pair.differences if each.outcome == word]
        for word in ("slower", "faster")
    )
    shares = tuple(_worse_shares(pair))
    regressions = (*slower, *shares)
    if pair.outcome == "not comparable":
        return replace(pair, regressions=regressions)
    outcome: Word = "slower" if slower else "faster" if faster else "no difference shown"
    why = ", ".join([*slower, *faster, *shares]) or "what differs is within the noise"
    return replace(pair, outcome=outcome, why=why, regressions=regressions)


def _worse_shares(pair: Pair) -> Iterator[str]:
    for each in pair.differences:
        worse = {"errors": each.absolute, "accuracy": -each.absolute}.get(each.metric, 0.0)
        if worse > LEAST_SHARE:
            yield f"{each.metric} {each.a:.1%} -> {each.b:.1%}"

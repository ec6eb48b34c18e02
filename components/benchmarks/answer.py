"""What a result says, before any figure: which target meets the objective, which of those that do is cheapest, which is
fastest, which carries most.

Pure, and the only place with this logic; the terminal and the HTML report show the same `Answer`. Repeats of one target
under one load are taken together: each figure is the median over the valid repeats, and a verdict stands only when they
agree. An invalid measurement never wins anything.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from components.benchmarks import words
from components.benchmarks.result import Check, Latency, LoadShape, Measurement, Outcome, Result
from components.benchmarks.verdict import LATENCY, all_of, any_of
from schemas.words import counted

LEVEL = 0.03
"""Figures nearer than this to the best one are called level: repeats of the same run differ by as much."""


@dataclass(frozen=True)
class Row:
    """One target under one load, its repeats taken together; times in seconds."""

    target: str
    load: LoadShape
    protocol: str
    measurements: tuple[Measurement, ...]
    requests: int
    asked_per_s: float | None
    achieved_per_s: float
    response: Latency
    errors: Mapping[str, int]
    error_share: float
    accuracy: float | None
    outcome: Outcome | None
    invalid: tuple[str, ...]
    shared_cpus: bool

    @property
    def valid(self) -> bool:
        """Whether at least one repeat may be believed."""
        return not self.invalid


@dataclass(frozen=True)
class Standing:
    """A target over all its loads; `outcome` is absent where nothing was asked of it."""

    target: str
    outcome: Outcome | None
    rows: tuple[Row, ...]
    why: tuple[str, ...]


@dataclass(frozen=True)
class Best:
    """Who is best at something: the figure, at which load, and who is as good within 3 %."""

    target: str
    load: LoadShape
    value: float
    level_with: tuple[str, ...]
    next_best: float | None


@dataclass(frozen=True)
class Cheapest:
    """Who of several that meet the objective takes the fewest cores; `next_cores` is absent where all take as many."""

    targets: tuple[str, ...]
    cores: int
    next_cores: int | None


@dataclass(frozen=True)
class Answer:
    """The answer of a result; `sentences` say it, the first one first."""

    objective: str
    outcome: Outcome | None
    standings: tuple[Standing, ...]
    meets: tuple[str, ...]
    cheapest: Cheapest | None
    fastest: Best | None
    carries_most: Best | None
    sentences: tuple[str, ...]


def answer(result: Result) -> Answer:
    """What a result says; targets and loads keep the order in which the spec names them."""
    rows = merged(result.measurements)
    standings = tuple(_standing(target.name, rows, judged=bool(result.objective)) for target in result.targets)
    outcomes = [s.outcome for s in standings if s.outcome is not None]
    outcome = None if not outcomes else all_of(outcomes) if result.require == "all" else any_of(outcomes)
    meets = tuple(s.target for s in standings if s.outcome == "pass")
    cheapest = _cheapest({target.name: target.cores for target in result.targets if target.name in meets})
    fastest, most = _fastest(rows), _carries_most(rows)
    objective = words.objective(result.objective)
    verdicts = tuple(_verdict_sentences(objective, result.objective or {}, standings))
    bests = _best_sentences(fastest, most, len(standings))
    said = (*verdicts[:1], *_cheapest_sentence(cheapest), *verdicts[1:], *bests)
    sentences = said or tuple(_no_valid_run(rows))
    return Answer(objective, outcome, standings, meets, cheapest, fastest, most, sentences)


def merged(measurements: Iterable[Measurement]) -> tuple[Row, ...]:
    """Measurements by target and load, repeats taken together, in order of first appearance."""
    groups: dict[tuple[str, str], list[Measurement]] = {}
    for measurement in measurements:
        groups.setdefault((measurement.target, measurement.load.label), []).append(measurement)
    return tuple(_row(tuple(group)) for group in groups.values())


def judged_alone(row: Row, objective: Mapping[str, float]) -> tuple[str, ...]:
    """The limits that a row's verdict is about, in words, where they are not the whole objective; else nothing."""
    judged = [metric for metric in words.METRICS if metric in objective and _checks(row, metric)]
    return tuple(words.METRICS[metric] for metric in judged) if len(judged) < len(objective) else ()


def _row(group: tuple[Measurement, ...]) -> Row:
    valid = tuple(m for m in group if not m.invalid)
    used, first = valid or group, group[0]
    requests = sum(m.requests for m in used)
    errors: Counter[str] = Counter()
    for measurement in used:
        errors.update(measurement.errors)
    accuracies = [m.accuracy for m in used if m.accuracy is not None]
    return Row(
        target=first.target,
        load=first.load,
        protocol=first.protocol,
        measurements=group,
        requests=requests,
        asked_per_s=first.asked_per_s,
        achieved_per_s=statistics.median(m.achieved_per_s for m in used),
        response=_median(tuple(m.response for m in used)),
        errors=dict(sorted(errors.items())),
        error_share=errors.total() / requests if requests else 0.0,
        accuracy=statistics.median(accuracies) if accuracies else None,
        outcome=_agreed([m.verdict.outcome for m in used if m.verdict]),
        invalid=() if valid else tuple(dict.fromkeys(why for m in group for why in m.invalid)),
        shared_cpus=any(m.shared_cpus for m in group),
    )


def _median(latencies: tuple[Latency, ...]) -> Latency:
    return Latency(*(statistics.median(getattr(lat, f.name) for lat in latencies) for f in fields(Latency)))


def _agreed(outcomes: list[Outcome]) -> Outcome | None:
    """What repeats say together: what they all say, else undecided."""
    if not outcomes:
        return None
    return outcomes[0] if len(set(outcomes)) == 1 else "undecided"


def _standing(target: str, rows: tuple[Row, ...], *, judged: bool) -> Standing:
    own = tuple(row for row in rows if row.target == target)
    outcomes: list[Outcome] = [row.outcome for row in own if row.outcome is not None]
    outcome = (all_of(outcomes) if outcomes else "undecided") if judged else None
    return Standing(target, outcome, own, tuple(_reasons(own, outcome)) if outcome else ())


def _reasons(rows: tuple[Row, ...], outcome: Outcome) -> Iterable[str]:
    """What decided a standing, each with the load it was measured at."""
    for row in rows:
        checks = [c for m in row.measurements if m.verdict for c in m.verdict.checks if c.outcome == outcome]
        decisive = {c.metric: c.why for c in checks}
        if outcome == row.outcome and not checks:
            decisive = {"": "the repeats disagree"}
        for why in dict.fromkeys(decisive.values()):
            yield f"at {row.load.label}, {why}"


def _cheapest(cores: Mapping[str, int]) -> Cheapest | None:
    """The cheapest of several targets, by the cores that each takes; pods without cores of their own have no number."""
    if len(cores) < 2 or not all(cores.values()):
        return None
    fewest, *more = sorted(set(cores.values()))
    return Cheapest(tuple(name for name in cores if cores[name] == fewest), fewest, more[0] if more else None)


def _fastest(rows: tuple[Row, ...]) -> Best | None:
    """The lowest median response at the lightest load that at least one target answered validly.

    Only there a latency is the target's own; under more load it is mostly the queue's.
    """
    valid = [row for row in rows if row.valid and row.response.p50_s == row.response.p50_s]
    if not valid:
        return None
    lightest = min(valid, key=lambda row: _weight(row.load)).load.label
    return _best([(row.response.p50_s, row) for row in valid if row.load.label == lightest], lower=True)


def _weight(load: LoadShape) -> tuple[bool, float]:
    return (load.rate_per_s is None, load.rate_per_s or load.clients or 0)


def _carries_most(rows: tuple[Row, ...]) -> Best | None:
    """The most rows answered well a second, within the objective's other limits.

    Open loops that all targets kept up with show only what was asked, and nobody is best.
    """
    top: dict[str, Row] = {}
    for row in rows:
        if not row.valid or _breaks_limits(row):
            continue
        if row.target not in top or _rows_per_s(row) > _rows_per_s(top[row.target]):
            top[row.target] = row
    if not top:
        return None
    best = _best([(_rows_per_s(row), row) for row in top.values()], lower=False)
    contested = best.load.rate_per_s is None or len(best.level_with) + 1 < len({row.target for row in rows})
    return best if contested else None


def _breaks_limits(row: Row) -> bool:
    """Whether a row of the table fails the objective by more than its throughput."""
    checks = [check for m in row.measurements if m.verdict for check in m.verdict.checks]
    return row.outcome == "fail" and any(c.outcome == "fail" and c.metric != "throughput_per_s" for c in checks)


def _rows_per_s(row: Row) -> float:
    return row.achieved_per_s * row.load.batch


def _best(scored: list[tuple[float, Row]], *, lower: bool) -> Best:
    ordered = sorted(scored, key=lambda pair: pair[0] if lower else -pair[0])
    value, row = ordered[0]
    level = tuple(r.target for v, r in ordered[1:] if abs(v - value) <= LEVEL * value)
    return Best(row.target, row.load, value, level, ordered[1][0] if len(ordered) > 1 else None)


def _verdict_sentences(objective: str, limits: Mapping[str, float], standings: tuple[Standing, ...]) -> Iterable[str]:
    if not objective:
        return
    by_outcome = {o: [s for s in standings if s.outcome == o] for o in ("pass", "fail", "undecided", "invalid")}
    if met := by_outcome["pass"]:
        names = words.listed([f"{s.target}{_shown(s, limits)}" for s in met])
        yield f"{names} {'meets' if len(met) == 1 else 'meet'} {objective}."
    else:
        yield f"No target is shown to meet {objective}."
    said = {"fail": "misses it", "undecided": "is undecided", "invalid": "has INVALID runs"}
    for outcome, phrase in said.items():
        for standing in by_outcome[outcome]:
            yield f"{standing.target} {phrase}{_because(standing)}."


def _because(standing: Standing) -> str:
    """Why a target stands as it does; of invalid runs only the first is told, for the reasons are mostly alike."""
    reasons, more = standing.why, ""
    if standing.outcome == "invalid" and len(reasons) > 1:
        reasons, more = reasons[:1], f" (and {len(reasons) - 1} more)"
    return f": {'; '.join(reasons)}{more}" if reasons else ""


def _shown(standing: Standing, limits: Mapping[str, float]) -> str:
    """The latency that the objective is mainly about, at the load where it was highest: ` (p99 1.73 ms at 200/s)`."""
    metric = next((metric for metric in LATENCY if metric in limits), "")
    judged = [row for row in standing.rows if any(_checks(row, metric))]
    if not judged:
        return ""
    row = max(judged, key=lambda row: _latency(row, metric))
    return f" ({words.METRICS[metric]} {words.ms(_latency(row, metric))} at {row.load.label})"


def _checks(row: Row, metric: str) -> list[Check]:
    return [check for m in row.measurements if m.verdict for check in m.verdict.checks if check.metric == metric]


def _latency(row: Row, metric: str) -> float:
    value: float = getattr(row.response, metric)
    return value


def _cheapest_sentence(cheapest: Cheapest | None) -> Iterable[str]:
    if cheapest is None:
        return
    cores = counted(cheapest.cores, "core")
    if cheapest.next_cores is None:
        yield f"Each of these takes {cores}."
    else:
        names = f"{'is' if len(cheapest.targets) == 1 else 'are'} {words.listed(cheapest.targets)}"
        yield f"Cheapest of these {names} with {cores}, the next takes {cheapest.next_cores}."


def _best_sentences(fastest: Best | None, most: Best | None, targets: int) -> Iterable[str]:
    if fastest:
        yield _sentence("fastest", fastest, f"p50 {words.ms(fastest.value)} at {fastest.load.label}", targets)
    if most:
        with_load = most.load.label
        yield _sentence("carries most", most, f"{words.rate(most.value)} with {with_load}", targets)


def _no_valid_run(rows: tuple[Row, ...]) -> Iterable[str]:
    """Why there is nothing to say; only the first reason, for they are mostly alike."""
    reasons = list(dict.fromkeys(f"{row.target} at {row.load.label}, {why}" for row in rows for why in row.invalid))
    if reasons:
        yield f"No valid run: {reasons[0]}{f' (and {len(reasons) - 1} more)' if len(reasons) > 1 else ''}."


def _sentence(what: str, best: Best, figure: str, targets: int) -> str:
    if targets == 1:
        return f"{best.target}: {figure}."
    if best.level_with:
        names = words.listed([best.target, *best.level_with])
        subject = "Fastest are" if what == "fastest" else "Most is carried by"
        return f"{subject} {names}, level within {LEVEL:.0%}: {figure}."
    versus = f", the next {_versus(what, best.next_best)}" if best.next_best is not None else ""
    subject = f"Fastest is {best.target}" if what == "fastest" else f"{best.target} carries most"
    return f"{subject}: {figure}{versus}."


def _versus(what: str, value: float) -> str:
    return words.ms(value) if what == "fastest" else words.rate(value)

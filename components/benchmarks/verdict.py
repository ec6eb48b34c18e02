"""Whether a measurement keeps an objective's limits, in words.

Pure. A latency percentile passes or fails only when there were enough requests to say so and three blocks of time agree
(`statistics.py`); else it is undecided, and the words say how many requests would do. A failed request counts as one
over every latency limit. What an invalid measurement shows is not judged at all. Where the client was late because the
target had the core that they share, responses are at most too long: a pass stands, a failure is undecided.

A tool that tells percentiles only still bounds how many requests were over a limit: of 1,000 with a p99 within it at
most 10 were. Where that suffices it passes or fails; whether the blocks of time agree is then not known, and said.

Which limits a load can show: latency belongs to open loops (in a closed loop the number of clients sets it), unless the
benchmark has only closed ones; throughput belongs to closed loops and to open ones that ask for at least the limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from components.benchmarks import statistics, words
from components.benchmarks.enough import PERCENTILES
from components.benchmarks.result import Check, LoadShape, Measurement, Outcome, Verdict
from components.benchmarks.samples import Samples

LATENCY = ("mean_s", *PERCENTILES)
SEVERITY: tuple[Outcome, ...] = ("pass", "undecided", "invalid", "fail")


def applicable(limits: Mapping[str, float], load: LoadShape, loads: Sequence[LoadShape]) -> Mapping[str, float]:
    """The limits of an objective that this load, among all of its benchmark, can show to be kept or missed."""
    only_closed = all(other.rate_per_s is None for other in loads)

    def shows(metric: str) -> bool:
        if metric in LATENCY:
            return load.rate_per_s is not None or only_closed
        if metric == "throughput_per_s":
            return load.rate_per_s is None or load.rate_per_s >= limits[metric]
        return True

    return {metric: limit for metric, limit in limits.items() if shows(metric)}


def tightest_s(limits: Mapping[str, float]) -> float | None:
    """The lowest latency limit of an objective, in seconds."""
    return min((limits[metric] for metric in LATENCY if metric in limits), default=None)


def judge(limits: Mapping[str, float], measurement: Measurement, samples: Samples | None) -> Verdict | None:
    """What the limits say of a measurement, with its samples if there are any; None when there are none to check."""
    if not limits:
        return None
    checks = tuple(_check(metric, limits[metric], measurement, samples) for metric in words.METRICS if metric in limits)
    return Verdict(all_of([check.outcome for check in checks]), checks)


def all_of(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst: a failure outweighs what is not known, and nothing fails when there is nothing."""
    return max(outcomes, key=SEVERITY.index, default="pass")


def any_of(outcomes: Iterable[Outcome]) -> Outcome:
    """The best: one pass suffices; while something is not known, nothing has failed."""
    return min(outcomes, key=("pass", "undecided", "invalid", "fail").index, default="pass")


def _check(metric: str, limit: float, measurement: Measurement, samples: Samples | None) -> Check:
    actual = _actual(metric, measurement)
    if measurement.invalid:
        return Check(metric, limit, actual, "invalid", measurement.invalid[0])
    if metric not in LATENCY:
        return _threshold(metric, limit, actual)
    if samples is None:
        check = _without_samples(metric, limit, actual, measurement)
    else:
        of_latency = _mean if metric == "mean_s" else partial(_percentile, metric)
        check = of_latency(limit, actual, samples, measurement.load.duration_s)
    if check.outcome == "fail" and measurement.late:
        return replace(check, outcome="undecided", why=f"{check.why}, but {measurement.late}")
    return check


def _actual(metric: str, measurement: Measurement) -> float | None:
    if metric in LATENCY:
        value = float(getattr(measurement.response, metric))
        return None if math.isnan(value) else value
    if metric == "errors":
        return sum(measurement.errors.values()) / measurement.requests if measurement.requests else None
    return measurement.accuracy if metric == "accuracy" else measurement.achieved_per_s


def _percentile(metric: str, limit: float, actual: float | None, samples: Samples, duration_s: float) -> Check:
    p, name = PERCENTILES[metric], words.METRICS[metric]
    over = ~samples.good | (samples.response_s > limit)
    n, count = len(samples), int(over.sum())
    seen = f"{name} {words.ms(actual)}" if actual is not None else f"{name} without one good answer"
    counted = f"{count:,} of {n:,} requests over {words.ms(limit)}"
    match statistics.sureness(n, count, p):
        case "unsure":
            more = statistics.needed(p, count)
            need = f"{more:,} requests" if n < more else "a clearer difference"
            return Check(metric, limit, actual, "undecided", f"{seen}: {counted}, a verdict needs {need}")
        case sure:
            sides = [s <= 1 - p for s in statistics.shares_by_block(over, samples.scheduled_s, duration_s) if s == s]
            kept = sure == "kept"
            if any(side != kept for side in sides):
                why = f"{seen}: {counted}, but the thirds of the run disagree"
                return Check(metric, limit, actual, "undecided", why)
            return Check(metric, limit, actual, "pass" if kept else "fail", f"{seen} ({counted})")


def _without_samples(metric: str, limit: float, actual: float | None, measurement: Measurement) -> Check:
    """A check against what a tool tells of the distribution."""
    name = words.METRICS[metric]
    if actual is None:
        return Check(metric, limit, None, "fail", "no good answer")
    seen = f"{name} {words.ms(actual)}"
    if metric == "mean_s":
        return Check(metric, limit, actual, "pass" if actual <= limit else "fail", seen)
    fewest, most = _over(limit, measurement)
    n = measurement.requests
    if statistics.sureness(n, most, PERCENTILES[metric]) == "kept":
        return Check(metric, limit, actual, "pass", f"{seen} (at most {most:,} of {n:,} over {words.ms(limit)})")
    if statistics.sureness(n, fewest, PERCENTILES[metric]) == "missed":
        return Check(metric, limit, actual, "fail", f"{seen} (at least {fewest:,} of {n:,} over {words.ms(limit)})")
    why = f"{seen}: {fewest:,} to {most:,} of {n:,} requests over {words.ms(limit)}, {measurement.tool} tells no more"
    return Check(metric, limit, actual, "undecided", why)


def _over(limit: float, measurement: Measurement) -> tuple[int, int]:
    """The fewest and the most requests that can have been over a limit, failed ones among them."""
    failed = sum(measurement.errors.values())
    good = measurement.requests - failed
    told = {"max_s": 1.0, **PERCENTILES}
    known = [(p, value) for name, p in told.items() if not math.isnan(value := getattr(measurement.response, name))]
    within = max((p for p, value in known if value <= limit), default=0.0)
    beyond = min((p for p, value in known if value > limit), default=1.0)
    # The value at rank r is over the limit: so are all from r on.
    fewest = good - math.ceil(round(beyond * good, 9)) + 1 if beyond < 1.0 else 0
    return failed + max(0, fewest), failed + good - math.ceil(round(within * good, 9))


def _mean(limit: float, actual: float | None, samples: Samples, duration_s: float) -> Check:
    if actual is None:
        return Check("mean_s", limit, None, "fail", "no good answer")
    good = samples.good
    means = statistics.means_by_block(samples.response_s[good], samples.scheduled_s[good], duration_s)
    sides = {mean <= limit for mean in means if not np.isnan(mean)}
    why = f"mean {words.ms(actual)}"
    if len(sides) > 1:
        return Check("mean_s", limit, actual, "undecided", f"{why}, but the thirds of the run disagree")
    return Check("mean_s", limit, actual, "pass" if actual <= limit else "fail", why)


def _threshold(metric: str, limit: float, actual: float | None) -> Check:
    if actual is None:
        why = "no labels in the data" if metric == "accuracy" else "nothing was measured"
        return Check(metric, limit, None, "undecided", f"{words.METRICS[metric]} is not known: {why}")
    kept = actual <= limit if metric == "errors" else actual >= limit
    why = f"{words.METRICS[metric]} {words.figure(metric, actual)}"
    return Check(metric, limit, actual, "pass" if kept else "fail", why)

"""What is drawn, computed from raw samples: small arrays whose size does not grow with the number of requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.benchmarks.samples import Samples
from components.benchmarks.statistics import percentile

Floats = NDArray[np.float64]

MOST_BINS: Final = 120
LEAST_BINS: Final = 20
REQUESTS_A_BIN: Final = 10
POINTS_A_NINE: Final = 24


@dataclass(frozen=True)
class Distribution:
    """Latencies (ms) at quantiles; `requests` good answers stand behind them."""

    quantiles: Floats
    latency_ms: Floats
    requests: int

    def at(self, quantile: float) -> float:
        """The latency at a quantile, in ms."""
        return float(np.interp(quantile, self.quantiles, self.latency_ms))


@dataclass(frozen=True)
class Timeline:
    """Latency over the time of a measurement in equal bins: arrays of one length; NaN where nothing was answered."""

    time_s: Floats
    median_ms: Floats
    max_ms: Floats
    failed: NDArray[np.int64]
    duration_s: float


def distribution(runs: Sequence[Samples]) -> Distribution | None:
    """The distribution of all good answers, up to the last quantile that ten requests lie beyond, p99.9 at the most."""
    good = np.concatenate([run.response_s[run.good] for run in runs]) if runs else np.empty(0)
    if not len(good):
        return None
    highest = next((q for q in (0.999, 0.99, 0.9) if len(good) * (1 - q) >= 9.999), 0.5)
    nines = -np.log10(1 - highest)
    steps = np.linspace(0, nines, max(2, round(nines * POINTS_A_NINE)) + 1)
    quantiles = np.unique(np.concatenate([1 - 10**-steps, [q for q in (0.5, 0.9, 0.99, 0.999) if q <= highest]]))
    ordered = np.sort(good) * 1e3
    return Distribution(quantiles, np.array([percentile(ordered, q) for q in quantiles]), len(good))


def timeline(samples: Samples, duration_s: float, *, repeats: int = 1) -> Timeline:
    """Median and maximum of the response time by the time at which requests were due.

    `repeats` stand side by side in one chart and share its bins; few requests get few bins, or each would be its own.
    """
    bins = max(LEAST_BINS, min(MOST_BINS // repeats, len(samples) // REQUESTS_A_BIN))
    edges = np.linspace(0, duration_s, bins + 1)
    place = np.clip(np.searchsorted(edges, samples.scheduled_s, side="right") - 1, 0, bins - 1)
    median, highest = np.full(bins, np.nan), np.full(bins, np.nan)
    good = samples.good
    places, values = place[good], samples.response_s[good] * 1e3
    order = np.argsort(places, kind="stable")
    bounds = np.searchsorted(places[order], np.arange(bins + 1))
    for index, (start, end) in enumerate(pairwise(bounds)):
        if end > start:
            inside = values[order[start:end]]
            median[index], highest[index] = np.median(inside), inside.max()
    failed = np.bincount(place[~good], minlength=bins)
    return Timeline((edges[:-1] + edges[1:]) / 2, median, highest, failed, duration_s)

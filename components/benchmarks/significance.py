"""Is a difference between two series of latencies more than noise: the arithmetic of a comparison.

Requests queue behind each other, so neighbours resemble each other and a test that believes them independent cries
wolf. Everything here therefore works on *blocks* of consecutive requests: the bootstrap draws whole blocks, and the
rank test ranks one figure a block. Both sides use blocks of the same length, because the p99 of few requests is not the
p99 of many. Pure and deterministic: the seed is an argument.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.benchmarks.statistics import percentile

Floats = NDArray[np.float64]

BLOCKS: Final = 25
"""Blocks of the shorter side."""

BINS: Final = 1024
RESAMPLES: Final = 1000
QUANTILES: Final[Mapping[str, float]] = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
LEAST_BLOCK: Final[Mapping[str, int]] = {"mean": 4, "p50": 4, "p90": 20, "p99": 100}
"""Requests a block needs before its figure means something: about one beyond the percentile."""


@dataclass(frozen=True)
class Evidence:
    """What one figure says of two sides: the ratio b/a with its 95 % interval, and the rank test's p."""

    metric: str
    ratio: float
    low: float
    high: float
    p: float


def evidence(a: Sequence[Floats], b: Sequence[Floats], *, seed: int = 1) -> tuple[Evidence, ...]:
    """Weigh two sides, each a sequence of runs of latencies (1-d, any unit, in order of time).

    One `Evidence` for each of mean, p50, p90, p99 that has requests enough; none at all when either side is too short.
    """
    requests = min(sum(map(len, a)), sum(map(len, b)))
    length = requests // BLOCKS
    blocks_a, blocks_b = blocks(a, length), blocks(b, length)
    if min(len(blocks_a), len(blocks_b)) < BLOCKS // 2:
        return ()
    everything = np.concatenate([blocks_a.ravel(), blocks_b.ravel()])
    edges = _edges(everything)
    random = np.random.default_rng(seed)
    drawn_a, drawn_b = (_resample(side, edges, random) for side in (blocks_a, blocks_b))
    found = []
    for metric, least in LEAST_BLOCK.items():
        if length < least:
            continue
        low, high = np.quantile(drawn_b[metric] / drawn_a[metric], [0.025, 0.975])
        ratio = figure(blocks_b.ravel(), metric) / figure(blocks_a.ravel(), metric)
        p = mann_whitney(_per_block(blocks_a, metric), _per_block(blocks_b, metric))
        found.append(Evidence(metric, ratio, float(low), float(high), p))
    return tuple(found)


def figure(values: Floats, metric: str) -> float:
    """`mean`, `p50`, `p90` or `p99` of the values."""
    return float(np.mean(values)) if metric == "mean" else percentile(np.sort(values), QUANTILES[metric])


def blocks(runs: Sequence[Floats], length: int) -> Floats:
    """Cut each run into blocks of `length` neighbours: an array (blocks, length); a remainder is left out."""
    if length < 1:
        return np.empty((0, 1))
    return np.concatenate([run[: len(run) // length * length].reshape(-1, length) for run in runs])


def mann_whitney(a: Floats, b: Floats) -> float:
    """Two-sided p of the Mann-Whitney U test, normal approximation with ties and continuity correction.

    H. B. Mann, D. R. Whitney, "On a test of whether one of two random variables is stochastically larger than the
    other", 1947; variance with ties: E. L. Lehmann, "Nonparametrics", 1975, section 1.3 (the same that
    https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.mannwhitneyu.html uses).
    """
    n_a, n_b = len(a), len(b)
    total = n_a + n_b
    _, inverse, counts = np.unique(np.concatenate([a, b]), return_inverse=True, return_counts=True)
    last_rank = np.cumsum(counts)
    ranks = (last_rank - (counts - 1) / 2)[inverse]
    u = float(ranks[:n_a].sum()) - n_a * (n_a + 1) / 2
    ties = float((counts.astype(np.float64) ** 3 - counts).sum())
    variance = n_a * n_b / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = max(abs(u - n_a * n_b / 2) - 0.5, 0.0) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p values corrected for being many, in their order.

    S. Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    corrected = [0.0] * len(p_values)
    worst = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        worst = max(worst, min(1.0, p_values[index] * (len(p_values) - place)))
        corrected[index] = worst
    return tuple(corrected)


def _per_block(cut: Floats, metric: str) -> Floats:
    values: Floats = cut.mean(axis=1) if metric == "mean" else np.quantile(cut, QUANTILES[metric], axis=1)
    return values


def _edges(values: Floats) -> Floats:
    """Logarithmic bins over all values: 1024 of them hold a range of 1 to 100 within 0.5 %."""
    low, high = max(float(values.min()), 1e-9), max(float(values.max()), 2e-9)
    return np.geomspace(low, max(high, low * 1.001), BINS + 1)


def _resample(cut: Floats, edges: Floats, random: np.random.Generator) -> dict[str, Floats]:
    """Figures of `RESAMPLES` draws of whole blocks, each an array (RESAMPLES,).

    A draw is a count a block, so that a draw's histogram is a product of matrices and no sample is touched again: cost
    does not grow with the number of requests.
    """
    count, length = cut.shape
    draws = random.multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(np.float64)
    places = np.clip(np.searchsorted(edges, cut, side="right") - 1, 0, BINS - 1)
    offset = places + BINS * np.arange(count)[:, None]
    histograms = np.bincount(offset.ravel(), minlength=count * BINS).reshape(count, BINS).astype(np.float64)
    figures = {"mean": draws @ cut.mean(axis=1) / count}
    cumulated = np.cumsum(draws @ histograms, axis=1)
    middles = np.sqrt(edges[:-1] * edges[1:])
    for metric, quantile in QUANTILES.items():
        reached = np.argmax(cumulated >= quantile * count * length, axis=1)
        figures[metric] = middles[reached]
    return figures

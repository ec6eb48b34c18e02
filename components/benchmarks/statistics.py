"""What samples say and how surely: percentiles, and whether there were enough requests to call a limit kept or missed.

Pure. A percentile is the nearest-rank one (the smallest sample that at least the share p of all samples do not exceed):
it is a latency that really occurred, and it needs no model between two samples.

Early stopping follows MLPerf Inference (https://github.com/mlcommons/inference_policies, appendix "Early stopping
criterion"): with `over` of `n` requests over a limit, the p-th percentile keeps the limit at confidence c when so few
would be seen with probability of at most 1 - c were the true share over it 1 - p; the other tail says it is missed.
The criterion supposes independent requests. A queue makes neighbours alike, so three blocks of time must agree as well.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from components.benchmarks.enough import CONFIDENCE, PERCENTILES
from components.benchmarks.result import Latency

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Sureness = Literal["kept", "missed", "unsure"]

BLOCKS = 3


def percentile(ordered: Floats, p: float) -> float:
    """The nearest-rank percentile of sorted samples; NaN when there are none. `p` is a share, 0 < p <= 1."""
    if not len(ordered):
        return math.nan
    # 0.99 * 300 is 297.00000000000006 in floating point, which must not become rank 298.
    rank = math.ceil(round(p * len(ordered), 9))
    return float(ordered[max(rank, 1) - 1])


def latency(seconds: Floats) -> Latency:
    """The distribution of times in seconds, in any order; all NaN when there are none."""
    ordered = np.sort(seconds)
    mean = float(ordered.mean()) if len(ordered) else math.nan
    points = {name: percentile(ordered, p) for name, p in PERCENTILES.items()}
    return Latency(mean_s=mean, max_s=percentile(ordered, 1.0), **points)


def sureness(n: int, over: int, p: float, confidence: float = CONFIDENCE) -> Sureness:
    """Whether the p-th percentile keeps a limit that `over` of `n` requests exceeded."""
    share = 1 - p
    if n and binomial_cdf(over, n, share) <= 1 - confidence:
        return "kept"
    # P(X >= over) of X is P(Y <= n - over) of Y = n - X.
    if over and binomial_cdf(n - over, n, p) <= 1 - confidence:
        return "missed"
    return "unsure"


def needed(p: float, over: int = 0, confidence: float = CONFIDENCE) -> int:
    """The fewest requests that show the p-th percentile to keep a limit when `over` of them exceed it."""
    enough = max(1, over + 1)
    while sureness(enough, over, p, confidence) != "kept":
        enough *= 2
    short = enough // 2
    while enough - short > 1:
        middle = (enough + short) // 2
        if sureness(middle, over, p, confidence) == "kept":
            enough = middle
        else:
            short = middle
    return enough


def binomial_cdf(k: int, n: int, share: float) -> float:
    """P(X <= k) where X of n independent trials succeed, each with the given probability."""
    if k < 0:
        return 0.0
    if k >= n or share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    # Terms fall off fast away from the mean, so their logarithms are summed relative to the largest.
    i = np.arange(k + 1, dtype=np.float64)
    steps = np.log((n - i[:-1]) / (i[:-1] + 1)) + math.log(share / (1 - share))
    logs = n * math.log1p(-share) + np.concatenate(([0.0], np.cumsum(steps)))
    top = float(logs.max())
    return min(1.0, math.exp(top) * float(np.exp(logs - top).sum()))


def blocks(at_s: Floats, duration_s: float, count: int = BLOCKS) -> NDArray[np.intp]:
    """For each request, which of `count` equal stretches of the run it was due in."""
    edges = np.linspace(0, duration_s, count + 1)[1:-1]
    return np.searchsorted(edges, at_s, side="right")


def shares_by_block(hit: Bools, at_s: Floats, duration_s: float, count: int = BLOCKS) -> tuple[float, ...]:
    """The share of hits in each stretch of the run; NaN for a stretch without requests."""
    which = blocks(at_s, duration_s, count)
    return tuple(_mean(hit[which == block]) for block in range(count))


def means_by_block(values: Floats, at_s: Floats, duration_s: float, count: int = BLOCKS) -> tuple[float, ...]:
    """The mean of values in each stretch of the run; NaN for a stretch without requests."""
    which = blocks(at_s, duration_s, count)
    return tuple(_mean(values[which == block]) for block in range(count))


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else math.nan

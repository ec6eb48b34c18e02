"""How many requests a verdict takes at the least, and which loads of a benchmark ask for too few: known before it runs.

Pure, and without numpy: plans say it. What samples then show is in `statistics.py`, which explains the criterion.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from components.benchmarks import words
from components.benchmarks.description import limits, load_shapes
from schemas.spec import Benchmark

CONFIDENCE: Final = 0.99
PERCENTILES: Final = {"p50_s": 0.5, "p90_s": 0.9, "p95_s": 0.95, "p99_s": 0.99, "p999_s": 0.999}


def fewest(p: float, confidence: float = CONFIDENCE) -> int:
    """The fewest requests that show the p-th percentile to keep a limit, when not one of them exceeds it.

    The least n with p^n <= 1 - c: were the share over the limit 1 - p, none of n would be over it with probability p^n
    (https://github.com/mlcommons/inference_policies, appendix "Early stopping criterion", with no query over).
    """
    return math.ceil(math.log(1 - confidence) / math.log(p))


def too_short(benchmark: Benchmark) -> Iterator[str]:
    """A line for each open load of a benchmark that cannot show the objective's highest percentile to be kept."""
    judged = [metric for metric in PERCENTILES if metric in limits(benchmark.objective)]
    if not judged:
        return
    highest = max(judged, key=PERCENTILES.__getitem__)
    least = fewest(PERCENTILES[highest])
    for load in load_shapes(benchmark.load):
        if load.rate_per_s is not None and (asked := math.floor(load.rate_per_s * load.duration_s)) < least:
            yield (
                f"{benchmark.name}: {words.METRICS[highest]} needs at least {least:,} requests for a verdict, and "
                f"{load.label} for {load.duration_s:g} s asks for {asked:,}: longer or faster"
            )

"""When the requests of an open loop are due. Pure: the same load and seed give the same times.

Poisson arrivals are drawn with their number fixed at rate x time: given its number of arrivals, a Poisson process is
that many independent uniform times in order (Ross, Stochastic Processes, theorem 2.3.1). So the rate asked is met
exactly and two targets get the same number of requests.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.benchmarks.result import LoadShape


def schedule(load: LoadShape) -> NDArray[np.float64]:
    """Due times in seconds, in order; those of the warm-up are negative, the measurement begins at 0."""
    if load.rate_per_s is None:
        raise ValueError("a closed loop has no schedule")
    if load.arrivals == "poisson":
        random = np.random.default_rng(load.seed)
        return np.concatenate((-poisson(random, load.rate_per_s, load.warmup_s)[::-1],
                               poisson(random, load.rate_per_s, load.duration_s)))  # fmt: skip
    warmup = constant(load.rate_per_s, load.warmup_s)
    return np.concatenate((warmup - len(warmup) / load.rate_per_s, constant(load.rate_per_s, load.duration_s)))


def constant(rate_per_s: float, duration_s: float) -> NDArray[np.float64]:
    """Times with equal distances, from 0 to before the duration's end."""
    return np.arange(round(rate_per_s * duration_s)) / rate_per_s


def poisson(random: np.random.Generator, rate_per_s: float, duration_s: float) -> NDArray[np.float64]:
    """Times of a Poisson process of exactly rate x duration arrivals, in order."""
    return np.sort(random.uniform(0, duration_s, round(rate_per_s * duration_s)))

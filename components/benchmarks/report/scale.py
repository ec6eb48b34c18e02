"""Axes: from a figure to a place on the page, and the round figures that are written beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol


class Scale(Protocol):
    """A figure's place between `start` and `end` (user units of the SVG), and the ticks with their labels."""

    def __call__(self, value: float) -> float: ...

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]: ...


@dataclass(frozen=True)
class Linear:
    """Equal distances for equal differences, from 0 to a round figure above `high`, or to `high` itself (`tight`)."""

    high: float
    start: float
    end: float
    tight: bool = False

    def __call__(self, value: float) -> float:
        return self.start + (self.end - self.start) * value / self._top

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """At most six round figures from 0 upwards."""
        step = self._step
        return tuple((i * step, number(i * step)) for i in range(math.floor(self._top / step + 1e-9) + 1))

    @property
    def _step(self) -> float:
        rough = (self.high or 1.0) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999999)

    @property
    def _top(self) -> float:
        high = self.high or 1.0
        return high if self.tight else math.ceil(high / self._step - 1e-9) * self._step


@dataclass(frozen=True)
class Logarithmic:
    """Equal distances for equal ratios, over whole steps of 1-2-5 around `low` and `high` (both above 0)."""

    low: float
    high: float
    start: float
    end: float
    most_ticks: int = 8

    def __call__(self, value: float) -> float:
        low, high = math.log(self._steps[0]), math.log(self._steps[-1])
        clipped = min(max(value, self._steps[0]), self._steps[-1])
        return self.start + (self.end - self.start) * (math.log(clipped) - low) / (high - low)

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Steps of 1-2-5 when there are few, else powers of ten, else every so many-th step."""
        steps = self._steps
        if len(steps) > self.most_ticks:
            tens = tuple(step for step in steps if abs(math.log10(step) - round(math.log10(step))) < 1e-9)
            chosen = tens if len(tens) >= 3 else steps
            steps = chosen[:: -(-len(chosen) // self.most_ticks)]
        return tuple((step, number(step)) for step in steps)

    @property
    def _steps(self) -> tuple[float, ...]:
        first, last = math.floor(math.log10(self.low)) - 1, math.ceil(math.log10(self.high)) + 1
        ladder = [float(f"{factor}e{power}") for power in range(first, last + 1) for factor in (1, 2, 5)]
        below = max((i for i, step in enumerate(ladder) if step <= self.low * 1.000001), default=0)
        above = min(i for i, step in enumerate(ladder) if step >= self.high * 0.999999)
        return tuple(ladder[below : max(above, below + 1) + 1])


QUANTILES: Final = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)


@dataclass(frozen=True)
class Tail:
    """Quantiles as HdrHistogram draws them: every further nine takes as much room as the one before."""

    highest: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (self.end - self.start) * _nines(min(value, self.highest)) / _nines(self.highest)

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Percentiles up to the highest."""
        return tuple((q, f"p{number(q * 100)}") for q in QUANTILES if q <= self.highest)


def _nines(quantile: float) -> float:
    return -math.log10(1 - quantile)


def number(value: float) -> str:
    """A round figure as written beside an axis."""
    return f"{value:,.6f}".rstrip("0").rstrip(".")


def around(values: Iterable[float], *, least: float = 1e-9) -> tuple[float, float]:
    """The least and greatest of the values that can stand on a logarithmic axis; (1, 10) when none can."""
    usable = [value for value in values if math.isfinite(value) and value >= least]
    return (min(usable), max(usable)) if usable else (1.0, 10.0)

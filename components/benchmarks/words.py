"""Figures of a benchmark as people read them: the same words in the terminal, in the report and in verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from components.benchmarks.result import LoadShape
from schemas.words import counted

METRICS: Mapping[str, str] = {
    "mean_s": "mean",
    "p50_s": "p50",
    "p90_s": "p90",
    "p95_s": "p95",
    "p99_s": "p99",
    "p999_s": "p99.9",
    "errors": "errors",
    "accuracy": "accuracy",
    "throughput_per_s": "throughput",
}
"""The limits an objective may have, in the order in which they are said, with their names."""


def ms(seconds: float) -> str:
    """A time in milliseconds with three significant digits: `0.412 ms`, `12.3 ms`, `1,250 ms`."""
    if math.isnan(seconds):
        return "-"
    return f"{digits(seconds * 1e3)} ms"


def digits(value: float) -> str:
    """A number with three significant digits, no exponent, thousands separated."""
    if value == 0 or math.isnan(value):
        return "0" if value == 0 else "-"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def rate(per_s: float) -> str:
    """A rate: `50/s`, `49.7/s`, `4,210/s`."""
    if math.isnan(per_s):
        return "-"
    return f"{per_s:,.0f}/s" if per_s >= 1000 or per_s == round(per_s) else f"{digits(per_s)}/s"


def percent(share: float) -> str:
    """A share in percent: `0%`, `0.25%`, `97.8%`."""
    if math.isnan(share):
        return "-"
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"


def listed(names: Sequence[str], word: str = "and") -> str:
    """Names as in a sentence: `a`, `a and b`, `a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {word} {names[-1]}"


def figure(metric: str, value: float) -> str:
    """The value of a metric of an objective with its unit."""
    match metric:
        case "errors" | "accuracy":
            return percent(value)
        case "throughput_per_s":
            return rate(value)
        case _:
            return ms(value)


def limit(metric: str, value: float) -> str:
    """One limit in words: `p99 <= 5 ms`, `no errors`, `accuracy >= 97%`."""
    if metric == "errors" and value == 0:
        return "no errors"
    sign = ">=" if metric in ("accuracy", "throughput_per_s") else "<="
    return f"{METRICS[metric]} {sign} {_plain(figure(metric, value))}"


def objective(limits: Mapping[str, Any] | None) -> str:
    """All limits of an objective in words; empty when there is none."""
    return listed([limit(metric, limits[metric]) for metric in METRICS if limits and limits.get(metric) is not None])


def load(shape: LoadShape) -> str:
    """A load in words: `200/s`, `200/s Poisson`, `8 clients`, with the batch where it is more than one row."""
    batch = f", batch {shape.batch}" if shape.batch > 1 else ""
    if shape.rate_per_s is not None:
        return rate(shape.rate_per_s) + (" Poisson" if shape.arrivals == "poisson" else "") + batch
    return f"{counted(shape.clients or 0, 'client')}{batch}"


def _plain(text: str) -> str:
    """`5.00 ms` as a person wrote it: `5 ms`."""
    number, space, unit = text.partition(" ")
    return (number.rstrip("0").rstrip(".") if "." in number else number) + space + unit

"""The percentile plot in the manner of HdrHistogram: how long the slow ones take, for each target under one load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from components.benchmarks import words
from components.benchmarks.report import chart
from components.benchmarks.report.html import Markup, tag, typeset
from components.benchmarks.report.look import Look, marker
from components.benchmarks.report.scale import QUANTILES, Logarithmic, Tail, around
from components.benchmarks.report.series import Distribution

HEIGHT: Final = 320
BOTTOM: Final = HEIGHT - chart.TITLE_ROOM
LIMITS: Final = {"p50_s": 0.5, "p90_s": 0.9, "p95_s": 0.95, "p99_s": 0.99, "p999_s": 0.999}


def distribution_chart(
    name: str,
    load: str,
    series: Mapping[str, Distribution],
    looks: Mapping[str, Look],
    limits: Mapping[str, float],
) -> Markup:
    """One line a target from the fastest answer to p99.9, with its marker at each named percentile."""
    drawable = {metric: limit for metric, limit in limits.items() if metric in LIMITS}
    highest = max(float(each.quantiles[-1]) for each in series.values())
    low, high = around(
        [float(v) for each in series.values() for v in each.latency_ms] + [1e3 * limit for limit in drawable.values()]
    )
    x, y = Tail(highest, chart.LEFT, chart.RIGHT), Logarithmic(low, high, BOTTOM, chart.TOP)
    drawn = [
        chart.y_axis(y, "latency, ms"),
        chart.x_axis(x, "percentile of requests", top=chart.TOP, bottom=BOTTOM),
        [_limit(metric, limit, x, y) for metric, limit in drawable.items() if LIMITS[metric] <= highest],
        [_line(target, each, looks[target], x, y) for target, each in series.items()],
    ]
    title = f"Latency distribution at {load}"
    picture = chart.drawing(name, title, _described(series), *drawn, height=HEIGHT)
    return chart.figure(load, picture, note=_note(series))


def _line(target: str, each: Distribution, look: Look, x: Tail, y: Logarithmic) -> Markup:
    points = [(x(float(q)), y(float(v))) for q, v in zip(each.quantiles, each.latency_ms, strict=True)]
    named = [q for q in QUANTILES[1:] if q <= each.quantiles[-1]]
    return tag(
        "g",
        tag("path", d=chart.path(points), class_="line", stroke_dasharray=look.dash),
        [marker(look, x(q), y(each.at(q)), tip=f"{target}: p{q * 100:g} {words.ms(each.at(q) / 1e3)}") for q in named],
        class_=look.colour,
    )


def _limit(metric: str, limit_s: float, x: Tail, y: Logarithmic) -> Markup:
    """A limit of the objective: a bar at its percentile that lines should pass below."""
    at, level = x(LIMITS[metric]), y(limit_s * 1e3)
    return tag(
        "g",
        tag("line", x1=at - 26, x2=min(at + 26, chart.RIGHT), y1=level, y2=level),
        tag(
            "text",
            typeset(words.limit(metric, limit_s)),
            x=min(at, chart.RIGHT - 40),
            y=level - 7,
            text_anchor="middle",
        ),
        class_="limit",
    )


def _described(series: Mapping[str, Distribution]) -> str:
    return " ".join(
        f"{target}: "
        + ", ".join(f"p{q * 100:g} {words.ms(each.at(q) / 1e3)}" for q in QUANTILES[1:] if q <= each.quantiles[-1])
        + "."
        for target, each in series.items()
    )


def _note(series: Mapping[str, Distribution]) -> str:
    """Why a line ends early."""
    short = [target for target, each in series.items() if each.quantiles[-1] < 0.999]
    if not short:
        return ""
    names = "the lines" if len(short) == len(series) else words.listed(short)
    ends = "ends" if len(short) == 1 and names != "the lines" else "end"
    return f"{names[0].upper()}{names[1:]} {ends} where fewer than ten requests lie beyond."

"""Throughput against latency: each load a point, a line a target; where a line turns up, the target is full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from components.benchmarks import words
from components.benchmarks.answer import Row
from components.benchmarks.report import chart
from components.benchmarks.report.html import Markup, tag, typeset
from components.benchmarks.report.look import Look, marker
from components.benchmarks.report.scale import Linear, Logarithmic, around

HEIGHT: Final = 320
BOTTOM: Final = HEIGHT - chart.TITLE_ROOM


def capacity_chart(
    name: str, metric: str, rows: Sequence[Row], looks: Mapping[str, Look], limits: Mapping[str, float]
) -> Markup:
    """The rate of good answers against one latency (`p50_s`, `p99_s`) over all loads; invalid points are hollow."""
    label = words.METRICS[metric]
    limit = limits.get(metric)
    shown = [row for row in rows if _latency_ms(row, metric) > 0]
    low, high = around([*(_latency_ms(row, metric) for row in shown), *([limit * 1e3] if limit else [])])
    x = Linear(max((row.achieved_per_s for row in shown), default=1.0), chart.LEFT, chart.RIGHT - 8)
    y = Logarithmic(low, high, BOTTOM, chart.TOP)
    drawn = [
        chart.y_axis(y, f"{label}, ms"),
        chart.x_axis(x, "good answers a second", top=chart.TOP, bottom=BOTTOM),
        _limit(metric, limit, y) if limit else None,
        [
            _line(target, [row for row in shown if row.target == target], looks[target], metric, x, y)
            for target in looks
        ],
    ]
    title = f"Throughput against {label}"
    return chart.figure(title, chart.drawing(name, title, _described(shown, metric), *drawn, height=HEIGHT))


def _latency_ms(row: Row, metric: str) -> float:
    return 1e3 * float(getattr(row.response, metric))


def _line(target: str, rows: Sequence[Row], look: Look, metric: str, x: Linear, y: Logarithmic) -> Markup:
    """Open and closed loads are lines of their own: they do not continue each other."""
    kinds = [[row for row in rows if (row.load.clients is None) == is_open] for is_open in (True, False)]
    ordered = [sorted(kind, key=lambda row: row.load.rate_per_s or row.load.clients or 0) for kind in kinds]
    return tag(
        "g",
        [
            tag(
                "path",
                d=chart.path((x(row.achieved_per_s), y(_latency_ms(row, metric))) for row in kind if row.valid),
                class_="line thin",
                stroke_dasharray=look.dash,
            )
            for kind in ordered
        ],
        [
            marker(
                look,
                x(row.achieved_per_s),
                y(_latency_ms(row, metric)),
                size=5.5,
                tip=f"{target} at {row.load.label}: {_figures(row, metric)}{'' if row.valid else ', INVALID'}",
                hollow=not row.valid,
            )
            for row in rows
        ],
        class_=look.colour,
    )


def _limit(metric: str, limit_s: float, y: Logarithmic) -> Markup:
    level = y(limit_s * 1e3)
    return tag(
        "g",
        tag("line", x1=chart.LEFT, x2=chart.RIGHT, y1=level, y2=level),
        tag("text", typeset(words.limit(metric, limit_s)), x=chart.RIGHT, y=level - 7, text_anchor="end"),
        class_="limit",
    )


def _figures(row: Row, metric: str) -> str:
    return f"{words.rate(row.achieved_per_s)}, {words.METRICS[metric]} {words.ms(getattr(row.response, metric))}"


def _described(rows: Sequence[Row], metric: str) -> str:
    return "; ".join(f"{row.target} at {row.load.label}: {_figures(row, metric)}" for row in rows) + "."

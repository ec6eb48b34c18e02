"""Latency over time: one strip a target under the same load, repeats side by side; stalls and drifts show here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from components.benchmarks import words
from components.benchmarks.report import chart
from components.benchmarks.report.html import Markup, tag
from components.benchmarks.report.look import Look, marker
from components.benchmarks.report.scale import Linear, Logarithmic, around
from components.benchmarks.report.series import Timeline

STRIP: Final = 84
GAP: Final = 40


def timeline_chart(name: str, load: str, series: Mapping[str, Sequence[Timeline]], looks: Mapping[str, Look]) -> Markup:
    """Median (line) and maximum (edge of the shade) of each bin of time; crosses mark bins with failed requests."""
    every = [each for runs in series.values() for each in runs]
    low, high = around(float(v) for each in every for v in (*each.median_ms, *each.max_ms))
    total_s = max(sum(each.duration_s for each in runs) for runs in series.values())
    x = Linear(total_s, chart.LEFT, chart.RIGHT, tight=True)
    strips = []
    top: float = chart.TOP
    for target, runs in series.items():
        y = Logarithmic(low, high, top + STRIP, top, most_ticks=4)
        strips.append(_strip(target, runs, looks[target], x, y, top))
        top += STRIP + GAP
    bottom = top - GAP
    drawn = [*strips, chart.x_axis(x, "time, s", top=chart.TOP, bottom=bottom, lines=False)]
    title = f"Latency over time at {load}"
    picture = chart.drawing(name, title, _described(series), *drawn, height=bottom + chart.TITLE_ROOM)
    return chart.figure(load, picture)


def _strip(target: str, runs: Sequence[Timeline], look: Look, x: Linear, y: Logarithmic, top: float) -> Markup:
    heading = tag(
        "g",
        marker(look, chart.LEFT + 5, top - 16.5, size=4),
        tag("text", target, x=chart.LEFT + 15, y=top - 12, class_="name"),
        class_=look.colour,
    )
    ms = tag("text", "ms", x=chart.LEFT - 8, y=top - 12, text_anchor="end", class_="axis")
    start_s, drawn = 0.0, []
    for run in runs:
        drawn.append(_run(run, start_s, x, y, top))
        start_s += run.duration_s
    return tag("g", chart.y_axis(y), ms, heading, tag("g", drawn, class_=look.colour))


def _run(run: Timeline, start_s: float, x: Linear, y: Logarithmic, top: float) -> Markup:
    times = [x(start_s + float(t)) for t in run.time_s]
    median = [y(float(v)) if v == v else float("nan") for v in run.median_ms]
    highest = [y(float(v)) if v == v else float("nan") for v in run.max_ms]
    failed = [x(start_s + float(t)) for t, count in zip(run.time_s, run.failed, strict=True) if count]
    return tag(
        "g",
        tag("path", d=_shade(times, median, highest), class_="shade"),
        tag("path", d=chart.path(zip(times, highest, strict=True)), class_="edge"),
        tag("path", d=chart.path(zip(times, median, strict=True)), class_="line"),
        tag("path", d="".join(f"M{at - 3:.1f} {top - 3:.1f}l6 6m0 -6l-6 6" for at in failed), class_="failed")
        if failed
        else None,
        tag("line", x1=x(start_s), x2=x(start_s), y1=top, y2=top + STRIP, class_="cut") if start_s else None,
    )


def _shade(times: Sequence[float], lower: Sequence[float], upper: Sequence[float]) -> str:
    """Closed outlines between two lines, one for each unbroken stretch."""
    parts, stretch = [], list[int]()
    for i in range(len(times) + 1):
        if i < len(times) and lower[i] == lower[i]:
            stretch.append(i)
            continue
        if stretch:
            forth = [f"{times[k]:.1f} {upper[k]:.1f}" for k in stretch]
            back = [f"{times[k]:.1f} {lower[k]:.1f}" for k in reversed(stretch)]
            parts.append(f"M{'L'.join([*forth, *back])}Z")
        stretch = []
    return "".join(parts)


def _described(series: Mapping[str, Sequence[Timeline]]) -> str:
    said = []
    for target, runs in series.items():
        highest = np.concatenate([run.max_ms for run in runs])
        if np.isnan(highest).all():
            said.append(f"{target}: no good answers.")
            continue
        times = np.concatenate([run.time_s + sum(r.duration_s for r in runs[:i]) for i, run in enumerate(runs)])
        peak = int(np.nanargmax(highest))
        failed = sum(int(run.failed.sum()) for run in runs)
        tail = f", {failed} failed requests" if failed else ""
        said.append(f"{target}: slowest answer {words.ms(float(highest[peak]) / 1e3)} after {times[peak]:.1f} s{tail}.")
    return " ".join(said)

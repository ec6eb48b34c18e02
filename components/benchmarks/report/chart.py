"""What all charts share: the drawing with its title and description, axes, and paths through points."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from components.benchmarks.report.html import Child, Markup, tag
from components.benchmarks.report.scale import Scale

WIDTH: Final = 520
LEFT: Final = 54
RIGHT: Final = 492
TOP: Final = 34
TITLE_ROOM: Final = 44
"""Below the plot: tick labels and the title of the x axis."""


def drawing(name: str, title: str, description: str, *children: Child, width: float = WIDTH, height: float) -> Markup:
    """An SVG that says to a screen reader what it shows; `name` is unique in the page."""
    return tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", description, id=f"{name}-desc"),
        *children,
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )


def figure(caption: str, *children: Child, note: str = "") -> Markup:
    """A chart with its caption above and a note below."""
    return tag(
        "figure",
        tag("figcaption", caption),
        *children,
        tag("p", note, class_="note") if note else None,
        class_="chart",
    )


def x_axis(scale: Scale, title: str, *, top: float, bottom: float, lines: bool = True) -> Markup:
    """Tick labels and the title below the plot, and vertical grid lines through it."""
    return tag(
        "g",
        [
            [
                tag("line", x1=scale(value), x2=scale(value), y1=top, y2=bottom, class_="grid") if lines else None,
                tag("text", label, x=scale(value), y=bottom + 18, text_anchor="middle"),
            ]
            for value, label in scale.ticks
        ],
        tag("text", title, x=RIGHT, y=bottom + 38, text_anchor="end", class_="axis"),
    )


def y_axis(scale: Scale, title: str = "", *, top: float = TOP) -> Markup:
    """Tick labels left of the plot with grid lines; the title stands upright above them."""
    return tag(
        "g",
        [
            [
                tag("line", x1=LEFT, x2=RIGHT, y1=scale(value), y2=scale(value), class_="grid"),
                tag("text", label, x=LEFT - 8, y=scale(value) + 4.5, text_anchor="end"),
            ]
            for value, label in scale.ticks
        ],
        tag("text", title, x=2, y=top - 18, class_="axis") if title else None,
    )


def path(points: Iterable[tuple[float, float]]) -> str:
    """The `d` of a line through points; a point that is NaN interrupts it."""
    parts, drawing = [], False
    for x, y in points:
        if math.isnan(y):
            drawing = False
            continue
        parts.append(f"{'L' if drawing else 'M'}{x:.1f} {y:.1f}")
        drawing = True
    return "".join(parts)

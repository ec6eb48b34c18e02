"""How a target looks in every chart: a colour, a dash pattern and a marker together, so that colour never tells alone.

The colours are classes (`c0` to `c5`) of the style sheet, one set for light and one for dark; they come apart for
colour-blind people and have a contrast of at least 3:1 with the page (4.5:1 where text wears them).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, assert_never

from components.benchmarks.report.html import Markup, tag

Marker = Literal["circle", "square", "triangle", "diamond", "wedge"]

COLOURS: Final = 6
DASHES: Final = (None, "7 3", "2 3", "10 3 2 3", "5 2 1 2 1 2")
MARKERS: Final[tuple[Marker, ...]] = ("circle", "square", "triangle", "diamond", "wedge")


@dataclass(frozen=True)
class Look:
    """The look of one target."""

    colour: str
    dash: str | None
    marker: Marker


def looks(names: Sequence[str]) -> dict[str, Look]:
    """A look for each name; six colours against five dashes and markers: thirty before one comes again."""
    return {
        name: Look(f"c{i % COLOURS}", DASHES[i % len(DASHES)], MARKERS[i % len(MARKERS)])
        for i, name in enumerate(names)
    }


def marker(
    look: Look, x: float, y: float, *, size: float = 4.5, tip: str | None = None, hollow: bool = False
) -> Markup:
    """The target's marker at a place; `tip` shows under the mouse; hollow is for what does not count."""
    tooltip = tag("title", tip) if tip else None
    style = {"class_": "hollow" if hollow else "marker"}
    match look.marker:
        case "circle":
            return tag("circle", tooltip, cx=x, cy=y, r=size, **style)
        case "square":
            corner = size * 0.9
            return tag("rect", tooltip, x=x - corner, y=y - corner, width=2 * corner, height=2 * corner, **style)
        case "triangle":
            return _shape([(0, -1.2), (1.15, 0.8), (-1.15, 0.8)], x, y, size, tooltip, style["class_"])
        case "diamond":
            return _shape([(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)], x, y, size, tooltip, style["class_"])
        case "wedge":
            return _shape([(0, 1.2), (1.15, -0.8), (-1.15, -0.8)], x, y, size, tooltip, style["class_"])
        case other:
            assert_never(other)


def swatch(look: Look) -> Markup:
    """A piece of the target's line with its marker, for legends."""
    line = tag("line", x1=1, y1=7, x2=33, y2=7, class_="line", stroke_dasharray=look.dash)
    return tag(
        "svg", line, marker(look, 17, 7), class_=f"swatch {look.colour}", viewBox="0 0 34 14", aria_hidden="true"
    )


def _shape(
    corners: Sequence[tuple[float, float]], x: float, y: float, size: float, tooltip: Markup | None, class_: str
) -> Markup:
    points = " ".join(f"{x + dx * size:.1f},{y + dy * size:.1f}" for dx, dy in corners)
    return tag("polygon", tooltip, points=points, class_=class_)

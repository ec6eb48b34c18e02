"""HTML and SVG as values: text is escaped by construction, because only `Markup` goes in as it is.

Attributes keep their order, numbers are rounded to a hundredth, nothing depends on the time: the same values give the
same bytes.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Final

VOID: Final = frozenset({"meta", "link", "br", "hr", "col"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | float | None | Iterable["Child"]
Attribute = str | float | bool | None


def tag(name: str, *children: Child, **attributes: Attribute) -> Markup:
    """An element. Attributes: `class_` is `class`, `stroke_width` is `stroke-width`; None and False are left out."""
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(text(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in VOID:
        return Markup(f"<{name}{pairs}>")
    return Markup(f"<{name}{pairs}>{join(children)}</{name}>")


def join(children: Child) -> Markup:
    """Children one after another: `Markup` as it is, other text escaped, None left out."""
    match children:
        case None:
            return Markup()
        case Markup():
            return children
        case str():
            return Markup(html.escape(children, quote=False))
        case int() | float():
            return Markup(text(children))
        case _:
            return Markup("".join(map(join, children)))


def spaced(*children: Child) -> Markup:
    """Children with a space between: a style sheet may set them apart, who copies the text has only this."""
    return Markup(" ".join(filter(None, map(join, children))))


def typeset(words: str) -> str:
    """Words of a terminal with the signs of print."""
    return words.replace("<=", "≤").replace(">=", "≥").replace("->", "→")


def text(value: Attribute) -> str:
    """An attribute's value: numbers to a hundredth, without needless zeros."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") if value != int(value) else str(int(value))
    return str(value)

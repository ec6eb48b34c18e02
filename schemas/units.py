"""Quantities as people write them (`50ms`, `50/s`, `2GiB`, `80%`), parsed once at the edge into one base unit each.

A quantity's type is an `Annotated` number that carries its `Unit`; the JSON Schema and the parser both read it from
there, so that a field of the spec says its unit in exactly one place. Inside the program a number's unit is in its name
(`timeout_s`, `rate_per_s`, `memory_bytes`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

NUMBER: Final = "(?:[0-9]+(?:[.][0-9]+)?|[.][0-9]+)"


@dataclass(frozen=True, eq=False)
class Unit:
    """A kind of quantity: its suffixes with their factors to the base unit, and whether a bare number is allowed."""

    name: str
    base: str
    factors: Mapping[str, float]
    example: str
    bare: bool = False
    whole: bool = False
    most: float = math.inf

    @property
    def usual(self) -> str:
        """The suffix that people most often mean: that of the base unit, or the example's."""
        return next((s for s, factor in self.factors.items() if factor == 1.0 and s), self.example.lstrip("0123456789"))

    @property
    def pattern(self) -> str:
        """A regular expression (JSON Schema dialect) of the accepted spellings."""
        suffixes = "|".join(re.escape(s) for s in sorted(self.factors, key=lambda s: (-len(s), s)))
        return rf"^{NUMBER} ?(?:{suffixes})$"

    def parse(self, text: str | int | float) -> float:
        """The quantity in the base unit.

        Raises:
            ValueError: the text is no quantity of this kind; the message says what is accepted.
        """
        if isinstance(text, bool):
            raise ValueError(f"{text} is no {self.name}")
        if isinstance(text, int | float):
            if not self.bare and text != 0:
                raise ValueError(f"a {self.name} needs a unit: {', '.join(self.factors)} (for example {self.example})")
            return self._finite(float(text), str(text))
        match = re.fullmatch(rf"({NUMBER}) ?(.*)", text)
        if not match or match[2] not in self.factors:
            found = f"{match[2]!r} is no unit of a {self.name}" if match and match[2] else f"{text!r} is no {self.name}"
            raise ValueError(f"{found}; units are {', '.join(self.factors)} (for example {self.example})")
        factor = self.factors[match[2]]
        # A quotient of whole numbers is rounded once (70% is 0.7), a product with 0.01 twice.
        number = float(match[1]) * factor if factor >= 1 else float(match[1]) / round(1 / factor)
        return self._finite(number, text)

    def _finite(self, value: float, text: str) -> float:
        if not math.isfinite(value) or value < 0:
            raise ValueError(f"{text} is no {self.name}: it must be a finite number, zero or more")
        if self.whole and not value.is_integer():
            raise ValueError(f"{text} is not a whole number of {self.base}")
        if value > self.most:
            raise ValueError(f"{text} is more than {self.spell(self.most)}")
        return value + 0.0  # a zero of either sign is zero

    def spell(self, value: float) -> str:
        """The quantity as people write it: the largest unit that makes it a whole number, else the smallest."""
        for suffix, factor in sorted(((s, f) for s, f in self.factors.items() if s), key=lambda item: -item[1]):
            count = round(value / factor, 9)
            if count.is_integer() and (count or factor == 1.0):
                return f"{int(count)}{suffix}"
        suffix, factor = min(((s, f) for s, f in self.factors.items() if s), key=lambda item: item[1])
        return f"{round(value / factor, 9):g}{suffix}"


# The limits are far beyond what anybody asks for, and within what other programs can count.
DURATION: Final = Unit(
    "duration", "seconds", {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}, "50ms",
    most=366 * 24 * 3600.0,
)  # fmt: skip
RATE: Final = Unit("rate", "per second", {"/s": 1.0, "/m": 1 / 60, "/min": 1 / 60, "/h": 1 / 3600}, "50/s", most=1e9)
SIZE: Final = Unit(
    "size",
    "bytes",
    {
        "B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
        "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40,
    },
    "2GiB",
    whole=True,
    most=2.0**60,
)  # fmt: skip
FRACTION: Final = Unit("share", "of one", {"%": 0.01, "": 1.0}, "80%", bare=True, most=1.0)

Seconds = Annotated[float, DURATION]
PerSecond = Annotated[float, RATE]
Bytes = Annotated[int, SIZE]
Fraction = Annotated[float, FRACTION]

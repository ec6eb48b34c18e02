"""Quantities: what people write, and what is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.units import DURATION, FRACTION, RATE, SIZE, Unit


@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [
        (DURATION, "50ms", 0.05),
        (DURATION, "1.5 h", 5400.0),
        (DURATION, "0", None),
        (DURATION, 0, 0.0),
        (RATE, "50/s", 50.0),
        (RATE, "90/min", 1.5),
        (SIZE, "2GiB", 2 * 2**30),
        (SIZE, "1.5kB", 1500),
        (FRACTION, "70%", 0.7),
        (FRACTION, 0.25, 0.25),
        (FRACTION, "0.25", 0.25),
    ],
)
def test_a_quantity_means_what_it_says(unit: Unit, text: str | float, value: float | None) -> None:
    if value is None:
        with pytest.raises(ValueError, match="is no"):
            unit.parse(text)
    else:
        assert unit.parse(text) == value


@pytest.mark.parametrize(
    ("unit", "text", "says"),
    [
        (DURATION, "50 parsecs", "'parsecs' is no unit of a duration"),
        (DURATION, 5, "a duration needs a unit"),
        (DURATION, "-5s", "is no duration"),
        (DURATION, "5S", "'S' is no unit"),
        (DURATION, True, "True is no duration"),
        (RATE, "50", "is no rate"),
        (SIZE, "1.5B", "not a whole number of bytes"),
        (SIZE, "10Mb", "'Mb' is no unit"),
        (FRACTION, 70, "more than 100%"),
        (FRACTION, "150%", "more than 100%"),
        (DURATION, "1e3s", "is no unit"),
        (DURATION, "8785h", "more than 8784h"),
        (RATE, "9999999999/s", "more than 1000000000/s"),
        (SIZE, "1048577TiB", "more than 1048576TiB"),
        (DURATION, "9" * 400 + "s", "finite"),
        (DURATION, "5s\n", "is no duration"),
    ],
)
def test_a_wrong_quantity_says_what_is_accepted(unit: Unit, text: str | float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        unit.parse(text)


def test_a_zero_of_either_sign_is_zero() -> None:
    assert str(DURATION.parse(-0.0)) == "0.0"


@given(st.sampled_from([DURATION, RATE, SIZE, FRACTION]), st.integers(0, 10_000))
def test_what_is_spelled_is_read_back_the_same(unit: Unit, count: int) -> None:
    for factor in unit.factors.values():
        value = count * factor
        if value <= unit.most:
            assert unit.parse(unit.spell(value)) == pytest.approx(value)


@given(st.text(max_size=20))
def test_any_text_is_a_quantity_or_a_value_error(text: str) -> None:
    for unit in (DURATION, RATE, SIZE, FRACTION):
        with contextlib.suppress(ValueError):
            assert unit.parse(text) >= 0

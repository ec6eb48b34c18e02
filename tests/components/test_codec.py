"""Frozen dataclasses become JSON and come back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import codec


@dataclass(frozen=True)
class Inner:
    kind: Literal["a", "b"]
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outer:
    name: str
    share: float
    inner: Inner | None
    by_name: Mapping[str, Inner]
    anything: Any = None
    flag: bool = False


inners = st.builds(Inner, st.sampled_from(["a", "b"]), st.lists(st.integers()).map(tuple))
outers = st.builds(
    Outer,
    st.text(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none() | inners,
    st.dictionaries(st.text(), inners),
    st.none() | st.lists(st.integers()),
    st.booleans(),
)


@given(outers)
def test_what_is_encoded_comes_back_through_strict_json(value: Outer) -> None:
    text = json.dumps(codec.encode(value), allow_nan=False)
    assert codec.decode(Outer, json.loads(text)) == value


def test_a_float_that_is_no_number_travels_as_null() -> None:
    encoded = codec.encode(Outer("x", math.nan, None, {}))
    assert encoded["share"] is None
    assert math.isnan(codec.decode(Outer, encoded).share)


def test_whole_floats_become_integers_again_where_integers_are_meant() -> None:
    assert codec.decode(Inner, {"kind": "a", "numbers": [1.0, 2.0]}).numbers == (1, 2)


def test_an_absent_optional_member_is_none() -> None:
    assert codec.decode(Outer, {"name": "x", "share": 1, "by_name": {}}).inner is None


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ([], "Outer cannot be"),
        ({"share": 1, "by_name": {}}, "Outer has no name"),
        ({"name": 1, "share": 1, "by_name": {}}, r"Outer\.name"),
        ({"name": "x", "share": True, "by_name": {}}, r"Outer\.share"),
        ({"name": "x", "share": 1, "by_name": {"k": {"kind": "c"}}}, r"Outer\.by_name\.k\.kind"),
        ({"name": "x", "share": 1, "by_name": {}, "inner": {"kind": "a", "numbers": [1, "2"]}}, r"numbers\[1\]"),
        ({"name": "x", "share": 1, "by_name": {}, "inner": {"kind": "a", "numbers": 5}}, r"inner\.numbers"),
    ],
)
def test_data_that_do_not_fit_are_told_with_their_place(data: Any, place: str) -> None:
    with pytest.raises(ValueError, match=place):
        codec.decode(Outer, data)

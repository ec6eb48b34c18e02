"""How values become arrays and bytes, for all values."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from components.serving.server.jsondata import Reader
from components.serving.server.refusal import Refusal
from components.serving.server.tensors import DATATYPES, from_bytes, from_values, to_bytes, to_values

FP32 = DATATYPES["FP32"]
SHAPES = arrays.array_shapes(min_dims=1, max_dims=4, max_side=6)


def as_rows(array: np.ndarray[Any, Any]) -> bytes:
    """A V1 body long enough to be read quickly."""
    return orjson.dumps({"pad" * 400: 1, "instances": array}, option=orjson.OPT_SERIALIZE_NUMPY)


@given(st.lists(st.binary(max_size=20), max_size=5))
def test_strings_survive_their_bytes(texts: list[bytes]) -> None:
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    data = to_bytes(DATATYPES["BYTES"], array)
    assert from_bytes(DATATYPES["BYTES"], data, 0, len(data), array.shape, "x").tolist() == texts


@given(st.binary(max_size=40), st.integers(0, 4))
def test_bytes_are_either_refused_or_read_as_they_are(data: bytes, count: int) -> None:
    try:
        array = from_bytes(DATATYPES["BYTES"], data, 0, len(data), (count,), "x")
    except Refusal:
        return
    assert to_bytes(DATATYPES["BYTES"], array) == data


@given(arrays.arrays(np.float32, 7, elements=st.floats(width=32)))
@example(np.full(7, 3.4e38, np.float32))
@example(np.full(7, np.inf, np.float32))
def test_bf16_is_rounded_to_the_nearest_and_never_to_infinity(values: np.ndarray[Any, Any]) -> None:
    with np.errstate(all="ignore"):
        right = values.astype(ml_dtypes.bfloat16).astype(np.float32)
    if np.any(np.isfinite(values) & np.isinf(right)):
        with pytest.raises(Refusal, match="a value that BF16 cannot hold"):
            from_values(DATATYPES["BF16"], values.astype(np.float64), (7,), "x")
    else:
        ours = from_values(DATATYPES["BF16"], values.astype(np.float64), (7,), "x")
        np.testing.assert_array_equal(to_values(DATATYPES["BF16"], ours), right)


@given(st.sampled_from(["INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"]), st.data())
def test_whole_numbers_keep_their_value_or_are_refused(name: str, data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(-(2**65), 2**65) | st.integers(-200, 200), min_size=1, max_size=4))
    info = np.iinfo(DATATYPES[name].dtype)
    if all(info.min <= number <= info.max for number in numbers):
        assert from_values(DATATYPES[name], numbers, None, "x").tolist() == numbers
    else:
        with pytest.raises(Refusal):
            from_values(DATATYPES[name], numbers, None, "x")


@pytest.mark.parametrize("values", [[1.5], [True, 0.5], ["1"], [None], [[1], [1, 2]], [2**70], [{}]])
def test_what_is_no_whole_number_is_refused(values: list[Any]) -> None:
    with pytest.raises(Refusal):
        from_values(DATATYPES["INT64"], values, None, "x")


@given(SHAPES, st.integers(0, 2**32))
def test_rows_read_quickly_are_those_read_plainly(shape: tuple[int, ...], seed: int) -> None:
    array = np.random.default_rng(seed).standard_normal(shape)
    quick = Reader().rows(as_rows(array), "instances", shape[1:])
    assert quick is not None
    np.testing.assert_array_equal(quick, array)


@given(SHAPES, SHAPES)
def test_rows_of_another_shape_are_not_read_quickly(shape: tuple[int, ...], other: tuple[int, ...]) -> None:
    quick = Reader().rows(as_rows(np.ones(shape)), "instances", other[1:])
    assert (quick is None) == (shape[1:] != other[1:])


@given(st.recursive(st.floats(-9, 9), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=30))
def test_ragged_rows_are_never_read_quickly(values: Any) -> None:
    body = orjson.dumps({"pad" * 400: "", "instances": values})
    try:
        plain = np.asarray(values)
    except ValueError:
        plain = None
    for row in ((), (1,), (2,), (3,), (2, 2), (1, 3)):
        quick = Reader().rows(body, "instances", row)
        if quick is not None:
            assert plain is not None
            np.testing.assert_array_equal(quick, plain)

"""The protocol's data types, and how their values travel: as raw little-endian bytes or as JSON numbers.

Arrays inside the server are numpy arrays of a data type's `dtype`. BF16, which numpy lacks, is kept as its 16 bits in
uint16; BYTES is an array of Python `bytes` objects. Values are never rounded, wrapped or truncated in silence: a number
that its type cannot hold is refused.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.serving.server.refusal import Refusal, malformed

Array = npt.NDArray[Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Datatype:
    """A data type: its name in the protocol, OpenVINO's name, what it holds (b, i, f or s), how numpy holds it, and
    gRPC's field of its values."""

    name: str
    element: str
    kind: str
    dtype: np.dtype[Any]
    contents: str


def _datatype(name: str, element: str, kind: str, dtype: type, contents: str = "") -> Datatype:
    return Datatype(name, element, kind, np.dtype(dtype), contents)


DATATYPES: Final = {
    datatype.name: datatype
    for datatype in (
        _datatype("BOOL", "boolean", "b", np.bool_, "bool_contents"),
        _datatype("UINT8", "u8", "i", np.uint8, "uint_contents"),
        _datatype("UINT16", "u16", "i", np.uint16, "uint_contents"),
        _datatype("UINT32", "u32", "i", np.uint32, "uint_contents"),
        _datatype("UINT64", "u64", "i", np.uint64, "uint64_contents"),
        _datatype("INT8", "i8", "i", np.int8, "int_contents"),
        _datatype("INT16", "i16", "i", np.int16, "int_contents"),
        _datatype("INT32", "i32", "i", np.int32, "int_contents"),
        _datatype("INT64", "i64", "i", np.int64, "int64_contents"),
        _datatype("FP16", "f16", "f", np.float16),
        _datatype("BF16", "bf16", "f", np.uint16),
        _datatype("FP32", "f32", "f", np.float32, "fp32_contents"),
        _datatype("FP64", "f64", "f", np.float64, "fp64_contents"),
        _datatype("BYTES", "string", "s", np.object_, "bytes_contents"),
    )
}
BY_ELEMENT: Final = {datatype.element: datatype for datatype in DATATYPES.values()}


def from_bytes(datatype: Datatype, data: bytes, begin: int, size: int, shape: Shape, name: str) -> Array:
    """The array in `size` raw bytes from `begin` on, row-major; a view of `data`, never a copy (BYTES excepted).

    Raises:
        Refusal: the number of bytes is not that of `shape`; `name` is the input's.
    """
    dtype = datatype.dtype
    if dtype.hasobject:
        return _split_strings(memoryview(data)[begin : begin + size], shape, name)
    count = math.prod(shape)
    if count * dtype.itemsize != size:
        takes = f"{datatype.name} of shape {list(shape)} takes {count * dtype.itemsize}"
        raise malformed(f"input {name!r} has {size} bytes; {takes}")
    return np.frombuffer(data, dtype, count, begin).reshape(shape)


def to_bytes(datatype: Datatype, array: Array) -> bytes:
    """The raw bytes of an array, row-major."""
    if datatype.kind == "s":
        return b"".join(struct.pack("<I", len(text)) + text for text in array.ravel())
    return array.tobytes()


def from_values(datatype: Datatype, values: Array | Sequence[Any], shape: Shape | None, what: str) -> Array:
    """The array in JSON values: nested lists, or numbers that a fast parser has already gathered.

    With `shape`, the values are that shape or flat; without it, their nesting is the shape.

    Raises:
        Refusal: values of another kind, out of the type's range, ragged, or not as many as `shape` says.
    """
    array = values if isinstance(values, np.ndarray) else _gather(datatype, values, what)
    if shape is not None and array.shape != shape:
        if array.ndim != 1 and array.shape != shape:
            raise malformed(f"{what} is nested as {list(array.shape)}; its shape says {list(shape)}")
        if array.size != math.prod(shape):
            raise malformed(f"{what} has {array.size} values; its shape {list(shape)} takes {math.prod(shape)}")
        array = array.reshape(shape)
    return _convert(datatype, array, what)


def to_values(datatype: Datatype, array: Array) -> Any:
    """What orjson writes as the values of an array: the array itself, or lists where it cannot."""
    if datatype.name == "BF16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    if datatype.kind == "s":
        return _texts(array.tolist())
    return np.ascontiguousarray(array)


def _gather(datatype: Datatype, values: Sequence[Any], what: str) -> Array:
    try:
        if datatype.kind == "s":
            return _strings(values, what)
        array = np.asarray(values)
        if array.dtype.kind in "fO" and datatype.kind == "i":
            array = _whole_numbers(values)
    except (ValueError, OverflowError) as error:
        raise malformed(f"{what} is ragged or nested too deeply: each row must be as long as the others") from error
    accepted = {"b": "bi", "i": "iu", "f": "iuf"}[datatype.kind]
    if array.size and array.dtype.kind not in accepted:
        raise malformed(f"{what} must hold {_ACCEPTS[datatype.kind]} ({datatype.name})")
    return array


_ACCEPTS: Final = {"b": "true and false", "i": "whole numbers", "f": "numbers", "s": "strings"}


def _whole_numbers(values: Sequence[Any]) -> Array:
    """Integers that numpy turned into floats because no type of its own holds all of them, as they were written."""
    array = np.asarray(values, dtype=object)
    whole = all(type(value) is int for value in array.ravel())
    return array.astype(np.uint64) if whole and min(array.ravel(), default=0) >= 0 else np.asarray(values)


def _convert(datatype: Datatype, array: Array, what: str) -> Array:
    """The values in the type's own representation.

    Raises:
        Refusal: a value out of range.
    """
    if array.dtype == datatype.dtype and datatype.name != "BF16":
        return array
    if datatype.kind == "f":
        wide = np.dtype(np.float32) if datatype.name == "BF16" else datatype.dtype
        try:
            with np.errstate(over="raise"):
                array = array.astype(wide)
        except FloatingPointError as error:
            raise _out_of_range(datatype, what) from error
        return _to_bf16(datatype, array, what) if datatype.name == "BF16" else array
    if datatype.kind in "ib" and array.size:
        least, most = (0, 1) if datatype.kind == "b" else _limits(datatype.dtype)
        if int(array.min()) < least or int(array.max()) > most:
            raise _out_of_range(datatype, what)
    return array.astype(datatype.dtype)


def _out_of_range(datatype: Datatype, what: str) -> Refusal:
    return malformed(f"{what} has a value that {datatype.name} cannot hold")


def _limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def _to_bf16(datatype: Datatype, array: npt.NDArray[np.float32], what: str) -> npt.NDArray[np.uint16]:
    """The upper half of each float32, rounded to nearest, ties to even; a NaN stays one.

    Raises:
        Refusal: a finite value that would be rounded to infinity.
    """
    bits = array.view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    if np.any(np.isfinite(array) & (rounded & 0x7FFF == 0x7F80)):
        raise _out_of_range(datatype, what)
    return np.where(np.isnan(array), np.uint32(0x7FC0), rounded).astype(np.uint16)


def _strings(values: Sequence[Any], what: str) -> Array:
    array = np.asarray(values, dtype=object)
    if not all(isinstance(value, str | bytes) for value in array.ravel()):
        raise malformed(f"{what} must hold strings (BYTES)")
    texts = [value.encode() if isinstance(value, str) else value for value in array.ravel()]
    strings = np.empty(len(texts), dtype=object)
    strings[:] = texts
    return strings.reshape(array.shape)


def _split_strings(view: memoryview, shape: Shape, name: str) -> Array:
    """BYTES as raw bytes: each element is its length (four bytes, little-endian) and then itself."""
    what, at = f"input {name!r}", 0
    texts: list[bytes] = []
    while at < len(view):
        end = at + 4 + int.from_bytes(view[at : at + 4], "little")
        if end > len(view):
            raise malformed(f"{what}: element {len(texts)} runs over the end of the data")
        texts.append(bytes(view[at + 4 : end]))
        at = end
    if len(texts) != math.prod(shape):
        raise malformed(f"{what} has {len(texts)} elements; its shape {list(shape)} takes {math.prod(shape)}")
    strings = np.empty(len(texts), dtype=object)
    strings[:] = texts
    return strings.reshape(shape)


def _texts(values: Any) -> Any:
    if isinstance(values, list):
        return [_texts(value) for value in values]
    return values.decode("utf-8", "replace") if isinstance(values, bytes) else values

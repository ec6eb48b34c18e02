"""JSON bodies: quickly where their numbers can be gathered without Python objects, plainly everywhere else.

simdjson reads a whole array of numbers into one buffer, several times faster than lists. It flattens whatever nesting
there is and reads one number type at a time, so it is used only where that loses nothing: flat data, or rows whose
brackets and commas were proved rectangular; float64 for float types only, 64-bit integers for the others. In every
other case, a parser's complaint included, orjson decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
import orjson
import simdjson

from components.serving.server.refusal import malformed
from components.serving.server.tensors import Array, Shape

# Below this, plain lists are as quick as anything.
WORTHWHILE_BYTES: Final = 1024
_ALL_BUT_STRUCTURE: Final = bytes(set(range(256)) - set(b"[],"))
_BUFFERS: Final = {"d": np.float64, "i": np.int64, "u": np.uint64}
_BUFFER_OF: Final = {
    **dict.fromkeys(("FP16", "BF16", "FP32", "FP64"), "d"),
    **dict.fromkeys(("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32"), "i"),
    "UINT64": "u",
}
# What simdjson raises for anything that is not as expected; orjson then finds the words for it.
_COMPLAINTS: Final = (ValueError, TypeError, KeyError, AttributeError, RuntimeError)


def parse(body: bytes | memoryview) -> dict[str, Any]:
    """The JSON object in a body.

    Raises:
        Refusal: it is no JSON, or no object.
    """
    if not body:
        raise malformed("the body is empty; a JSON object is expected")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed(f"the body is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise malformed("the body must be a JSON object")
    return document


class Reader:
    """Reads bodies with one simdjson parser, whose memory is used again and again; for one thread."""

    def __init__(self) -> None:
        self._parser = simdjson.Parser()

    def rows(self, body: bytes, member: str, row: Shape) -> Array | None:
        """The numbers of `{member: [row, row, ...]}` as float64, if the body is that and rectangular; else None.

        The proof of its nesting is the body's brackets and commas: exactly those of an array of rows of shape `row`.
        """
        if len(body) < WORTHWHILE_BYTES or -1 in row:
            return None
        structure = body.translate(None, _ALL_BUT_STRUCTURE).strip(b",")
        template = _structure(row)
        count = (len(structure) - 1) // (len(template) + 1)
        if count < 1 or structure != b"[" + b",".join([template] * count) + b"]":
            return None
        try:
            values = _buffer(self._root(body)[member], "d")
        except _COMPLAINTS:
            return None
        return values.reshape((count, *row)) if values.size == count * math.prod(row) else None

    def tensors(self, body: bytes) -> Mapping[str, Any] | None:
        """A V2 request as `parse` gives it, but with each input's data as a flat array; None if any is not flat."""
        if len(body) < WORTHWHILE_BYTES:
            return None
        try:
            root = self._root(body)
            document = {key: _plain(root[key]) for key in root.keys() if key != "inputs"}  # noqa: SIM118
            document["inputs"] = [_input(item) for item in root["inputs"]]
        except _COMPLAINTS:
            return None
        return document

    def _root(self, body: bytes) -> Any:
        return self._parser.parse(body)


def _input(item: Any) -> dict[str, Any]:
    # not by items(): that would make Python objects of all values
    members = {key: _plain(item[key]) for key in item.keys() if key != "data"}  # noqa: SIM118
    data = item["data"]
    values = _buffer(data, _BUFFER_OF[members["datatype"]])
    if values.size != len(data):
        raise ValueError("nested")
    return {**members, "data": values}


def _buffer(array: Any, kind: str) -> Array:
    return np.frombuffer(array.as_buffer(of_type=kind), _BUFFERS[kind])


def _plain(value: Any) -> Any:
    match value:
        case simdjson.Object():
            return value.as_dict()
        case simdjson.Array():
            return value.as_list()
        case _:
            return value


@lru_cache(maxsize=64)
def _structure(shape: Shape) -> bytes:
    """The brackets and commas of an array of this shape, written as nested JSON."""
    text = b""
    for dimension in reversed(shape):
        text = b"[" + b",".join([text] * dimension) + b"]"
    return text

"""What servers answered, looked into after the clock has stopped: predictions a row, in each protocol.

A prediction is the index of the row's largest value in the first output; an output of one whole number a row is the
prediction itself (classifiers with a label output), one of a single real number is a probability with its threshold at
one half. An answer that cannot be read so is malformed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

import numpy as np
import orjson
from numpy.typing import NDArray

from components.benchmarks.load.dataset import NUMPY_TYPES
from components.serving.server.refusal import Refusal
from components.serving.server.tensors import DATATYPES, from_bytes, to_values
from schemas.spec import Protocol

Labels = NDArray[np.int64]
Array = NDArray[Any]


def predictions(protocol: Protocol, head: bytes, body: bytes, rows: int) -> Labels:
    """The predicted label of each of the request's rows.

    Args:
        head: the lower-case HTTP head; empty for gRPC.

    Raises:
        ValueError: the answer is malformed.
    """
    try:
        output = first_output(protocol, head, body)
        if output.ndim == 0 or len(output) != rows:
            raise ValueError(f"an answer of shape {list(output.shape)} for {rows} rows")
        return _labels(output.reshape(rows, -1))
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"an answer without outputs ({error!r})") from error


def _labels(rows: Array) -> Labels:
    if rows.dtype.kind not in "biuf":
        # A text is no class: a good answer, and never the right one.
        return np.full(len(rows), -1, np.int64)
    if rows.shape[1] != 1:
        return np.asarray(rows.argmax(axis=1), np.int64)
    column = rows[:, 0]
    whole = np.issubdtype(column.dtype, np.integer)
    return np.asarray(column if whole else column > 0.5, np.int64)


def first_output(protocol: Protocol, head: bytes, body: bytes) -> Array:
    """The first output of an answer, as the server shaped it.

    Raises:
        ValueError, KeyError, IndexError, TypeError, AttributeError: the answer is malformed.
    """
    match protocol:
        case "v1":
            return _v1(orjson.loads(body))
        case "v2" | "v2-binary":
            length = _binary_header(head)
            return _v2_json(orjson.loads(body)) if length is None else _v2_binary(body, length)
        case "grpc":
            return _grpc(body)
        case other:
            assert_never(other)


def _v1(answer: Mapping[str, Any]) -> Array:
    """`predictions` in row form (objects hold an output each), or `outputs` in column form."""
    rows = answer["predictions"] if "predictions" in answer else answer["outputs"]
    if isinstance(rows, dict):
        rows = next(iter(rows.values()))
    if rows and isinstance(rows[0], dict):
        rows = [next(iter(row.values())) for row in rows]
    return np.asarray(rows)


def _v2_json(answer: Mapping[str, Any]) -> Array:
    output = answer["outputs"][0]
    datatype = output["datatype"]
    values = np.asarray(output["data"], dtype="str" if datatype == "BYTES" else NUMPY_TYPES.get(datatype, "float32"))
    return values.reshape(output["shape"])


def _v2_binary(body: bytes, header_length: int) -> Array:
    header = orjson.loads(body[:header_length])
    output = header["outputs"][0]
    size = output.get("parameters", {}).get("binary_data_size")
    if size is None:
        return _v2_json(header)
    return _tensor(body[header_length : header_length + size], output["datatype"], output["shape"])


def _grpc(body: bytes) -> Array:
    from components.serving.server import open_inference_pb2 as pb

    answer = pb.ModelInferResponse.FromString(body)
    output = answer.outputs[0]
    if answer.raw_output_contents:
        return _tensor(answer.raw_output_contents[0], output.datatype, output.shape)
    (_, values), *_ = output.contents.ListFields()
    if output.datatype == "BYTES":
        values = [text.decode("utf-8", "replace") for text in values]
    return np.asarray(values).reshape(tuple(output.shape))


def _tensor(data: bytes, datatype: str, shape: Any) -> Array:
    """The values in an output's raw bytes: those of BF16 as float32, those of BYTES as texts."""
    if datatype in ("BF16", "BYTES"):
        wanted = DATATYPES[datatype]
        try:
            return np.asarray(to_values(wanted, from_bytes(wanted, data, 0, len(data), tuple(shape), "the output")))
        except Refusal as refusal:
            raise ValueError(refusal.reason) from refusal
    dtype = np.dtype(NUMPY_TYPES[datatype]).newbyteorder("<")
    return np.frombuffer(data, dtype).reshape(tuple(shape))


def _binary_header(head: bytes) -> int | None:
    _, found, rest = head.partition(b"\r\ninference-header-content-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else None

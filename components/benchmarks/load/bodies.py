"""Requests in each protocol, made whole before the clock starts: sending one is a single write.

Every instance of a target sees the same `Host`, as behind a balancer, so that one prepared request does for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, assert_never

import numpy as np
import orjson
from numpy.typing import NDArray

from components.address import address
from components.benchmarks.load.arguments import Arguments
from components.benchmarks.load.dataset import Column, Dataset
from components.serving.server.tensors import DATATYPES, to_bytes
from schemas.errors import UsageError
from schemas.spec import Protocol

MOST_BYTES: Final = 256 * 2**20
"""Room for prepared requests; a data set that needs more is used in part."""


def prepare(arguments: Arguments, dataset: Dataset, batches: NDArray[np.intp]) -> tuple[bytes, ...]:
    """The bytes to send for each batch of rows, from the first on, as many as there is room for.

    Raises:
        UsageError: the model or the protocol cannot take such rows.
    """
    for wanted in arguments.inputs:
        if wanted.shape and wanted.shape[0] not in (-1, arguments.load.batch):
            why = f"input {wanted.name} takes batches of {wanted.shape[0]}, the load has {arguments.load.batch}"
            raise UsageError(f"{arguments.target} cannot be asked in such batches", why=why)
    requests: list[bytes] = []
    room = MOST_BYTES
    for rows in batches:
        columns = [Column(c.name, c.datatype, c.values[rows]) for c in dataset.columns]
        request = _request(arguments, columns)
        room -= len(request)
        if requests and room < 0:
            break
        requests.append(request)
    return tuple(requests)


def _request(arguments: Arguments, columns: Sequence[Column]) -> bytes:
    protocol: Protocol = arguments.protocol
    match protocol:
        case "v1":
            return _http(arguments, f"/v1/models/{arguments.model}:predict", v1_body(columns))
        case "v2":
            return _http(arguments, f"/v2/models/{arguments.model}/infer", v2_body(columns))
        case "v2-binary":
            header, values = v2_binary_body(columns)
            fields = ("Content-Type: application/octet-stream", f"Inference-Header-Content-Length: {len(header)}")
            return _http(arguments, f"/v2/models/{arguments.model}/infer", header + values, fields)
        case "grpc":
            return grpc_message(arguments.model, columns)
        case other:
            assert_never(other)


def v1_body(columns: Sequence[Column]) -> bytes:
    """KServe V1 in row form: plain rows for one input, an object a row for several."""
    if len(columns) == 1:
        return _json({"instances": _json_values(columns[0])})
    rows = range(len(columns[0].values))
    values = {column.name: _json_values(column) for column in columns}
    return _json({"instances": [{name: value[row] for name, value in values.items()} for row in rows]})


def v2_body(columns: Sequence[Column]) -> bytes:
    """Open Inference Protocol with JSON data."""
    flat = [Column(column.name, column.datatype, column.values.ravel()) for column in columns]
    return _json({"inputs": [{**_head(c), "data": _json_values(f)} for c, f in zip(columns, flat, strict=True)]})


def v2_binary_body(columns: Sequence[Column]) -> tuple[bytes, bytes]:
    """Open Inference Protocol with the binary tensor extension: the JSON header, and the values after it."""
    parts = [_little_endian(column) for column in columns]
    inputs = [
        {**_head(column), "parameters": {"binary_data_size": len(part)}}
        for column, part in zip(columns, parts, strict=True)
    ]
    header = _json({"inputs": inputs, "parameters": {"binary_data_output": True}})
    return header, b"".join(parts)


def grpc_message(model: str, columns: Sequence[Column]) -> bytes:
    """A serialized `ModelInferRequest` with raw contents."""
    from components.serving.server import open_inference_pb2 as pb

    request = pb.ModelInferRequest(model_name=model)
    for column in columns:
        request.inputs.add(name=column.name, datatype=column.datatype, shape=column.values.shape)
        request.raw_input_contents.append(_little_endian(column))
    return bytes(request.SerializeToString())


def _http(arguments: Arguments, path: str, body: bytes, fields: Sequence[str] = ()) -> bytes:
    first = arguments.endpoints[0]
    lines = (
        f"POST {path} HTTP/1.1",
        f"Host: {address(first.host, first.rest_port)}",
        *(fields or ("Content-Type: application/json",)),
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _head(column: Column) -> dict[str, Any]:
    return {"name": column.name, "shape": column.values.shape, "datatype": column.datatype}


def _json_values(column: Column) -> NDArray[Any] | list[Any]:
    """The values as they are written as JSON.

    Raises:
        UsageError: JSON has no form for them.
    """
    values = column.values
    if column.datatype in ("FP16", "BF16"):
        raise _no_json(f"JSON has no form for input {column.name} of type {column.datatype}")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise _no_json(f"JSON has no NaN and no infinity, and input {column.name} has one")
    if column.datatype != "BYTES":
        return values
    try:
        texts: list[Any] = np.vectorize(bytes.decode, otypes=[object])(values).tolist()
    except UnicodeDecodeError as error:
        raise _no_json(f"JSON holds texts, and input {column.name} has bytes that are none ({error})") from error
    return texts


def _no_json(why: str) -> UsageError:
    remedy = "use the protocol v2-binary or grpc (`protocol: grpc` in a spec, `--protocol grpc` by hand)"
    return UsageError("the protocol cannot carry the data", why=why, remedy=remedy)


def _little_endian(column: Column) -> bytes:
    values = column.values
    if column.datatype == "BYTES":
        return to_bytes(DATATYPES["BYTES"], values)
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)

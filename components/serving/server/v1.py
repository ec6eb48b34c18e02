"""The V1 protocol (TensorFlow Serving's `:predict`) over REST: rows of `instances`, or columns of `inputs`.

Values carry no data type here: each is read as its input's type and refused if it does not fit. With one input, rows
and columns are plain nested lists; with several, each row (or the whole of `inputs`) is an object by input name.

Protocol: https://www.tensorflow.org/tfx/serving/api_rest#predict_api
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson

from components.serving.server.call import Call, Ports
from components.serving.server.http import Answer
from components.serving.server.jsondata import Reader, parse
from components.serving.server.model import VERSION, Model, Outputs, Port
from components.serving.server.refusal import malformed
from components.serving.server.tensors import Array, from_values, to_values


class Codec:
    """Decodes V1 requests for one model."""

    def __init__(self, model: Model) -> None:
        self._model, self._ports, self._reader = model, Ports(model), Reader()
        only = model.inputs[0] if len(model.inputs) == 1 else None
        # the one input whose rows can be gathered quickly: floats, told apart by a first dimension
        self._quick = only if only is not None and only.datatype.kind == "f" and only.shape else None

    def decode(self, body: bytes) -> Call[Answer]:
        """What a request asks for.

        Raises:
            Refusal: it is malformed, or not for this model.
        """
        if self._quick is not None:
            values = self._reader.rows(body, "instances", self._quick.shape[1:])
            if values is not None:
                return Call((self._array(self._quick, values),), self._encode_rows)
        document = parse(body)
        match document:
            case {"instances": _, "inputs": _}:
                raise malformed("give either 'instances' (rows) or 'inputs' (columns), not both")
            case {"instances": list(instances)} if instances:
                return Call(self._ports.in_order(self._rows(instances)), self._encode_rows)
            case {"instances": _}:
                raise malformed("'instances' must be a list of one or more rows")
            case {"inputs": inputs}:
                return Call(self._ports.in_order(self._columns(inputs)), self._encode_columns)
            case _:
                raise malformed("the body must have 'instances' (a list of rows) or 'inputs' (columns)")

    def _rows(self, instances: list[Any]) -> Mapping[int, Array]:
        if not isinstance(instances[0], dict) or "b64" in instances[0]:
            return self._single(instances, "instances")
        names = instances[0].keys()
        if not all(isinstance(row, dict) and row.keys() == names for row in instances):
            raise malformed("every row of 'instances' must be an object with the same input names")
        ports = {name: self._ports.input(name) for name in names}
        return {port.index: self._array(port, [row[name] for row in instances]) for name, port in ports.items()}

    def _columns(self, inputs: Any) -> Mapping[int, Array]:
        if not isinstance(inputs, dict) or "b64" in inputs:
            return self._single(inputs, "inputs")
        ports = {name: self._ports.input(name) for name in inputs}
        return {port.index: self._array(port, inputs[name]) for name, port in ports.items()}

    def _single(self, values: Any, member: str) -> Mapping[int, Array]:
        if len(self._ports.inputs) != 1:
            names = ", ".join(repr(port.name) for port in self._ports.inputs)
            raise malformed(f"the model has several inputs; {member!r} must name them: {names}")
        return {0: self._array(self._ports.inputs[0], values)}

    def _array(self, port: Port, values: Any) -> Array:
        what = f"input {port.name!r}"
        if port.datatype.kind == "s":
            values = _decoded(values, what)
        array = from_values(port.datatype, values, None, what)
        if 0 in array.shape:
            raise malformed(f"{what} is empty: its shape is {list(array.shape)}")
        port.check(array.shape)
        return array

    def _encode_rows(self, outputs: Outputs) -> Answer:
        columns = [(port.name, to_values(port.datatype, outputs[port.index])) for port in self._ports.outputs]
        if len(columns) == 1:
            return _answer({"predictions": columns[0][1]})
        count = min((len(values) if outputs[index].ndim else 0) for index, (_, values) in enumerate(columns))
        return _answer({"predictions": [{name: values[row] for name, values in columns} for row in range(count)]})

    def _encode_columns(self, outputs: Outputs) -> Answer:
        columns = {port.name: to_values(port.datatype, outputs[port.index]) for port in self._ports.outputs}
        return _answer({"outputs": next(iter(columns.values())) if len(columns) == 1 else columns})


def status(model: Model, ready: bool) -> dict[str, Any]:
    """Whether the model can answer, as KServe says it (`ready`) and as TensorFlow Serving does."""
    state = {"version": VERSION, "state": "AVAILABLE" if ready else "UNLOADING"}
    return {
        "name": model.name,
        "ready": ready,
        "model_version_status": [{**state, "status": {"error_code": "OK", "error_message": ""}}],
    }


def metadata(model: Model) -> dict[str, Any]:
    """The model's signature as TensorFlow Serving writes it."""
    signature = {
        "inputs": {port.name: _tensor_info(port) for port in model.inputs},
        "outputs": {port.name: _tensor_info(port) for port in model.outputs},
        "methodName": "tensorflow/serving/predict",
    }
    return {
        "modelSpec": {"name": model.name, "signatureName": "", "version": VERSION},
        "metadata": {"signature_def": {"signatureDef": {"serving_default": signature}}},
    }


def _tensor_info(port: Port) -> dict[str, Any]:
    names = {"FP32": "FLOAT", "FP64": "DOUBLE", "FP16": "HALF", "BF16": "BFLOAT16", "BYTES": "STRING"}
    dimensions = [{"size": str(dimension), "name": ""} for dimension in port.shape]
    return {
        "dtype": f"DT_{names.get(port.datatype.name, port.datatype.name)}",
        "tensorShape": {"dim": dimensions, "unknownRank": False},
        "name": port.name,
    }


def _answer(document: dict[str, Any]) -> Answer:
    return Answer(200, orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY))


def _decoded(values: Any, what: str) -> Any:
    """Strings with those written as `{"b64": ...}` decoded."""
    match values:
        case list():
            return [_decoded(value, what) for value in values]
        case {"b64": str(text)}:
            try:
                return base64.b64decode(text, validate=True)
            except binascii.Error as error:
                raise malformed(f"{what}: {text[:40]!r} is not base64: {error}") from error
        case _:
            return values

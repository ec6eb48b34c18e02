"""The gRPC messages of an inference, to and from a `Call`.

Tensors travel raw or in the typed field of their data type; the answer comes as the question did, except where a data
type has no typed field. Typed values are held to the same ranges as JSON's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.serving.server import open_inference_pb2 as pb
from components.serving.server.call import Call, Ports, Wanted, check_classes, check_datatype, check_shape, classify
from components.serving.server.model import VERSION, Model, Outputs, Port
from components.serving.server.refusal import malformed
from components.serving.server.tensors import (
    DATATYPES,
    Array,
    Datatype,
    Shape,
    from_bytes,
    from_values,
    to_bytes,
    to_values,
)


class Codec:
    """Decodes `ModelInferRequest`s for one model."""

    def __init__(self, model: Model) -> None:
        self._model, self._ports = model, Ports(model)

    def decode(self, request: pb.ModelInferRequest) -> Call[pb.ModelInferResponse]:
        """What a request asks for.

        Raises:
            Refusal: it is malformed, or not for this model.
        """
        raw = request.raw_input_contents
        if raw and len(raw) != len(request.inputs):
            raise malformed(f"there are {len(request.inputs)} inputs but {len(raw)} raw contents")
        given: dict[int, Array] = {}
        for number, tensor in enumerate(request.inputs):
            port = self._ports.input(tensor.name)
            if port.index in given:
                raise malformed(f"input {port.name!r} is given twice")
            datatype, shape = check_datatype(port, tensor.datatype), check_shape(port, list(tensor.shape))
            if raw:
                if tensor.HasField("contents"):
                    raise malformed(f"input {port.name!r} has typed contents beside raw ones")
                data = raw[number]
                given[port.index] = from_bytes(datatype, data, 0, len(data), shape, port.name)
            else:
                given[port.index] = _typed(port, datatype, shape, tensor.contents)
        wanted, identity = self._wanted(request), request.id
        as_raw = bool(raw) or any(not each.port.datatype.contents and not each.classes for each in wanted)
        return Call(self._ports.in_order(given), lambda outputs: self._encode(wanted, identity, as_raw, outputs))

    def _wanted(self, request: pb.ModelInferRequest) -> tuple[Wanted, ...]:
        if not request.outputs:
            return tuple(Wanted(port, port.name, True, 0) for port in self._ports.outputs)
        wanted = []
        for output in request.outputs:
            port = self._ports.output(output.name)
            classes = _parameter(output.parameters, "classification")
            wanted.append(Wanted(port, output.name, True, check_classes(port, 0 if classes is None else classes)))
        return tuple(wanted)

    def _encode(self, wanted: Sequence[Wanted], identity: str, as_raw: bool, outputs: Outputs) -> pb.ModelInferResponse:
        response = pb.ModelInferResponse(model_name=self._model.name, model_version=VERSION, id=identity)
        for each in wanted:
            array, datatype = outputs[each.port.index], each.port.datatype
            if each.classes:
                labels = self._model.labels if each.port.index == 0 else ()
                array, datatype = classify(to_values(datatype, array), each.classes, labels), DATATYPES["BYTES"]
            tensor = response.outputs.add(name=each.name, datatype=datatype.name, shape=array.shape)
            if as_raw:
                response.raw_output_contents.append(to_bytes(datatype, array))
            else:
                getattr(tensor.contents, datatype.contents).extend(array.ravel().tolist())
        return response


def _typed(port: Port, datatype: Datatype, shape: Shape, contents: pb.InferTensorContents) -> Array:
    if not datatype.contents:
        raise malformed(f"input {port.name!r}: {datatype.name} has no typed contents; send raw_input_contents")
    filled = [field.name for field, _ in contents.ListFields()]
    if filled != [datatype.contents]:
        found = ", ".join(filled) or "nothing"
        raise malformed(f"input {port.name!r}: {datatype.name} goes into {datatype.contents}; found {found}")
    values = getattr(contents, datatype.contents)
    flat: Array | list[Any] = list(values) if datatype.kind == "s" else np.array(values)
    return from_values(datatype, flat, shape, f"input {port.name!r}")


def _parameter(parameters: Mapping[str, pb.InferParameter], name: str) -> Any:
    if name not in parameters:
        return None
    choice = parameters[name].WhichOneof("parameter_choice")
    return getattr(parameters[name], choice) if choice else None

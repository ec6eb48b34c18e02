"""The Open Inference Protocol, version 2, over REST: JSON, with the binary tensor extension and classification.

A binary request is a JSON header followed by the inputs' bytes, one after the other. The header of one client is nearly
always the same, so what it says (a `Plan`) is kept and found again by its bytes; the bodies are never looked at then.

Protocol: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
Binary data: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from components.serving.server.call import (
    Call,
    Ports,
    Wanted,
    check_classes,
    check_datatype,
    check_shape,
    classify,
)
from components.serving.server.http import Answer
from components.serving.server.jsondata import Reader, parse
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

BINARY: Final = b"application/octet-stream"
# Headers remembered; a client with another header each time gains nothing, and costs no more than this.
MOST_PLANS: Final = 128
MOST_PLAN_BYTES: Final = 4096
# Of a length; more are no size of anything, and Python refuses to read thousands.
MOST_DIGITS: Final = 18


class Raw(NamedTuple):
    """Where the bytes of an input are: `begin` counts from the end of the header."""

    port: Port
    shape: Shape
    begin: int
    size: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a header says, by input in the model's order. `plain`: nothing but the outputs' shapes decides the header of
    the answer; `heads` are those made so far."""

    inputs: tuple[Raw | Array, ...]
    binary_bytes: int
    wanted: tuple[Wanted, ...]
    id: str
    plain: bool
    heads: dict[tuple[Shape, ...], bytes] = field(default_factory=dict)


class Codec:
    """Decodes V2 requests for one model."""

    def __init__(self, model: Model) -> None:
        self._model, self._ports, self._reader = model, Ports(model), Reader()
        self._plans: dict[bytes, Plan] = {}

    def decode(self, body: bytes, header_length: bytes | None) -> Call[Answer]:
        """What a request asks for; `header_length` is its Inference-Header-Content-Length.

        Raises:
            Refusal: it is malformed, or not for this model.
        """
        if header_length is None:
            length, plan = len(body), self._plan(self._reader.tensors(body) or parse(body))
        else:
            length = _header_length(header_length, len(body))
            plan = self._planned(body[:length])
        if len(body) - length != plan.binary_bytes:
            raise malformed(f"{len(body) - length} bytes follow the JSON header; it announces {plan.binary_bytes}")
        arrays = tuple([_array(given, body, length) if isinstance(given, Raw) else given for given in plan.inputs])
        return Call(arrays, partial(self._encode, plan))

    def _planned(self, header: bytes) -> Plan:
        plan = self._plans.get(header)
        if plan is None:
            plan = self._plan(parse(header))
            if not plan.id and len(header) <= MOST_PLAN_BYTES:
                if len(self._plans) >= MOST_PLANS:
                    self._plans.clear()
                self._plans[header] = plan
        return plan

    def _plan(self, document: Mapping[str, Any]) -> Plan:
        parameters = _parameters(document, "the request")
        given: dict[int, Raw | Array] = {}
        at = 0
        for item in _items(document, "inputs"):
            port = self._ports.input(item.get("name"))
            if port.index in given:
                raise malformed(f"input {port.name!r} is given twice")
            datatype, shape = check_datatype(port, item.get("datatype")), check_shape(port, item.get("shape"))
            size = _parameters(item, f"input {port.name!r}").get("binary_data_size")
            if size is not None:
                given[port.index] = raw = Raw(port, shape, at, _size(port, size))
                at += raw.size
            elif isinstance(data := item.get("data"), list | np.ndarray):
                given[port.index] = from_values(datatype, data, shape, f"input {port.name!r}")
            else:
                raise malformed(f"input {port.name!r} has neither data (a list) nor binary_data_size")
        wanted = self._wanted(document, bool(parameters.get("binary_data_output", False)))
        plain = all(each.binary and not each.classes and each.port.datatype.kind != "s" for each in wanted)
        return Plan(self._ports.in_order(given), at, wanted, _id(document), plain)

    def _wanted(self, document: Mapping[str, Any], binary: bool) -> tuple[Wanted, ...]:
        items = _items(document, "outputs") if document.get("outputs") else ()
        if not items:
            return tuple(Wanted(port, port.name, binary, 0) for port in self._ports.outputs)
        wanted = []
        for item in items:
            port = self._ports.output(item.get("name"))
            parameters = _parameters(item, f"output {port.name!r}")
            classes = check_classes(port, parameters.get("classification", 0))
            wanted.append(Wanted(port, item["name"], bool(parameters.get("binary_data", binary)), classes))
        return tuple(wanted)

    def _encode(self, plan: Plan, outputs: Outputs) -> Answer:
        if not plan.plain:
            return self._encode_any(plan, outputs)
        arrays = [outputs[wanted.port.index] for wanted in plan.wanted]
        shapes = tuple(array.shape for array in arrays)
        head = plan.heads.get(shapes)
        if head is None:
            pairs = zip(plan.wanted, arrays, strict=True)
            head = self._head(plan, [self._described(wanted, array.shape, array.nbytes) for wanted, array in pairs])
            if len(plan.heads) < MOST_PLANS:
                plan.heads[shapes] = head
        return _binary_answer(head, [array.tobytes() for array in arrays])

    def _encode_any(self, plan: Plan, outputs: Outputs) -> Answer:
        described, chunks = [], []
        for wanted in plan.wanted:
            array, datatype = outputs[wanted.port.index], wanted.port.datatype
            if wanted.classes:
                labels = self._model.labels if wanted.port.index == 0 else ()
                array = classify(to_values(datatype, array), wanted.classes, labels)
                datatype = DATATYPES["BYTES"]
            if wanted.binary:
                chunks.append(to_bytes(datatype, array))
                described.append(self._described(wanted, array.shape, len(chunks[-1]), datatype))
            else:
                described.append(self._described(wanted, array.shape, None, datatype))
                described[-1]["data"] = to_values(datatype, array.ravel())
        head = self._head(plan, described)
        return _binary_answer(head, chunks) if chunks else Answer(200, head)

    def _described(
        self, wanted: Wanted, shape: Shape, size: int | None, datatype: Datatype | None = None
    ) -> dict[str, Any]:
        described = {"name": wanted.name, "datatype": (datatype or wanted.port.datatype).name, "shape": list(shape)}
        return described if size is None else {**described, "parameters": {"binary_data_size": size}}

    def _head(self, plan: Plan, outputs: Sequence[Mapping[str, Any]]) -> bytes:
        document = {"model_name": self._model.name, "model_version": VERSION}
        if plan.id:
            document["id"] = plan.id
        return orjson.dumps({**document, "outputs": outputs}, option=orjson.OPT_SERIALIZE_NUMPY)


def metadata(model: Model, extra: Mapping[str, Any]) -> dict[str, Any]:
    """A model's metadata; `extra` becomes its `parameters`, which the protocol leaves to servers."""
    return {
        "name": model.name,
        "versions": [VERSION],
        "platform": "openvino",
        "inputs": [_port(port) for port in model.inputs],
        "outputs": [_port(port) for port in model.outputs],
        "parameters": dict(extra),
    }


def _port(port: Port) -> dict[str, Any]:
    return {"name": port.name, "datatype": port.datatype.name, "shape": list(port.shape)}


def _array(raw: Raw, body: bytes, header_bytes: int) -> Array:
    return from_bytes(raw.port.datatype, body, header_bytes + raw.begin, raw.size, raw.shape, raw.port.name)


def _binary_answer(head: bytes, chunks: Sequence[bytes]) -> Answer:
    length = b"Inference-Header-Content-Length: %d\r\n" % len(head)
    return Answer(200, b"".join((head, *chunks)), BINARY, length)


def _header_length(text: bytes, body_bytes: int) -> int:
    if not text.strip().isdigit() or len(text) > MOST_DIGITS or int(text) > body_bytes:
        raise malformed(
            f"Inference-Header-Content-Length is {text[:80].decode('latin-1')!r}; "
            f"it must be the length of the JSON part, at most the body's {body_bytes} bytes"
        )
    return int(text)


def _items(document: Mapping[str, Any], member: str) -> list[dict[str, Any]]:
    items = document.get(member)
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise malformed(f"{member!r} must be a list of one or more objects, each with a name")
    return items


def _parameters(holder: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    parameters = holder.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise malformed(f"the parameters of {what} must be an object")
    return parameters


def _size(port: Port, size: Any) -> int:
    if type(size) is not int or size < 0:
        raise malformed(f"input {port.name!r}: binary_data_size must be a whole number, not {size!r}")
    return size


def _id(document: Mapping[str, Any]) -> str:
    identity = document.get("id", "")
    if not isinstance(identity, str):
        raise malformed("the id of a request must be a string")
    return identity

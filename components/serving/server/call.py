"""What a request asks of the model, free of how it was written: arrays in, and a way to write the outputs.

The two REST dialects and gRPC each decode a request into a `Call`; the schedule runs its arrays and knows nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np

from components.serving.server.model import Model, Outputs, Port
from components.serving.server.refusal import malformed
from components.serving.server.tensors import DATATYPES, Array, Datatype, Shape

Written = TypeVar("Written")
Given = TypeVar("Given")
_MOST_DIMENSION: Final = 2**31 - 1


class Call(NamedTuple, Generic[Written]):
    """A decoded request: an array per input of the model, in its order, and how to write the outputs."""

    arrays: tuple[Array, ...]
    encode: Callable[[Outputs], Written]


class Wanted(NamedTuple):
    """An output as a request wants it: its name there, raw or as values, or the `classes` best classes (0: values)."""

    port: Port
    name: str
    binary: bool
    classes: int


class Ports:
    """A model's inputs and outputs by all their names."""

    def __init__(self, model: Model) -> None:
        self.inputs, self.outputs = model.inputs, model.outputs
        self._inputs = {name: port for port in model.inputs for name in port.names}
        self._outputs = {name: port for port in model.outputs for name in port.names}

    def input(self, name: Any) -> Port:
        """The input of that name.

        Raises:
            Refusal: there is none.
        """
        return _find(self._inputs, name, "input", self.inputs)

    def output(self, name: Any) -> Port:
        """The output of that name.

        Raises:
            Refusal: there is none.
        """
        return _find(self._outputs, name, "output", self.outputs)

    def in_order(self, given: Mapping[int, Given]) -> tuple[Given, ...]:
        """What was given for each input, in the model's order.

        Raises:
            Refusal: an input is missing.
        """
        missing = [repr(port.name) for port in self.inputs if port.index not in given]
        if missing:
            raise malformed(f"missing input {', '.join(missing)}; the model takes {_names(self.inputs)}")
        return tuple(given[port.index] for port in self.inputs)


def check_datatype(port: Port, name: Any) -> Datatype:
    """The data type of that name, if it is the input's.

    Raises:
        Refusal: it is another, or none at all.
    """
    if name == port.datatype.name:
        return port.datatype
    if not isinstance(name, str) or name not in DATATYPES:
        raise malformed(f"input {port.name!r}: {name!r} is no data type; they are {', '.join(DATATYPES)}")
    raise malformed(f"input {port.name!r} is {port.datatype.name}, not {name}")


def check_shape(port: Port, dimensions: Any) -> Shape:
    """The shape, if it is one and the input takes it.

    Raises:
        Refusal: it is not.
    """
    if not isinstance(dimensions, Sequence) or isinstance(dimensions, str):
        raise malformed(f"input {port.name!r}: its shape must be a list of whole numbers")
    if not all(type(dimension) is int and 0 < dimension <= _MOST_DIMENSION for dimension in dimensions):
        raise malformed(
            f"input {port.name!r}: {list(dimensions)} is no shape; each dimension is a whole number above 0"
        )
    shape = tuple(dimensions)
    port.check(shape)
    return shape


def check_classes(port: Port, value: Any) -> int:
    """The number of best classes asked for by the classification extension; 0 for none.

    Raises:
        Refusal: it is no such number.
    """
    if type(value) is not int or value < 0:
        raise malformed(f"output {port.name!r}: classification must be a whole number, not {value!r}")
    if value and port.datatype.kind == "s":
        raise malformed(f"output {port.name!r} holds strings; there is nothing to classify")
    return value


def classify(array: Array, count: int, labels: Sequence[str]) -> Array:
    """The `count` best values of each row as BYTES `value:index[:label]`, best first.

    The first of several dimensions counts rows. The form is that of the classification extension
    (https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_classification.md).
    """
    batched = array.ndim > 1
    rows = array.reshape(len(array) if batched else 1, -1)
    best = np.argsort(-rows.astype(np.float64), axis=1, kind="stable")[:, :count]
    texts = np.empty(best.shape, dtype=object)
    for at, index in np.ndenumerate(best):
        label = f":{labels[int(index)]}" if index < len(labels) else ""
        texts[at] = f"{float(rows[at[0], index]):f}:{index}{label}".encode()
    return texts if batched else texts[0]


def _find(ports: Mapping[str, Port], name: Any, kind: str, all_ports: Sequence[Port]) -> Port:
    port = ports.get(name) if isinstance(name, str) else None
    if port is None:
        raise malformed(f"the model has no {kind} {name!r}; it has {_names(all_ports)}")
    return port


def _names(ports: Sequence[Port]) -> str:
    return ", ".join(repr(port.name) for port in ports)

"""The model of a serving process: read, checked against its digest, compiled for this process's cores, and run.

OpenVINO is told the number of streams and threads outright; a performance hint would overrule them. Cores are bound by
the process's mask, which the launcher sets before exec: OpenVINO reads it once, when its CPU plug-in loads.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import openvino as ov

from components.models.digest import ir_digest
from components.serving.server.arguments import Arguments, ModelFile
from components.serving.server.refusal import Refusal, malformed
from components.serving.server.tensors import BY_ELEMENT, Array, Datatype, Shape
from schemas.errors import PreflightError

VERSION: Final = "1"
Outputs = Sequence[Array]


@dataclass(frozen=True)
class Port:
    """An input or output of a model; -1 in `shape` stands for a dimension that each request chooses.

    `names` are all the names that OpenVINO knows it by, the one that metadata shows first; `bounds` are the least and
    the greatest value of each dimension.
    """

    index: int
    names: tuple[str, ...]
    datatype: Datatype
    shape: Shape
    bounds: tuple[tuple[int, float], ...]

    @property
    def name(self) -> str:
        return self.names[0]

    def check(self, shape: Shape) -> None:
        """Whether a request may use this shape.

        Raises:
            Refusal: it has another rank, or a dimension that the model fixes otherwise.
        """
        fits = len(shape) == len(self.bounds) and all(
            least <= dimension <= most for dimension, (least, most) in zip(shape, self.bounds, strict=True)
        )
        if not fits:
            raise malformed(f"input {self.name!r} takes the shape {list(self.shape)}, not {list(shape)}")


@dataclass(frozen=True)
class Model:
    """A compiled model with its ports; `labels` name the classes of its first output where the model file has them."""

    name: str
    digest: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    labels: tuple[str, ...]
    threads: int
    streams: int
    execution: str
    compiled: ov.CompiledModel

    @property
    def dynamic(self) -> bool:
        """Whether requests choose any dimension."""
        return any(-1 in port.shape for port in self.inputs)

    def runner(self) -> Runner:
        """A new place to run this model in; one per thread that runs it."""
        return Runner(self)


def load(arguments: Arguments) -> Model:
    """Reads and compiles the model.

    Raises:
        PreflightError: a file is missing, is not what the digest says, or OpenVINO cannot use it.
    """
    file = arguments.model
    digest = _checked_digest(file)
    core = ov.Core()
    try:
        graph = core.read_model(file.path)
        compiled = core.compile_model(graph, "CPU", settings(arguments, process_mask()))
    except RuntimeError as error:
        raise PreflightError(f"OpenVINO cannot use {file.path}", why=_last_line(error)) from error
    return Model(
        name=file.name,
        digest=digest,
        inputs=_ports(compiled.inputs, "input"),
        outputs=_ports(compiled.outputs, "output"),
        labels=_labels(graph),
        threads=compiled.get_property("INFERENCE_NUM_THREADS"),
        streams=compiled.get_property("NUM_STREAMS"),
        execution=compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name(),
        compiled=compiled,
    )


def process_mask() -> frozenset[int]:
    """The CPUs this process may run on; all of them where the system cannot say."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def settings(arguments: Arguments, mask: frozenset[int]) -> dict[str, Any]:
    """OpenVINO's properties for a process that may run on the CPUs in `mask`.

    Its threads are pinned one to a core only where the mask is this instance's own: without one, every process would
    pin its threads to the same first cores.
    """
    properties: dict[str, Any] = {
        "NUM_STREAMS": arguments.streams,
        "INFERENCE_NUM_THREADS": arguments.threads,
        "ENABLE_CPU_PINNING": mask == frozenset(arguments.cpus) and len(mask) >= arguments.threads,
    }
    if arguments.execution != "auto":
        properties["INFERENCE_PRECISION_HINT"] = arguments.execution
    return properties


class Runner:
    """One infer request with its input tensors; runs one inference at a time, in the thread that calls it."""

    def __init__(self, model: Model) -> None:
        self._request = model.compiled.create_infer_request()
        self._ports = model.inputs
        self._dynamic = model.dynamic
        self._outputs = model.outputs
        self._strings = any(port.datatype.kind == "s" for port in (*model.inputs, *model.outputs))
        self._views: list[Array | None] = [None] * len(model.inputs)

    def infer(self, arrays: Sequence[Array]) -> Outputs:
        """The outputs for one array per input. They are OpenVINO's own memory: valid until the next call.

        Raises:
            Refusal: the shapes, each allowed by itself, do not fit together.
        """
        for port, array in zip(self._ports, arrays, strict=True):
            view = self._views[port.index]
            if view is None or view.shape != array.shape:
                view = self._allocate(port, array)
            if view is not None:
                np.copyto(view, array)
        try:
            results = self._request.infer(share_outputs=not self._strings, decode_strings=False)
        except RuntimeError as error:
            status, what = (400, "these shapes do not fit together") if self._dynamic else (500, "the inference failed")
            raise Refusal(status, f"{what}: {_last_line(error)}") from error
        return [_typed(array, port.datatype) for array, port in zip(results.values(), self._outputs, strict=True)]

    def _allocate(self, port: Port, array: Array) -> Array | None:
        """A tensor of this shape, kept for the requests to come; strings are bound as they are and return None."""
        if port.datatype.kind == "s":
            self._request.set_input_tensor(port.index, ov.Tensor(array.astype(np.bytes_)))
            return None
        tensor = ov.Tensor(getattr(ov.Type, port.datatype.element), ov.Shape(list(array.shape)))
        self._request.set_input_tensor(port.index, tensor)
        view: Array = tensor.data.view(port.datatype.dtype)
        self._views[port.index] = view
        return view


def _typed(array: Array, datatype: Datatype) -> Array:
    """An output as its data type is held here; OpenVINO shows the bits of BF16 as float16, and strings by length."""
    if array.dtype == datatype.dtype:
        return array
    return array.astype(object) if datatype.kind == "s" else array.view(datatype.dtype)


def measure(model: Model, *, limit_s: float = 0.3, most: int = 30) -> float:
    """The time of one inference in seconds, on zeros, dimensions that requests choose being 1.

    The shortest of several: whatever else runs while the server starts only makes it longer.
    """
    runner = model.runner()
    arrays = [_zeros(port) for port in model.inputs]
    times: list[float] = []
    end = time.perf_counter() + limit_s
    try:
        runner.infer(arrays)
        while len(times) < 3 or (len(times) < most and time.perf_counter() < end):
            begun = time.perf_counter()
            runner.infer(arrays)
            times.append(time.perf_counter() - begun)
    except Refusal as error:
        if model.dynamic:  # the model wants other dimensions than 1; only its users know which
            return float("nan")
        raise PreflightError(f"the model {model.name!r} cannot be run", why=error.reason) from error
    return min(times)


def _zeros(port: Port) -> Array:
    shape = [max(dimension, 1) if dimension == -1 else dimension for dimension in port.shape]
    if port.datatype.kind == "s":
        return np.full(shape, b"", dtype=object)
    return np.zeros(shape, port.datatype.dtype)


def _ports(nodes: Sequence[Any], kind: str) -> tuple[Port, ...]:
    return tuple(_port(index, node, kind) for index, node in enumerate(nodes))


def _port(index: int, node: Any, kind: str) -> Port:
    element = node.element_type.get_type_name()
    if element not in BY_ELEMENT:
        raise PreflightError(f"{kind} {index} of the model is of type {element}, which the protocol cannot carry")
    partial = node.partial_shape
    if partial.rank.is_dynamic:
        raise PreflightError(f"{kind} {index} of the model has no fixed rank", remedy="fix its rank when converting")
    names = sorted(node.names, key=lambda name: (len(name), name)) or [f"{kind}{index}"]
    shape = tuple(dimension.get_length() if dimension.is_static else -1 for dimension in partial)
    return Port(index, tuple(names), BY_ELEMENT[element], shape, tuple(_bounds(dimension) for dimension in partial))


def _bounds(dimension: Any) -> tuple[int, float]:
    # an open end is -1 in OpenVINO; a dimension of 0 would be an empty tensor, which no request may send
    most = dimension.get_max_length()
    return max(1, dimension.get_min_length()), math.inf if most == -1 else most


def _checked_digest(file: ModelFile) -> str:
    try:
        digest = ir_digest(file.path)
    except OSError as error:
        raise PreflightError(f"the model {file.path} cannot be read", why=str(error)) from error
    if file.digest is not None and digest != file.digest:
        raise PreflightError(
            f"{file.path} is not the model that was asked for",
            why=f"its digest is {digest}, it should be {file.digest}",
            remedy="run `inferstack up` again; it fetches or converts the model anew",
        )
    return digest


def _labels(graph: Any) -> tuple[str, ...]:
    """Class names as the Open Model Zoo's model API keeps them: one text, separated by spaces."""
    path = ["model_info", "labels"]
    return tuple(graph.get_rt_info(path).astype(str).split()) if graph.has_rt_info(path) else ()


def _last_line(error: Exception) -> str:
    """What is wrong, without the places in OpenVINO's sources."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in reversed(lines) if not line.startswith("Exception from")), "no reason given")

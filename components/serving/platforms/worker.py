"""The model inside a worker of KServe or MLServer: loaded as the embedded server loads it, run as their users would.

Runs in those platforms' environments, so it imports the standard library, numpy, OpenVINO and the embedded server's
light modules alone. Short inferences run in the event loop, longer ones in a thread a stream.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from components.serving.server.arguments import Arguments, read
from components.serving.server.model import Model, Port, Runner, load, measure
from components.serving.server.refusal import malformed
from components.serving.server.tensors import Array

INLINE_BELOW_S = 1e-3


class Worker:
    """A loaded model that answers V1 bodies and named arrays; all its methods belong to one event loop."""

    def __init__(self, path: Path) -> None:
        self.arguments: Arguments = read(path)
        self.model: Model = load(self.arguments)
        self._ready = Path(json.loads(path.read_text())["ready"])
        self._own = threading.local()
        inline = self.arguments.streams == 1 and measure(self.model) < INLINE_BELOW_S
        self._pool = None if inline else ThreadPoolExecutor(self.arguments.streams)

    def tell(self) -> None:
        """Write down who serves which model, for whoever started this process."""
        partial = self._ready.with_suffix(".partial")
        partial.write_text(json.dumps({"pid": os.getpid(), "digest": self.model.digest}))
        partial.replace(self._ready)

    async def infer(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs by name for one array per input, each of the model's type and an allowed shape.

        Raises:
            Refusal: an input is missing, unknown or does not fit.
        """
        ordered = [_cast(port, _found(port, arrays)) for port in self.model.inputs]
        if len(arrays) > len(ordered):
            known = ", ".join(port.name for port in self.model.inputs)
            raise malformed(f"the model's inputs are {known}; given were {', '.join(arrays)}")
        if self._pool is None:
            return self._run(ordered)
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, ordered)

    async def predict(self, body: Any) -> dict[str, Any]:
        """The answer to a V1 body: `instances` (rows) to `predictions`, `inputs` (columns) to `outputs`.

        Raises:
            Refusal: the body has neither, or it does not fit the model.
        """
        if not isinstance(body, Mapping) or not {"instances", "inputs"} & set(body):
            raise malformed('expected a JSON object with "instances" or "inputs"')
        rows = "instances" in body
        given = body["instances"] if rows else body["inputs"]
        outputs = await self.infer(_columns(self.model, given, rows))
        if len(outputs) == 1:
            (only,) = outputs.values()
            return {"predictions" if rows else "outputs": only.tolist()}
        if not rows:
            return {"outputs": {name: array.tolist() for name, array in outputs.items()}}
        count = len(next(iter(outputs.values())))
        return {"predictions": [{name: array[row].tolist() for name, array in outputs.items()} for row in range(count)]}

    def _run(self, ordered: list[Array]) -> dict[str, Array]:
        runner: Runner | None = getattr(self._own, "runner", None)
        if runner is None:
            runner = self._own.runner = self.model.runner()
        # The outputs are the request's own memory, which the next inference overwrites.
        return {
            port.name: np.array(array) for port, array in zip(self.model.outputs, runner.infer(ordered), strict=True)
        }


def tensors(ports: tuple[Port, ...]) -> list[dict[str, Any]]:
    """Inputs or outputs as metadata lists them."""
    return [{"name": port.name, "datatype": port.datatype.name, "shape": list(port.shape)} for port in ports]


def _columns(model: Model, given: Any, rows: bool) -> dict[str, Array]:
    """One array per input of a V1 body, whichever of its forms it has."""
    if rows and isinstance(given, list) and given and isinstance(given[0], Mapping):
        given = {name: [row.get(name) for row in given] for name in given[0]}
    if not isinstance(given, Mapping):
        given = {model.inputs[0].name: given}
    types = {name: port.datatype.dtype for port in model.inputs for name in port.names}
    try:
        return {name: np.asarray(values, types.get(name)) for name, values in given.items()}
    except (ValueError, TypeError) as error:
        raise malformed(f"the values are no array: {error}") from error


def _found(port: Port, arrays: Mapping[str, Array]) -> Array:
    for name in port.names:
        if name in arrays:
            return arrays[name]
    raise malformed(f"input {port.name!r} is missing; given were {', '.join(arrays) or 'none'}")


def _cast(port: Port, array: Array) -> Array:
    port.check(array.shape)
    if array.dtype != port.datatype.dtype:
        raise malformed(f"input {port.name!r} takes {port.datatype.name}, not {array.dtype}")
    return array

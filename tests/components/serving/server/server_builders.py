"""Real models and real serving processes for the server's tests."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["CI"] = "true"

import httpx
import numpy as np
import openvino as ov
import openvino.opset15 as op

from tests.builders.programs import free_port

ROOT = Path(__file__).parents[4]
START_LIMIT_S = 30.0
# The protocol's data types that a test can hold against numpy's; BF16 travels as its 16 bits.
NUMPY = {
    "BOOL": np.bool_, "UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32, "UINT64": np.uint64,
    "INT8": np.int8, "INT16": np.int16, "INT32": np.int32, "INT64": np.int64,
    "FP16": np.float16, "BF16": np.uint16, "FP32": np.float32, "FP64": np.float64,
}  # fmt: skip
ELEMENTS = {
    "BOOL": "boolean", "UINT8": "u8", "UINT16": "u16", "UINT32": "u32", "UINT64": "u64",
    "INT8": "i8", "INT16": "i16", "INT32": "i32", "INT64": "i64",
    "FP16": "f16", "BF16": "bf16", "FP32": "f32", "FP64": "f64",
}  # fmt: skip


# ---------------------------------------------------------------------------------------------- models


def a_doubling_model(path: Path, *, columns: int = 4) -> Path:
    """`y = 2 x` over rows of `columns` FP32 values."""
    x = parameter("x", [-1, columns])
    return saved(path, [x], {"y": op.multiply(x, op.constant(np.float32(2)))})


def a_pair_model(path: Path) -> Path:
    """`sum = a + b` (FP32) and `difference = a - b` of two inputs, whose numbers of rows must agree."""
    a, b = parameter("a", [-1, 2]), parameter("b", [-1, 2])
    return saved(path, [a, b], {"sum": op.add(a, b), "difference": op.subtract(a, b)})


def a_types_model(path: Path) -> Path:
    """For each data type T a tensor `t_T` of shape [-1, 3], an input and an output at once.

    Nothing is computed: OpenVINO computes 64-bit types in 32 bits on CPUs, which would hide what travelled.
    """
    inputs = [parameter(f"t_{name}", [-1, 3], getattr(ov.Type, element)) for name, element in ELEMENTS.items()]
    return _written(ov.Model([op.result(node) for node in inputs], inputs, "types"), path)


def a_string_model(path: Path) -> Path:
    """The output `text` is the input `text`, of strings."""
    text = parameter("text", [-1], ov.Type.string)
    return _written(ov.Model([op.result(text)], [text], "strings"), path)


def an_echo_model(path: Path, element: ov.Type) -> Path:
    """The output `x` is the input `x`, three values a row."""
    x = parameter("x", [-1, 3], element)
    return _written(ov.Model([op.result(x)], [x], "echo"), path)


def a_nameless_model(path: Path) -> Path:
    """Doubles, and has no tensor names at all."""
    x = op.parameter([-1, 2], ov.Type.f32)
    model = ov.Model([op.result(op.multiply(x, op.constant(np.float32(2))))], [x], "nameless")
    written = _written(model, path)
    written.write_text(re.sub(r' (output_)?names="[^"]*"', "", written.read_text()))
    return written


def a_slow_model(path: Path, *, size: int = 1100, layers: int = 2) -> Path:
    """`y` is `x` [-1, 4] after a few large matrix products, which take tens of milliseconds."""
    x = parameter("x", [-1, 4])
    wide = op.matmul(x, op.constant(np.full((4, size), 0.1, np.float32)), False, False)
    square = op.matmul(wide, wide, True, False)
    for _ in range(layers):
        square = op.matmul(square, square, False, False)
    return saved(path, [x], {"y": op.reduce_mean(square, op.constant(np.array([0])), True)})


def a_labelled_model(path: Path) -> Path:
    """`y = x` over three values, whose classes are called cat, dog and cow."""
    x = parameter("x", [-1, 3])
    model = ov.Model([_named(op.result(op.multiply(x, op.constant(np.float32(1)))), "y")], [x], "labelled")
    model.set_rt_info("cat dog cow", ["model_info", "labels"])
    return _written(model, path)


def parameter(name: str, shape: list[int], element: ov.Type = ov.Type.f32) -> Any:
    node = op.parameter(shape, element, name=name)
    return _named(node, name)


def saved(path: Path, inputs: list[Any], outputs: dict[str, Any]) -> Path:
    results = [_named(op.result(node), name) for name, node in outputs.items()]
    return _written(ov.Model(results, inputs, "model"), path)


def _named(node: Any, name: str) -> Any:
    node.output(0).set_names({name})
    return node


def _written(model: ov.Model, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    ov.save_model(model, path, compress_to_fp16=False)
    return path


# ---------------------------------------------------------------------------------------------- servers


@dataclass(frozen=True)
class Server:
    """A running serving process."""

    name: str
    process: subprocess.Popen[str]
    rest_port: int
    grpc_port: int | None
    started: dict[str, Any]
    client: httpx.Client

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.rest_port}"

    def get(self, path: str) -> httpx.Response:
        return self.client.get(self.url + path)

    def infer(self, body: Any) -> httpx.Response:
        return self.client.post(f"{self.url}/v2/models/{self.name}/infer", json=body)

    def predict(self, body: Any) -> httpx.Response:
        return self.client.post(f"{self.url}/v1/models/{self.name}:predict", json=body)

    def infer_binary(self, header: dict[str, Any], binary: bytes) -> httpx.Response:
        """A request with the binary extension: the header, then the inputs' bytes."""
        head = json.dumps(header).encode()
        headers = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}
        url = f"{self.url}/v2/models/{self.name}/infer"
        return self.client.post(url, content=head + binary, headers=headers)

    def metric(self, series: str) -> float:
        """The value of the one series that begins like this."""
        lines = [line for line in self.get("/metrics").text.splitlines() if line.startswith(series)]
        assert len(lines) == 1, (series, lines)
        return float(lines[0].rsplit(" ", 1)[1])

    def raw(self) -> socket.socket:
        """A plain connection."""
        return socket.create_connection(("127.0.0.1", self.rest_port), timeout=10)

    def alive(self) -> bool:
        return self.process.poll() is None


def arguments(xml: Path, **changes: Any) -> dict[str, Any]:
    """Arguments of a serving process on free ports; `changes` replace members."""
    return {
        "name": "test-0",
        "model": {"name": "m", "path": str(xml), "digest": None},
        "host": "127.0.0.1",
        "rest_port": free_port(),
        "grpc_port": None,
        "cpus": sorted(os.sched_getaffinity(0)),
        "memory_node": None,
        "threads": 1,
        "streams": 1,
        "execution": "f32",
        "scheduling": "auto",
        "queue_size": 16,
        "retry_after_s": 2.0,
        "max_request_bytes": 1 << 20,
        "drain_s": 5.0,
        **changes,
    }


def launch(folder: Path, args: dict[str, Any]) -> subprocess.Popen[str]:
    """Starts a serving process, ready or not."""
    file = folder / f"args-{args['rest_port']}.json"
    file.write_text(json.dumps(args))
    return subprocess.Popen(
        [sys.executable, "-m", "components.serving.server", str(file)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@contextmanager
def serving(folder: Path, xml: Path, **changes: Any) -> Iterator[Server]:
    """A server that answers, ended at the end."""
    args = arguments(xml, **changes)
    process = launch(folder, args)
    try:
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], START_LIMIT_S)
        line = process.stdout.readline() if readable else ""
        if not line:
            process.kill()
            raise AssertionError(f"the server did not start: {process.communicate()[1]}")
        with httpx.Client(timeout=20, verify=False) as client:
            ports = args["rest_port"], args["grpc_port"]
            yield Server(args["model"]["name"], process, *ports, json.loads(line), client)
    finally:
        process.kill()
        process.communicate()


def eventually(true: Callable[[], bool], *, limit_s: float = 10.0) -> bool:
    """Whether the condition comes true within the limit."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.005)
    return False


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """One HTTP answer from a plain connection: status, headers in lower case, body."""
    buffer = b""
    while b"\r\n\r\n" not in buffer:
        chunk = connection.recv(65536)
        assert chunk, f"the server hung up after {buffer!r}"
        buffer += chunk
    head, _, body = buffer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    code = int(status.split()[1])
    if code == 100:
        assert not body
        return code, headers, b""
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    assert len(body) == int(headers["content-length"]), "more came than one answer"
    return code, headers, body

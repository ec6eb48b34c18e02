"""Models of a wanted duration: convolution stacks whose single-core inference takes about as long as asked."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as op

from components.models.digest import ir_digest

SIDE = 32
CORE = 0


@dataclass(frozen=True)
class Made:
    """A model on the disk and what one inference of it takes in a process of its own on one core."""

    path: Path
    digest: str
    inference_s: float
    per_s: float


def convolutions(folder: Path, layers: int) -> Path:
    """A stack of `layers` 3x3 convolutions of 32 channels over one 32x32x3 image; random weights, seeded."""
    random = np.random.default_rng(1)
    given = op.parameter([-1, 3, SIDE, SIDE], ov.Type.f32, name="x")
    given.output(0).set_names({"x"})
    node, channels = given, 3
    for _ in range(layers):
        weights = (random.standard_normal((32, channels, 3, 3)) * np.sqrt(2 / (9 * channels))).astype(np.float32)
        node = op.relu(op.convolution(node, op.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1]))
        channels = 32
    pooled = op.reduce_mean(node, op.constant(np.array([2, 3])), False)
    head = op.constant(random.standard_normal((32, 10)).astype(np.float32))
    model = ov.Model([op.result(op.matmul(pooled, head, False, False))], [given], f"conv{layers}")
    model.outputs[0].tensor.set_names({"y"})
    path = folder / "1" / "model.xml"
    path.parent.mkdir(parents=True)
    ov.save_model(model, path, compress_to_fp16=False)
    return path


def in_process(path: Path, seconds: float = 3.0, cpus: tuple[int, ...] = (CORE,)) -> Made:
    """What a process on `cpus` gets out of a model with nothing in between: the limit of any server on them.

    A process of its own, because OpenVINO reads the affinity mask only once.
    """
    command = [sys.executable, "-m", "tests.performance.models", str(path), str(seconds), *map(str, cpus)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    per_s = float(done.stdout.split()[-1])
    return Made(path, ir_digest(path), 1 / per_s, per_s)


def layers_for(folder: Path, wanted_s: float) -> int:
    """How many layers take about `wanted_s` seconds on one core."""
    one = in_process(convolutions(folder / "probe-2", 2), 0.5).inference_s
    many = in_process(convolutions(folder / "probe-12", 12), 0.5).inference_s
    each = max((many - one) / 10, 1e-6)
    return max(1, round((wanted_s - one) / each) + 2)


def _infer(path: str, seconds: float, cpus: set[int]) -> float:
    os.sched_setaffinity(0, cpus)
    properties = {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": len(cpus), "INFERENCE_PRECISION_HINT": "f32"}
    request = ov.Core().compile_model(path, "CPU", properties).create_infer_request()
    request.set_input_tensor(ov.Tensor(np.random.default_rng(0).random((1, 3, SIDE, SIDE), dtype=np.float32)))
    for _ in range(20):
        request.infer()
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        request.infer()
        count += 1
    return count / elapsed


if __name__ == "__main__":
    print(_infer(sys.argv[1], float(sys.argv[2]), {int(cpu) for cpu in sys.argv[3:]}))

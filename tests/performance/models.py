"""Models of a wanted duration: convolution stacks whose single-core inference takes about as long as asked."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import openvino as ov
import openvino.opset13 as op

from components.models.digest import ir_digest
from tests.performance.quiet import undisturbed

SIDE: Final = 32
CORE: Final = 0
NEAR: Final = 0.15
CORRECTIONS: Final = 4


@dataclass(frozen=True)
class Made:
    """A model on the disk and what one inference of it takes in a process of its own on one core."""

    path: Path
    digest: str
    inference_s: float


@dataclass(frozen=True)
class Timed:
    """What a process with nothing in between got out of a model: the median time of one inference, and their rate."""

    inference_s: float
    per_s: float


def model_of(folder: Path, wanted_s: float) -> Made:
    """A model whose inference takes about `wanted_s` on one core, and what it was really measured to take.

    The time of a stack is not quite in proportion to its layers, and the machine not quite steady: the number of layers
    is estimated, measured, and corrected until it is near enough or the last correction brought nothing new.
    """
    # As wide as real networks' layers, so that two cores share each as well as they would theirs; narrow ones for a
    # short model, because each is a smaller step.
    channels = 64 if wanted_s > 1e-3 else 16
    measured: dict[int, float] = {}
    layers = 2
    for _ in range(CORRECTIONS + 1):
        if layers not in measured:
            measured[layers] = _steady(convolutions(folder / f"layers-{layers}", layers, channels))
        if abs(measured[layers] / wanted_s - 1) <= NEAR:
            break
        layers = max(1, round(layers * wanted_s / measured[layers]))
    best = min(measured, key=lambda tried: abs(measured[tried] - wanted_s))
    path = folder / f"layers-{best}" / "1" / "model.xml"
    return Made(path, ir_digest(path), measured[best])


def convolutions(folder: Path, layers: int, channels: int) -> Path:
    """A stack of `layers` 3x3 convolutions of `channels` over one 32x32x3 image; random weights, seeded."""
    random = np.random.default_rng(1)
    given = op.parameter([-1, 3, SIDE, SIDE], ov.Type.f32, name="x")
    given.output(0).set_names({"x"})
    node, width = given, 3
    for _ in range(layers):
        weights = (random.standard_normal((channels, width, 3, 3)) * np.sqrt(2 / (9 * width))).astype(np.float32)
        node = op.relu(op.convolution(node, op.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1]))
        width = channels
    pooled = op.reduce_mean(node, op.constant(np.array([2, 3])), False)
    head = op.constant(random.standard_normal((channels, 10)).astype(np.float32))
    model = ov.Model([op.result(op.matmul(pooled, head, False, False))], [given], f"conv{layers}")
    model.outputs[0].tensor.set_names({"y"})
    path = folder / "1" / "model.xml"
    path.parent.mkdir(parents=True)
    ov.save_model(model, path, compress_to_fp16=False)
    return path


def in_process(path: Path, seconds: float, cpus: tuple[int, ...] = (CORE,)) -> Timed:
    """What a process on `cpus` gets out of a model with nothing in between: the limit of any server on them.

    A process of its own, because OpenVINO reads the affinity mask only once.
    """
    command = [sys.executable, "-m", "tests.performance.models", str(path), str(seconds), *map(str, cpus)]

    def measure() -> Timed:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
        return Timed(**json.loads(done.stdout.splitlines()[-1]))

    return undisturbed(measure)


def _steady(path: Path) -> float:
    """The best of three medians: what the model takes when nobody else has the core."""
    return min(in_process(path, 0.7).inference_s for _ in range(3))


def _infer(path: str, seconds: float, cpus: set[int]) -> Timed:
    os.sched_setaffinity(0, cpus)
    properties = {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": len(cpus), "INFERENCE_PRECISION_HINT": "f32"}
    request = ov.Core().compile_model(path, "CPU", properties).create_infer_request()
    request.set_input_tensor(ov.Tensor(np.random.default_rng(0).random((1, 3, SIDE, SIDE), dtype=np.float32)))
    for _ in range(20):
        request.infer()
    times, start = [], time.perf_counter()
    end, last = start + seconds, start
    while last < end:
        request.infer()
        now = time.perf_counter()
        times.append(now - last)
        last = now
    return Timed(statistics.median(times), len(times) / (last - start))


if __name__ == "__main__":
    print(json.dumps(vars(_infer(sys.argv[1], float(sys.argv[2]), {int(cpu) for cpu in sys.argv[3:]}))))

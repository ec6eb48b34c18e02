"""Builders of what the supervision tests start: an instance, and a platform that is a small server of ours."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.serving import supervisor
from components.serving.instance import Instance, Launch, Ports

STUB = Path(__file__).with_name("stub_server.py")


@dataclass(frozen=True)
class StubPlatform:
    """Runs the stub server; `behaviour` says how it misbehaves."""

    behaviour: Mapping[str, Any] = field(default_factory=dict)

    def prepare(self, instance: Instance) -> None:
        """Nothing is needed."""

    def launch(self, instance: Instance, ports: Ports) -> Launch:
        model = {"name": instance.model_name, "digest": instance.model_digest}
        args = {"name": instance.name, "model": model, "host": instance.host, "threads": instance.threads}
        args |= {"rest_port": ports.rest, "grpc_port": ports.grpc, "stub": dict(self.behaviour)}
        return Launch((sys.executable, str(STUB), str(instance.files.args)), args, {})


def an_instance(state: Path, **changes: Any) -> Instance:
    wanted: dict[str, Any] = {
        "stack": "test",
        "state": state,
        "store": state.parent / "store",
        "group": "digits",
        "name": "digits-0",
        "platform": "stub",
        "model_name": "digits",
        "model_path": state / "model.xml",
        "model_digest": "a" * 64,
        "cpus": (min(usable_cpus()),),
        "drain_s": 1.0,
    }
    return Instance(**{**wanted, **changes})


def usable_cpus() -> tuple[int, ...]:
    if not hasattr(os, "sched_getaffinity"):
        return tuple(range(os.cpu_count() or 1))
    return tuple(sorted(os.sched_getaffinity(0)))


@contextmanager
def a_stack(folder: Path) -> Iterator[Path]:
    """A state folder whose daemon and processes end with the test."""
    state = folder / "state"
    state.mkdir(parents=True)
    try:
        yield state
    finally:
        supervisor.stop(state / "run")


def a_model(folder: Path, scale: float = 2.0) -> tuple[Path, str]:
    """A small classifier in OpenVINO IR, `x` [rows, 4] to `probabilities` [rows, 3], and its digest."""
    import numpy as np
    import openvino as ov
    from openvino import opset13 as ops

    from components.models.digest import ir_digest

    x = ops.parameter([-1, 4], np.float32, name="x")
    weights = ops.constant(np.eye(4, 3, dtype=np.float32) * np.float32(scale))
    result = ops.softmax(ops.matmul(x, weights, False, False), 1)
    x.output(0).tensor.set_names({"x"})
    result.output(0).tensor.set_names({"probabilities"})
    path = folder / "model.xml"
    ov.save_model(ov.Model([result], [x], "classifier"), path, compress_to_fp16=False)
    return path, ir_digest(path)


def eventually(holds: Callable[[], Any], limit_s: float = 15.0) -> None:
    """Wait until something holds."""
    until = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.02)

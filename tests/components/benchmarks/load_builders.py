"""What the load generator's tests are made of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components import codec
from components.benchmarks import samples
from components.benchmarks.load.arguments import Arguments, Endpoint, ModelInput
from components.benchmarks.result import LoadShape, Measurement
from components.benchmarks.samples import Samples

INPUT = ModelInput("x", "FP32", (-1, 4))


def a_data_file(folder: Path, *, rows: int = 40, wrong: int = 0) -> Path:
    """Rows whose first value is their class, as the stub predicts; the first `wrong` rows have another label."""
    labels = np.arange(rows) % 10
    values = np.tile(np.arange(4, dtype=np.float32), (rows, 1))
    values[:, 0] = labels
    stated = labels.copy()
    stated[:wrong] = (stated[:wrong] + 1) % 10
    path = folder / "data.npz"
    np.savez(path, x=values, y=stated)
    return path


def a_shape(**changes: Any) -> LoadShape:
    """An open loop of 200/s for half a second."""
    known: dict[str, Any] = {
        "label": "the load", "rate_per_s": 200.0, "clients": None, "arrivals": "constant", "duration_s": 0.5,
        "warmup_s": 0.1, "connections": 0, "batch": 1, "seed": 1, "timeout_s": 5.0,
    }  # fmt: skip
    if changes.get("clients") is not None:
        known["rate_per_s"] = None
    return LoadShape(**{**known, **changes})


def some_arguments(folder: Path, ports: list[int], **changes: Any) -> Arguments:
    """A measurement of the stub's good model; `load_...` changes the load."""
    shape = a_shape(
        **{name.removeprefix("load_"): changes.pop(name) for name in [*changes] if name.startswith("load_")}
    )
    known: dict[str, Any] = {
        "target": "stub", "model": "good", "protocol": "v2", "inputs": (INPUT,),
    }  # fmt: skip
    if "data" not in changes:
        known["data"] = str(a_data_file(folder))
    known["endpoints"] = tuple(Endpoint("127.0.0.1", port) for port in ports)
    return Arguments(
        load=shape,
        samples=str(folder / "samples.npz"),
        summary=str(folder / "summary.json"),
        **{**known, **changes},
    )


@dataclass(frozen=True)
class Made:
    """What a load generator left behind."""

    measurement: Measurement
    samples: Samples


def generate(folder: Path, ports: list[int], **changes: Any) -> Made:
    """Run the load generator as a process and read what it wrote."""
    arguments = some_arguments(folder, ports, **changes)
    finished = start(folder, arguments)
    assert finished.returncode == 0, finished.stderr
    measurement = codec.decode(Measurement, json.loads(Path(arguments.summary).read_text()))
    return Made(measurement, samples.read(Path(arguments.samples)))


def as_json(arguments: Arguments) -> str:
    """The arguments as the generator reads them."""
    return json.dumps(codec.encode(arguments))


def start(folder: Path, arguments: Arguments, *, path: str = "") -> subprocess.CompletedProcess[str]:
    """The load generator's process, ended; `path` is where it finds programs instead."""
    file = folder / "arguments.json"
    file.write_text(as_json(arguments))
    command = [sys.executable, "-m", "components.benchmarks.load", str(file)]
    environment = {**os.environ, "PATH": path} if path else None
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


def until(condition: Callable[[], object], *, limit_s: float = 20.0) -> None:
    """Wait until something is so, or fail."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)

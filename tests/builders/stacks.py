"""Small stacks for tests: a model that is made in a moment, a spec around it, and the command line as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as op

from tests.stack.commands import environment


def a_model(folder: Path, *, seed: int = 1) -> Path:
    """An IR of a few bytes: softmax of 4 inputs by 3 random classes; `x` in, `y` out."""
    weights = np.random.default_rng(seed).standard_normal((4, 3)).astype(np.float32)
    given = op.parameter([-1, 4], ov.Type.f32, name="x")
    given.output(0).set_names({"x"})
    model = ov.Model([op.result(op.softmax(op.matmul(given, op.constant(weights), False, False), 1))], [given], "tiny")
    model.outputs[0].tensor.set_names({"y"})
    path = folder / "tiny.xml"
    ov.save_model(model, path, compress_to_fp16=False)
    return path


def a_spec(folder: Path, *, groups: tuple[str, ...] = ("one", "two"), precision: str = "fp32", more: str = "") -> Path:
    """A spec that serves the model beside it by one small instance a group; all groups share one core."""
    serving = "".join(
        f"  - {{name: {name}, model: tiny, instances: {{count: 1, cores: 1}}, exclusive: false, drain: 1s}}\n"
        for name in groups
    )
    path = folder / "tiny.yaml"
    path.write_text(
        "apiVersion: inferstack/v1\n"
        "name: tiny\n"
        f"models:\n  - {{name: tiny, source: tiny.xml, convert: {{precision: {precision}}}}}\n"
        f"serving:\n{serving}{more}"
    )
    return path


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class CommandLine:
    """`inferstack` as a process, in a folder of its own."""

    folder: Path

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Begin a command."""
        return subprocess.Popen(
            [sys.executable, "-c", "import sys; from stack.cli import main; sys.exit(main())", *words],
            cwd=self.folder,
            env=environment(NO_COLOR="1"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str, timeout_s: float = 120.0) -> Said:
        """Run a command to its end."""
        process = self.start(*words)
        out, err = process.communicate(timeout=timeout_s)
        return Said(process.returncode, out, err)

    def processes(self) -> dict[int, str]:
        """Every process that this folder's stacks have started and that lives: its command line by its id."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                alive = (folder / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
            except OSError:
                continue
            if alive and str(self.folder) in words and int(folder.name) != os.getpid():
                found[int(folder.name)] = words
        return found

    def end(self) -> None:
        """Take everything away, whatever state it is in."""
        self("destroy", "--yes")
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)

"""What the command line costs, told by the real program: previews of up to 2,500 instances, an `up` with nothing to do,
`validate` and `--help`.

Wall-clock times of whole processes, the best of several. Bytecode is kept between runs, as it is for every user.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.components.cluster.machine_builder import a_machine
from tests.performance.models import convolutions
from tests.performance.quiet import quiet
from tests.performance.ratio import Claim

ROUNDS: Final = 5
SIZES: Final = (250, 1000, 2500)
LOCAL: Final = Path(__file__).parents[2] / "environments" / "local.yaml"

MANY: Final = """\
apiVersion: inferstack/v1
name: many-{count}
cluster: {{provider: local, topology: {machine}}}
models: [{{name: model, source: {model}}}]
serving: [{{name: many, model: model, instances: {{count: {count}, cores: 1}}}}]
"""
FEW: Final = """\
apiVersion: inferstack/v1
name: few
models: [{{name: model, source: {model}}}]
serving:
  - {{name: all-cores, model: model, layout: latency, exclusive: false}}
  - {{name: one-core-each, model: model, layout: throughput, exclusive: false}}
"""


def claims() -> list[Claim]:
    """All figures of the engine."""
    with tempfile.TemporaryDirectory() as folder:
        model = convolutions(Path(folder) / "model", 2, 16)
        return [*_previews(Path(folder), model), _unchanged(Path(folder), model), *_beginnings()]


def _previews(folder: Path, model: Path) -> list[Claim]:
    """Sizes in turns, so that a slow moment hits all. Linear: an instance costs no more in a plan twice as large."""
    specs = {count: folder / f"many-{count}.yaml" for count in SIZES}
    for count, spec in specs.items():
        machine = a_machine(folder / f"machine-{count}", cores=count, nodes=10)
        spec.write_text(MANY.format(count=count, machine=machine, model=model))
    times: dict[int, list[float]] = {count: [] for count in SIZES}
    for _ in range(ROUNDS):
        quiet()
        for count, spec in specs.items():
            times[count].append(_run("preview", str(spec), "--state-dir", str(folder / "state"))[0])
    few, thousand, many = (min(times[count]) for count in SIZES)
    figures = ", ".join(f"{count}: {min(times[count]):.2f} s" for count in SIZES)
    growth = ((many - thousand) / (SIZES[2] - SIZES[1])) / ((thousand - few) / (SIZES[1] - SIZES[0]))
    return [
        Claim("preview of 1,000 serving instances", thousand, 2.0, "at most", "s", figures),
        Claim("an instance more in a preview, beyond 1,000 against up to 1,000", growth, 1.3, "at most", "x", figures),
    ]


def _unchanged(folder: Path, model: Path) -> Claim:
    """`up` of a stack that is up as its spec says, its servers running."""
    spec, state = folder / "few.yaml", str(folder / "few")
    spec.write_text(FEW.format(model=model))
    _run("up", str(spec), "--state-dir", state, "--yes")
    try:
        best, said = _best("up", str(spec), "--state-dir", state)
    finally:
        _run("destroy", str(spec), "--state-dir", state, "--yes", "--purge")
    assert "No changes" in said, said
    return Claim("`up` with nothing to do", best, 1.0, "at most", "s", f"two groups running, best of {ROUNDS}")


def _beginnings() -> list[Claim]:
    """What a person waits for most often."""
    return [
        Claim(f"`{' '.join((command, *what))}`", _best(command, *more)[0], 0.15, "at most", "s", f"best of {ROUNDS}")
        for command, what, more in (("--help", (), ()), ("validate", ("environments/local.yaml",), (str(LOCAL),)))
    ]


def _best(*arguments: str) -> tuple[float, str]:
    """The shortest of several runs, after one that warms the disk's cache, and what the last one said."""
    said = _run(*arguments)[1]
    times = []
    for _ in range(ROUNDS):
        quiet()
        seconds, said = _run(*arguments)
        times.append(seconds)
    return min(times), said


def _run(*arguments: str) -> tuple[float, str]:
    """One run of the command: its seconds and its output."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [str(Path(sys.executable).parent / "inferstack"), *arguments]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stderr + done.stdout
    return seconds, done.stdout

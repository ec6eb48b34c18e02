"""Measures from this machine: each measurement is a load generator process of its own, on cores that no target uses.

The process is the same whoever makes the requests: the built-in generator, or a tool that it runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from components import codec
from components.benchmarks import probe, surroundings, verdict
from components.benchmarks.description import Description
from components.benchmarks.load.arguments import Arguments, ModelInput
from components.benchmarks.result import Measurement, Surroundings, Target
from components.benchmarks.run import Progress, Step
from components.benchmarks.seats import seat
from components.cluster import topology
from components.cluster.topology import Topology
from schemas.errors import InferstackError

SPARE_S: Final = 60.0
"""What a measurement may take beyond its load: to start, to prepare requests, to look into answers."""

LISTEN_S: Final = 0.5
STOP_S: Final = 5.0


class LocalGenerators:
    """A `run.Measurer` of processes of this machine."""

    def __init__(self, description: Description, folder: Path, machine: Topology | None = None) -> None:
        self._description, self._folder = description, folder
        self._machine = machine or topology.read()
        self._inputs: dict[str, tuple[ModelInput, ...]] = {}

    def begin(self) -> None:
        """See whether the tool and every target are there, and what inputs the models have."""
        tool = self._description.tool
        if tool != "builtin" and shutil.which(tool) is None:
            from components.benchmarks.tools.drive import missing

            raise missing(tool)
        self._inputs = {s.target.name: probe.inputs_of(s) for s in self._description.subjects}

    def measure(self, step: Step, number: int, samples: Path, progress: Progress) -> Measurement:
        """Run one load generator to its end."""
        arguments = self._arguments(step, samples)
        path = self._folder / "arguments.json"
        path.write_text(json.dumps(codec.encode(arguments)))
        expected_s = arguments.load.warmup_s + arguments.load.duration_s
        said, code = _run(path, expected_s, expected_s + arguments.load.timeout_s + SPARE_S, progress)
        if code:
            raise InferstackError(f"{arguments.target} could not be measured", why=said.strip() or "no reason given")
        return codec.decode(Measurement, json.loads(Path(arguments.summary).read_text()))

    def targets(self) -> tuple[Target, ...]:
        """The targets, as their instances were placed."""
        return tuple(subject.target for subject in self._description.subjects)

    def surroundings(self) -> Surroundings:
        """This machine."""
        return surroundings.read(self._machine)

    def _arguments(self, step: Step, samples: Path) -> Arguments:
        description, target = self._description, step.subject.target
        place = seat(self._machine.cores, target, self.targets())
        return Arguments(
            target=target.name,
            model=target.model,
            protocol=step.subject.protocol,
            endpoints=step.subject.endpoints,
            load=step.load,
            samples=str(samples),
            summary=str(self._folder / "summary.json"),
            repeat=step.repeat,
            inputs=self._inputs[target.name],
            data=description.data,
            tightest_limit_s=verdict.tightest_s(description.objective or {}),
            cpus=place.cpus,
            shared=place.shared,
            own=not place.shared and self._machine.quota_cpus is None,
            tied=True,
            tool=description.tool,
        )


def _run(arguments: Path, expected_s: float, limit_s: float, progress: Progress) -> tuple[str, int]:
    """Run a load generator to its end: what it said on standard error, and its exit code."""
    # The generator ends when the writing end is closed, even by a kill of this process.
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "components.benchmarks.load", str(arguments)],
        stdin=reading,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is this process's affair, also before the generator can say so
    )
    os.close(reading)
    try:
        return _listen(process, limit_s, expected_s, progress), process.returncode
    finally:
        os.close(writing)
        _stop(process)


def _listen(process: subprocess.Popen[str], limit_s: float, expected_s: float, progress: Progress) -> str:
    """What the process says on standard error until it ends."""
    began = time.monotonic()
    while True:
        passed = time.monotonic() - began
        progress.at(passed / expected_s)
        try:
            return process.communicate(timeout=LISTEN_S)[1]
        except subprocess.TimeoutExpired:
            if passed > limit_s:
                why = f"it has not ended {limit_s:.0f} s after its start"
                raise InferstackError("the load generator was stopped", why=why) from None


def _stop(process: subprocess.Popen[str]) -> None:
    """Whatever happened, no generator stays behind, nor a tool that it runs."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)
            process.wait()
    if process.stderr:
        process.stderr.close()


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """To the whole group: the process began a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)

"""Carries out a benchmark: asks every target whether it is there, measures each under each load, judges, stores.

Each measurement is a load generator process of its own, one at a time: whatever one leaves in memory, in caches of the
interpreter or in the kernel's socket queues is not the next one's. The order of targets turns between repeats (ABBA),
so that a drift of the machine hits all alike. A missed objective is a result, never an error.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from components import codec
from components.benchmarks import probe, results, samples, surroundings, verdict, words
from components.benchmarks.description import Description, Subject
from components.benchmarks.load.arguments import Arguments, ModelInput
from components.benchmarks.result import LoadShape, Measurement, Result
from components.benchmarks.results import StoredResult
from components.benchmarks.seats import seat
from components.cluster import topology
from components.cluster.topology import Topology
from components.progress import give_way, say
from schemas.errors import InferstackError

SPARE_S: Final = 60.0
"""What a measurement may take beyond its load: to start, to prepare requests, to look into answers."""

LISTEN_S: Final = 0.5
STOP_S: Final = 5.0


@dataclass(frozen=True)
class Step:
    """One measurement to make."""

    subject: Subject
    load: LoadShape
    repeat: int

    @property
    def expected_s(self) -> float:
        """About how long it takes."""
        return self.load.warmup_s + self.load.duration_s + 0.5


def carry_out(description: Description) -> StoredResult:
    """Measure, judge and store. Progress is told by `components.progress.say`.

    Raises:
        StoppedError: the user wants to stop: half a benchmark answers nothing, so none of it is kept.
        PreflightError: a target is not there, or serves another model than expected.
        InferstackError: the load generator could not do its work.
    """
    root = Path(description.results)
    with _alone(root, description.benchmark):
        started, machine = datetime.now(UTC), topology.read()
        inputs = {s.target.name: probe.inputs_of(s) for s in description.subjects}
        with _workshop(root) as folder:
            measured = tuple(_measure_all(description, inputs, machine, folder))
            say(f"{description.benchmark}: storing the result")
            result = _result(description, started, machine, measured)
            return results.save(root, result, lambda final: _move(folder, final, measured))


def steps(description: Description) -> Iterator[Step]:
    """All measurements in the order in which they are made; every second repeat goes the other way."""
    for repeat in range(description.repeats):
        subjects = description.subjects if repeat % 2 == 0 else description.subjects[::-1]
        for load in description.loads:
            for subject in subjects:
                yield Step(subject, load, repeat)


def judged(description: Description, measurement: Measurement, taken: samples.Samples) -> Measurement:
    """The measurement with what the description's objective says of it."""
    limits = verdict.applicable(description.objective or {}, measurement.load, description.loads)
    return replace(measurement, verdict=verdict.judge(limits, measurement, taken))


def _measure_all(
    description: Description, inputs: dict[str, tuple[ModelInput, ...]], machine: Topology, folder: Path
) -> Iterator[Measurement]:
    todo = list(steps(description))
    total, done = sum(step.expected_s for step in todo), 0.0
    targets = [subject.target for subject in description.subjects]
    for number, step in enumerate(todo):
        place = seat(machine.cores, step.subject.target, targets)
        name = f"{number:03}-{step.subject.target.name}.npz"
        arguments = Arguments(
            target=step.subject.target.name,
            model=step.subject.target.model,
            protocol=step.subject.protocol,
            endpoints=step.subject.endpoints,
            load=step.load,
            samples=str(folder / name),
            summary=str(folder / "summary.json"),
            repeat=step.repeat,
            inputs=inputs[step.subject.target.name],
            data=description.data,
            tightest_limit_s=verdict.tightest_s(description.objective or {}),
            cpus=place.cpus,
            shared=place.shared,
            tied=True,
        )
        again = f", repeat {step.repeat + 1} of {description.repeats}" if description.repeats > 1 else ""
        text = f"{description.benchmark}: {arguments.target} at {words.load(step.load)}{again}"
        measurement = _measure(arguments, folder, Progress(text, done / total, step.expected_s / total))
        done += step.expected_s
        yield judged(description, replace(measurement, samples=name), samples.read(folder / name))


@dataclass(frozen=True)
class Progress:
    """What to say while a measurement runs: the words, the share of all work done before it, and its own share."""

    text: str
    before: float
    share: float


def _measure(arguments: Arguments, folder: Path, progress: Progress) -> Measurement:
    """Run one load generator to its end."""
    path = folder / "arguments.json"
    path.write_text(json.dumps(codec.encode(arguments)))
    command = [sys.executable, "-m", "components.benchmarks.load", str(path)]
    expected_s = arguments.load.warmup_s + arguments.load.duration_s
    limit_s = expected_s + arguments.load.timeout_s + SPARE_S
    # The generator ends when the writing end is closed, even by a kill of this process.
    reading, writing = os.pipe()
    process = subprocess.Popen(
        command,
        stdin=reading,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is this process's affair, also before the generator can say so
    )
    os.close(reading)
    try:
        said = _listen(process, limit_s, expected_s, progress)
    finally:
        os.close(writing)
        _stop(process)
    if process.returncode:
        raise InferstackError(f"{arguments.target} could not be measured", why=said.strip() or "no reason given")
    return codec.decode(Measurement, json.loads(Path(arguments.summary).read_text()))


def _listen(process: subprocess.Popen[str], limit_s: float, expected_s: float, progress: Progress) -> str:
    """What the process says on standard error until it ends."""
    began = time.monotonic()
    while True:
        passed = time.monotonic() - began
        give_way(progress.text)
        say(progress.text, progress.before + progress.share * min(1.0, passed / expected_s))
        try:
            return process.communicate(timeout=LISTEN_S)[1]
        except subprocess.TimeoutExpired:
            if passed > limit_s:
                why = f"it has not ended {limit_s:.0f} s after its start"
                raise InferstackError("the load generator was stopped", why=why) from None


def _stop(process: subprocess.Popen[str]) -> None:
    """Whatever happened, no generator stays behind."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stderr:
        process.stderr.close()


def _result(
    description: Description, started: datetime, machine: Topology, measured: tuple[Measurement, ...]
) -> Result:
    content = json.dumps([codec.encode(description), started.isoformat()], sort_keys=True)
    return Result(
        version=results.VERSION,
        id=results.new_id(started, content),
        stack=description.stack,
        benchmark=description.benchmark,
        started=started.isoformat(timespec="seconds"),
        spec_digest=description.spec_digest,
        data_digest=description.data_digest,
        objective=description.objective or None,
        require=description.require,
        surroundings=surroundings.read(machine),
        targets=tuple(subject.target for subject in description.subjects),
        measurements=measured,
    )


def _move(folder: Path, final: Path, measured: tuple[Measurement, ...]) -> None:
    for measurement in measured:
        (folder / measurement.samples).rename(final / measurement.samples)


@contextlib.contextmanager
def _alone(root: Path, benchmark: str) -> Iterator[None]:
    """Only one benchmark of a stack measures at a time: two would measure each other. A dead holder holds nothing."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".measuring").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                give_way(benchmark)
                say(f"{benchmark}: waiting for another benchmark to end")
                time.sleep(LISTEN_S)
        yield


@contextlib.contextmanager
def _workshop(root: Path) -> Iterator[Path]:
    """A folder for the work, empty; what a killed run has left is cleared first."""
    folder = root / ".work"
    for left in (folder, *root.glob("*/.*")):
        shutil.rmtree(left, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

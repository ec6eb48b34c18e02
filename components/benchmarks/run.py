"""Carries out a benchmark: asks every target whether it is there, measures each under each load, judges, stores.

Each measurement is a load generator of its own, one at a time: whatever one leaves in memory, in caches of the
interpreter or in the kernel's socket queues is not the next one's. Whether that is a process here (`local.py`) or a Job
on a cluster (`on_cluster/`) is the measurer's affair. The order of targets turns between repeats (ABBA), so that a
drift of the machine hits all alike. A missed objective is a result, never an error.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from components import codec
from components.benchmarks import results, samples, verdict, words
from components.benchmarks.description import Description, Subject
from components.benchmarks.result import LoadShape, Measurement, Result, Surroundings, Target
from components.benchmarks.results import StoredResult
from components.progress import give_way, say

WAIT_S: Final = 0.5


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


@dataclass(frozen=True)
class Progress:
    """What to say while a measurement runs: the words, the share of all work done before it, and its own share."""

    text: str
    before: float
    share: float

    def at(self, part: float) -> None:
        """Say that this part of the measurement is done (0 to 1), and give way if the user wants to stop.

        Raises:
            StoppedError: the user does.
        """
        give_way(self.text)
        say(self.text, self.before + self.share * min(1.0, part))


class Measurer(Protocol):
    """Makes measurements, one at a time."""

    def begin(self) -> None:
        """Get ready, and see whether every target is there; raises PreflightError when one is not."""

    def measure(self, step: Step, number: int, samples: Path, progress: Progress) -> Measurement:
        """One measurement, without a verdict; its raw samples are in the file, unless the tool tells none."""

    def targets(self) -> tuple[Target, ...]:
        """The targets as they stood."""

    def surroundings(self) -> Surroundings:
        """The machine and the software that the figures are of."""


Makes = Callable[[Description, Path], Measurer]


def carry_out(description: Description, makes: Makes) -> StoredResult:
    """Measure, judge and store. Progress is told by `components.progress.say`.

    Args:
        makes: the measurer, given an empty folder for its work.

    Raises:
        StoppedError: the user wants to stop: half a benchmark answers nothing, so none of it is kept.
        PreflightError: a target is not there, or serves another model than expected.
        InferstackError: the load generator could not do its work.
    """
    root = Path(description.results)
    with _alone(root, description.benchmark):
        started = datetime.now(UTC)
        with _workshop(root) as folder:
            measurer = makes(description, folder)
            measurer.begin()
            measured = tuple(_measure_all(description, measurer, folder))
            say(f"{description.benchmark}: storing the result")
            result = _result(description, started, measurer, measured)
            return results.save(root, result, lambda final: _move(folder, final, measured))


def steps(description: Description) -> Iterator[Step]:
    """All measurements in the order in which they are made; every second repeat goes the other way."""
    for repeat in range(description.repeats):
        subjects = description.subjects if repeat % 2 == 0 else description.subjects[::-1]
        for load in description.loads:
            for subject in subjects:
                yield Step(subject, load, repeat)


def judged(description: Description, measurement: Measurement, taken: samples.Samples | None) -> Measurement:
    """The measurement with what the description's objective says of it."""
    limits = verdict.applicable(description.objective or {}, measurement.load, description.loads)
    return replace(measurement, verdict=verdict.judge(limits, measurement, taken))


def _measure_all(description: Description, measurer: Measurer, folder: Path) -> Iterator[Measurement]:
    todo = list(steps(description))
    total, done = sum(step.expected_s for step in todo), 0.0
    for number, step in enumerate(todo):
        again = f", repeat {step.repeat + 1} of {description.repeats}" if description.repeats > 1 else ""
        text = f"{description.benchmark}: {step.subject.target.name} at {words.load(step.load)}{again}"
        progress = Progress(text, done / total, step.expected_s / total)
        path = folder / f"{number:03}-{step.subject.target.name}.npz"
        measurement = measurer.measure(step, number, path, progress)
        done += step.expected_s
        # A tool that tells no single times leaves no samples.
        taken = samples.read(path) if path.exists() else None
        yield judged(description, replace(measurement, samples=path.name if taken else ""), taken)


def _result(
    description: Description, started: datetime, measurer: Measurer, measured: tuple[Measurement, ...]
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
        surroundings=measurer.surroundings(),
        targets=measurer.targets(),
        measurements=measured,
    )


def _move(folder: Path, final: Path, measured: tuple[Measurement, ...]) -> None:
    for measurement in measured:
        if measurement.samples:
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
                time.sleep(WAIT_S)
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

"""When and where a request's inference runs: at once in the caller's thread, or in order through a bounded queue.

Inline costs nothing but blocks the event loop, which suits models of less than a millisecond. The queue hands jobs,
first come first served, to one thread a stream; each waits inside OpenVINO with the interpreter's lock released.
Threads, not OpenVINO's completion callbacks: those are not called when an inference fails, and are no faster.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import perf_counter_ns
from typing import Final, Protocol

from components.serving.server.arguments import Scheduling
from components.serving.server.metrics import Histogram
from components.serving.server.model import Model, Outputs, Runner
from components.serving.server.refusal import Refusal, overloaded
from components.serving.server.tensors import Array

INLINE_BELOW_S: Final = 1e-3


@dataclass(slots=True)
class Job:
    """One inference: an array per input, and who takes the outputs (or the reason why there are none).

    `done` is called exactly once, in the thread that ran the job, and must not raise; the outputs are valid during the
    call only. A job that is `cancelled` before its turn is not run.
    """

    arrays: tuple[Array, ...]
    done: Callable[[Outputs | Refusal], None]
    cancelled: bool = False
    arrived_ns: int = field(default_factory=perf_counter_ns)

    def cancel(self) -> None:
        """Says that nobody waits for the outputs any more."""
        self.cancelled = True


@dataclass(frozen=True)
class Times:
    """Where a schedule records how long jobs waited and ran; one thread at a time."""

    wait: Histogram
    inference: Histogram

    def record(self, arrived_ns: int, begun_ns: int, ended_ns: int) -> None:
        """Counts one inference."""
        self.wait.observe((begun_ns - arrived_ns) / 1000)
        self.inference.observe((ended_ns - begun_ns) / 1000)


class Schedule(Protocol):
    """A way of running jobs. `threaded` says whether `done` comes from another thread."""

    threaded: bool

    def submit(self, job: Job) -> None:
        """Runs the job now or soon.

        Raises:
            Refusal: the queue is full.
        """

    def active(self) -> int:
        """Jobs inside OpenVINO at this moment."""

    def close(self) -> None:
        """Drops the jobs that wait; those at work end on their own. None may be submitted any more."""


def choose(scheduling: Scheduling, inference_s: float, streams: int) -> Scheduling:
    """`inline` or `queue`: as asked, or by what was measured (NaN: could not be). Inline can use one stream only."""
    if scheduling != "auto":
        return scheduling
    return "inline" if streams == 1 and inference_s < INLINE_BELOW_S else "queue"


def build(scheduling: Scheduling, model: Model, queue_size: int, times: Times) -> Schedule:
    """The schedule of that name."""
    return Inline(model, times) if scheduling == "inline" else Queue(model, queue_size, times)


class Inline:
    """Runs each job in the thread that submits it; several threads take turns."""

    threaded: bool = False

    def __init__(self, model: Model, times: Times) -> None:
        self._runner, self._times, self._turn = model.runner(), times, threading.Lock()

    def submit(self, job: Job) -> None:
        with self._turn:
            begun_ns = perf_counter_ns()
            result = _infer(self._runner, job)
            self._times.record(job.arrived_ns, begun_ns, perf_counter_ns())
            # inside the turn: the outputs are valid until the next one
            job.done(result)

    def active(self) -> int:
        return int(self._turn.locked())

    def close(self) -> None:
        pass


class Queue:
    """Runs jobs in the order they came, one thread a stream, and refuses them once `size` are waiting."""

    threaded: bool = True

    def __init__(self, model: Model, size: int, times: Times) -> None:
        self._most, self._times = size + model.streams, times
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._count = self._active = 0
        self._threads = [
            threading.Thread(target=self._work, args=(model.runner(),), name=f"stream-{number}", daemon=True)
            for number in range(model.streams)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> None:
        with self._lock:
            if self._count >= self._most:
                raise overloaded()
            self._count += 1
        self._jobs.put(job)

    def active(self) -> int:
        return self._active

    def close(self) -> None:
        with suppress(Empty):
            while True:
                self._jobs.get_nowait()
        for _ in self._threads:
            self._jobs.put(None)

    def _work(self, runner: Runner) -> None:
        while (job := self._jobs.get()) is not None:
            if job.cancelled:
                result: Outputs | Refusal = Refusal(499, "the client went away")
                with self._lock:
                    self._count -= 1
            else:
                result = self._run(runner, job)
            job.done(result)

    def _run(self, runner: Runner, job: Job) -> Outputs | Refusal:
        begun_ns = perf_counter_ns()
        with self._lock:
            self._active += 1
        result = _infer(runner, job)
        with self._lock:
            self._active -= 1
            self._count -= 1
            self._times.record(job.arrived_ns, begun_ns, perf_counter_ns())
        return result


def _infer(runner: Runner, job: Job) -> Outputs | Refusal:
    try:
        return runner.infer(job.arrays)
    except Refusal as refusal:
        return refusal
    except Exception as error:  # whatever it is, the client must get an answer and the thread must live on
        return Refusal(500, f"the inference failed: {error}")


def describe(inference_s: float) -> float | None:
    """The measured time in milliseconds as the log and the metadata show it; None when it was not measured."""
    return None if math.isnan(inference_s) else round(inference_s * 1000, 3)

"""From a run's record to its measurement: samples, figures, and whether to believe them.

Pure, but for looking into answers, which takes time and therefore happens here, after the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.benchmarks import statistics, words
from components.benchmarks.load import answers
from components.benchmarks.load.arguments import Arguments
from components.benchmarks.load.loops import UNSENT, Run
from components.benchmarks.load.record import Record
from components.benchmarks.result import Measurement
from components.benchmarks.samples import Samples
from schemas.spec import Protocol

LAG_S: Final = 0.001
LAG_SHARE: Final = 0.02
DELIVERED: Final = 0.99
WAITED: Final = 0.01
"""A client of which more requests than this waited for a free connection had too few of them."""

BUSY: Final = 0.95
MALFORMED: Final = "malformed answer"


@dataclass(frozen=True)
class Checked:
    """What looking into the answers found."""

    right: int
    rows: int
    malformed: tuple[int, ...]

    @property
    def accuracy(self) -> float | None:
        """The share of rows predicted as labelled; None where there was nothing to compare."""
        return self.right / self.rows if self.rows else None


def summarise(
    arguments: Arguments,
    record: Record,
    run: Run,
    sizes: Sequence[int],
    labels: NDArray[np.int64] | None,
    affinity: Iterable[int] = (),
) -> tuple[Measurement, Samples]:
    """The measurement, without a verdict, and its samples.

    Args:
        sizes: bytes of each prepared request.
        labels: the labels of each prepared request's rows, `(requests, batch)`.
        affinity: the CPUs that the client may have run on, where it was not pinned.
    """
    load = arguments.load
    checked = check(arguments.protocol, record, run.warmup_requests, load.batch, labels)
    for number in checked.malformed:
        record.status[number] = record.number_of(MALFORMED)
    samples = cut(record, run, closed=load.clients is not None)
    good, sent = samples.good, samples.sent
    in_time = good_answers_in(record, run, load.duration_s)
    lag = statistics.latency(samples.lag_s[sent])
    busy = run.cpu_s / (load.warmup_s + load.duration_s)
    excused = lateness(arguments, record, lag.p99_s) if is_excused(arguments, record, busy) else ""
    numbers = range(run.warmup_requests, len(record.status))
    measurement = Measurement(
        target=arguments.target,
        load=load,
        repeat=arguments.repeat,
        protocol=arguments.protocol,
        requests=len(samples),
        rows=len(samples) * load.batch,
        asked_per_s=load.rate_per_s,
        achieved_per_s=in_time / load.duration_s,
        duration_s=load.duration_s,
        response=statistics.latency(samples.response_s[good]),
        service=statistics.latency(samples.service_s[good]),
        lag=lag,
        errors=errors(record, samples),
        error_kinds=tuple(record.kinds),
        bytes_sent=sum(sizes[record.body(n)] for n in numbers if not np.isnan(record.sent[n])),
        bytes_received=sum(record.received[n] for n in numbers),
        accuracy=checked.accuracy,
        invalid=tuple(reasons(arguments, record, samples, lag.p99_s, busy)),
        client_cpus=arguments.cpus or tuple(sorted(affinity)),
        shared_cpus=arguments.shared,
        samples="",
        verdict=None,
        client_busy=busy,
        late=excused,
        notes=tuple(notes(record, samples, run, excused)),
    )
    return measurement, samples


def cut(record: Record, run: Run, *, closed: bool) -> Samples:
    """The requests after the warm-up, their times in seconds since the measurement began."""
    of = slice(run.warmup_requests, None)
    sent = np.array(record.sent[of]) - run.began
    scheduled = np.array(record.scheduled[of]) - run.began
    if closed:
        # A client of a closed loop has no schedule but its own sending.
        scheduled = np.where(np.isnan(sent), scheduled, sent)
    return Samples(
        scheduled_s=scheduled,
        sent_s=sent,
        done_s=np.array(record.done[of]) - run.began,
        status=np.array(record.status[of], dtype=np.uint8),
        endpoint=np.array(record.endpoint[of], dtype=np.uint16),
    )


def good_answers_in(record: Record, run: Run, duration_s: float) -> int:
    """Good answers that came while the clock ran, those to requests of the warm-up among them.

    At both ends some requests are under way; counting by the answer's time balances them.
    """
    done = np.array(record.done) - run.began
    good = np.equal(np.array(record.status), 0)
    return int((good & (done >= 0) & (done < duration_s)).sum())


def errors(record: Record, samples: Samples) -> dict[str, int]:
    """Failed requests by kind."""
    counted = Counter(samples.status[~samples.good].tolist())
    return {record.kinds[status - 1]: count for status, count in sorted(counted.items())}


def check(protocol: Protocol, record: Record, first: int, batch: int, labels: NDArray[np.int64] | None) -> Checked:
    """Look into the answers to requests from number `first` on; equal answers are looked into once."""
    right = rows = 0
    malformed: list[int] = []
    seen: dict[tuple[int, bytes], int | None] = {}
    for number, answer in enumerate(record.answers[first:], first):
        if answer is None:
            continue
        (head, body), which = answer, record.body(number)
        if (which, body) not in seen:
            seen[which, body] = _right(protocol, head, body, batch, None if labels is None else labels[which])
        match seen[which, body]:
            case None:
                malformed.append(number)
            case hits:
                right, rows = right + hits, rows + batch
    return Checked(right, rows if labels is not None else 0, tuple(malformed))


def _right(protocol: Protocol, head: bytes, body: bytes, batch: int, labels: NDArray[np.int64] | None) -> int | None:
    """How many rows were predicted as labelled; None for a malformed answer."""
    try:
        predicted = answers.predictions(protocol, head, body, batch)
    except ValueError:
        return None
    return 0 if labels is None else int((predicted == labels).sum())


def reasons(arguments: Arguments, record: Record, samples: Samples, lag_p99_s: float, busy: float) -> Iterable[str]:
    """Why the figures must not be believed; nothing when they may be."""
    load = arguments.load
    if not len(samples):
        yield "no request was due: the load is too short for its rate"
        return
    unsent = of_kind(record, samples, UNSENT)
    if count := int(unsent.sum()):
        yield f"{count:,} of {len(samples):,} requests were not sent: too many were waiting for answers already"
    if load.rate_per_s is None:
        if busy > BUSY:
            yield f"the client was the bottleneck: it used {words.percent(busy)} of its core"
        return
    if not is_excused(arguments, record, busy) and (late_words := lateness(arguments, record, lag_p99_s)):
        yield late_words
    late = unsent | (samples.sent_s >= load.duration_s)
    delivered = 1 - float(late.sum()) / len(samples)
    if delivered < DELIVERED:
        yield f"only {words.percent(delivered)} of the rate asked was sent in time"


def lateness(arguments: Arguments, record: Record, lag_p99_s: float) -> str:
    """How late the client of an open loop was, in words; empty when it was in time."""
    most = max(LAG_S, LAG_SHARE * (arguments.tightest_limit_s or 0.0))
    if arguments.load.rate_per_s is None or not lag_p99_s > most:
        return ""
    waiting = waited(record)
    cause = (
        f"{words.percent(waiting)} of them waited for a free connection" if waiting > WAITED else "its core was taken"
    )
    lag = f"the client was late: 1 % of the requests left {words.ms(lag_p99_s)} or more after their time"
    return f"{lag}, {words.ms(most)} is allowed ({cause})"


def is_excused(arguments: Arguments, record: Record, busy: float) -> bool:
    """Whether it was the server itself that kept the client waiting, on a core that they share.

    Then the client is no bottleneck, and responses, which count from the scheduled time, are at most too long: what
    passes with them passes.
    """
    return arguments.shared and busy <= BUSY and waited(record) <= WAITED


def waited(record: Record) -> float:
    """The share of requests that found no free connection."""
    return record.waited / len(record.status) if record.status else 0.0


def of_kind(record: Record, samples: Samples, kind: str) -> NDArray[np.bool_]:
    """Which requests failed in this way."""
    number = record.kinds.index(kind) + 1 if kind in record.kinds else -1
    return np.equal(samples.status.astype(np.int16), number)


def notes(record: Record, samples: Samples, run: Run, excused: str) -> Iterable[str]:
    """What a reader of the figures should know besides."""
    if excused:
        yield f"{excused}; the target had the core that both share, so responses are at most shown too long"
    good = int(samples.good.sum() + of_kind(record, samples, MALFORMED).sum())
    looked = sum(answer is not None for answer in record.answers[run.warmup_requests :])
    if looked < good:
        yield f"accuracy is that of {looked:,} answers: there was no room to keep more"

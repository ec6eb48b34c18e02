"""From what a tool saw of each request to a measurement. Pure.

Tools know no warm-up: it is cut off here. Requests of an open loop are due at equal distances from the first, however
late the tool sent them, and responses count from there, as those of the built-in generator do. Nobody looks into the
answers, so accuracy is not known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.benchmarks import statistics, words
from components.benchmarks.load.arguments import Arguments
from components.benchmarks.load.summary import DELIVERED, LAG_S, LAG_SHARE
from components.benchmarks.result import Measurement
from components.benchmarks.samples import Samples

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Observed:
    """What a tool saw: one entry a request; times in seconds of one clock.

    Attributes:
        sent_s: when each request left.
        done_s: when its answer was there, or it was given up.
        kinds: how it failed, in a few words; empty where it was answered well.
        scheduled_s: when it was due; None in a closed loop.
        lead_s: what the tool needs to get going, cut off like the warm-up.
    """

    sent_s: Floats
    done_s: Floats
    kinds: Sequence[str]
    scheduled_s: Floats | None = None
    bytes_sent: int = 0
    bytes_received: int = 0
    lead_s: float = 0.0
    notes: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()


def due_at_rate(sent_s: Floats, rate_per_s: float) -> Floats:
    """When requests sent in this order were due at a constant rate: the latest schedule that none of them precedes."""
    order = np.empty(len(sent_s))
    order[np.argsort(sent_s, kind="stable")] = np.arange(len(sent_s)) / rate_per_s
    first = float((sent_s - order).min()) if len(sent_s) else 0.0
    return order + first


def measurement(arguments: Arguments, seen: Observed, busy: float | None = None) -> tuple[Measurement, Samples]:
    """The measurement, without a verdict, and its samples.

    Args:
        busy: the share of one core that the tool used, where it is known.
    """
    load = arguments.load
    kinds = tuple(dict.fromkeys(kind for kind in seen.kinds if kind))
    samples = _cut(arguments, seen, kinds)
    good = samples.good
    in_time = int((good & (samples.done_s < load.duration_s)).sum())
    counted = Counter(samples.status[~good].tolist())
    lag = statistics.latency(samples.lag_s)
    share = len(samples) / len(seen.kinds) if seen.kinds else 0.0
    made = Measurement(
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
        errors={kinds[status - 1]: count for status, count in sorted(counted.items())},
        error_kinds=kinds,
        # Bytes are told for the whole run; the measured part of it had its share of them.
        bytes_sent=round(seen.bytes_sent * share),
        bytes_received=round(seen.bytes_received * share),
        accuracy=None,
        invalid=(*seen.invalid, *_reasons(arguments, samples, lag.p99_s)),
        client_cpus=arguments.cpus,
        shared_cpus=arguments.shared,
        samples="",
        verdict=None,
        client_busy=busy,
        notes=seen.notes,
        tool=arguments.tool,
    )
    return made, samples


def _cut(arguments: Arguments, seen: Observed, kinds: Sequence[str]) -> Samples:
    """The requests that were due while it was measured, in that order, their times since then."""
    load = arguments.load
    due = seen.sent_s if seen.scheduled_s is None else seen.scheduled_s
    began = (float(due.min()) if len(due) else 0.0) + seen.lead_s + load.warmup_s
    number = {"": 0, **{kind: i + 1 for i, kind in enumerate(kinds)}}
    # Half a nanosecond: a request due at the very end of the warm-up belongs to the measurement.
    within = np.flatnonzero((due >= began - 5e-10) & (due < began + load.duration_s - 5e-10))
    order = within[np.argsort(due[within], kind="stable")]
    return Samples(
        scheduled_s=due[order] - began,
        sent_s=seen.sent_s[order] - began,
        done_s=seen.done_s[order] - began,
        status=np.array([number[seen.kinds[i]] for i in order], dtype=np.uint8),
        endpoint=np.zeros(len(order), dtype=np.uint16),
    )


def _reasons(arguments: Arguments, samples: Samples, lag_p99_s: float) -> Iterator[str]:
    """Why the figures must not be believed."""
    load = arguments.load
    if not len(samples):
        yield f"{arguments.tool} sent no request while it was measured"
        return
    if load.rate_per_s is None:
        return
    most = max(LAG_S, LAG_SHARE * (arguments.tightest_limit_s or 0.0))
    if lag_p99_s > most and not arguments.shared:
        late = f"1 % of the requests left {words.ms(lag_p99_s)} or more after their time"
        yield f"the client was late: {late}, {words.ms(most)} is allowed"
    delivered = int((samples.sent_s < load.duration_s).sum()) / (load.rate_per_s * load.duration_s)
    if delivered < DELIVERED:
        yield f"only {words.percent(delivered)} of the rate asked was sent in time"

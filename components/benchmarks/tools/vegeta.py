"""vegeta: an open loop at a constant rate over REST. Pure.

Its stored results are read (`vegeta encode`), not its report, which stops at p99: they have every request's time and
number, and the number says when it was due.
"""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from components.benchmarks.load.arguments import Arguments
from components.benchmarks.result import Measurement
from components.benchmarks.samples import Samples
from components.benchmarks.tools.observed import Observed, due_at_rate, measurement
from components.benchmarks.tools.request import bases, split

TARGETS: Final = "targets.json"
RESULTS: Final = "results.bin"
TABLE: Final = "results.csv"
SINCE_DUE: Final = "responses count from when a request was due; vegeta's own report counts from when it left"


def files(arguments: Arguments, requests: Sequence[bytes]) -> Mapping[str, bytes]:
    """The targets, a line of JSON each: every request to every instance, the instances in turn."""
    lines = []
    for request in requests:
        parts = split(request)
        for base in bases(arguments):
            target = {
                "method": "POST",
                "url": base + parts.path,
                "header": {name: [value] for name, value in parts.headers.items()},
                "body": base64.b64encode(parts.body).decode(),
            }
            lines.append(json.dumps(target))
    return {TARGETS: "\n".join(lines).encode()}


def commands(arguments: Arguments, folder: str, request: bytes) -> tuple[tuple[str, ...], ...]:
    """The attack through warm-up and measurement, then its results as a table."""
    load = arguments.load
    rate = Fraction(load.rate_per_s or 0).limit_denominator(1000)
    attack = (
        "vegeta", "attack", "-format=json", f"-targets={folder}/{TARGETS}",
        f"-rate={rate.numerator}/{rate.denominator}s", f"-duration={load.warmup_s + load.duration_s:g}s",
        f"-timeout={load.timeout_s:g}s", "-max-body=0", f"-output={folder}/{RESULTS}",
        *((f"-max-connections={load.connections}",) if load.connections else ()),
    )  # fmt: skip
    return attack, ("vegeta", "encode", "-to=csv", f"-output={folder}/{TABLE}", f"{folder}/{RESULTS}")


def read(arguments: Arguments, folder: Path, busy: float | None) -> tuple[Measurement, Samples]:
    """The measurement in vegeta's table."""
    return measurement(arguments, observed(arguments, (folder / TABLE).read_text()), busy)


def observed(arguments: Arguments, text: str) -> Observed:
    """What the table tells: time in nanoseconds, status, latency in nanoseconds, bytes out and in, error.

    Raises:
        ValueError, IndexError: it is not vegeta's table.
    """
    rows = list(csv.reader(text.splitlines()))
    began = min((int(row[0]) for row in rows), default=0)
    # Subtracted as whole numbers: nanoseconds since 1970 do not fit a float.
    sent = np.array([(int(row[0]) - began) / 1e9 for row in rows])
    took = np.array([int(row[2]) / 1e9 for row in rows])
    return Observed(
        scheduled_s=due_at_rate(sent, arguments.load.rate_per_s or 1.0),
        sent_s=sent,
        done_s=sent + took,
        kinds=[_kind(row[1], row[5]) for row in rows],
        bytes_sent=sum(int(row[3]) for row in rows),
        bytes_received=sum(int(row[4]) for row in rows),
        notes=(SINCE_DUE,),
    )


def _kind(status: str, error: str) -> str:
    match status:
        case "200":
            return ""
        case "503":
            return "refused (HTTP 503)"
        case "0":
            return "timeout" if "timeout" in error.lower() or "deadline" in error else "no connection"
        case other:
            return f"HTTP {other}"

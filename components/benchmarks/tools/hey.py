"""hey: a closed loop over REST. Pure.

Its table of answers (`-o csv`) is read, not its summary: the table has every answer's time. Times there have four
decimals of a second, and requests that got no answer at all are left out without a word; how many those may have been
is told from the time that the table does not account for.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from components.benchmarks import words
from components.benchmarks.load.arguments import Arguments
from components.benchmarks.result import Measurement
from components.benchmarks.samples import Samples
from components.benchmarks.tools.observed import Observed, measurement
from components.benchmarks.tools.request import only_base, split

BODY: Final = "body.bin"
OUTPUT: Final = "stdout.txt"
ROUNDED: Final = "hey rounds times to 0.1 ms and sends the same request every time"
ACCOUNTED: Final = 0.9
OWN_S: Final = 0.00005
"""What hey itself needs between two requests of a client, at most, on a slow core."""


def files(arguments: Arguments, requests: Sequence[bytes]) -> Mapping[str, bytes]:
    """What hey reads: one body."""
    return {BODY: split(requests[0]).body}


def commands(arguments: Arguments, folder: str, request: bytes) -> tuple[tuple[str, ...], ...]:
    """One run through warm-up and measurement."""
    load, first = arguments.load, split(request)
    headers = {name: value for name, value in first.headers.items() if name != "Content-Type"}
    words_ = (
        "hey", "-m", "POST", "-o", "csv",
        "-z", f"{load.warmup_s + load.duration_s:g}s",
        "-c", str(load.clients),
        "-t", str(math.ceil(load.timeout_s)),
        "-T", first.headers.get("Content-Type", "application/json"),
        "-D", f"{folder}/{BODY}",
        *(word for name, value in headers.items() for word in ("-H", f"{name}: {value}")),
        only_base(arguments, "hey") + first.path,
    )  # fmt: skip
    return (words_,)


def read(arguments: Arguments, folder: Path, busy: float | None) -> tuple[Measurement, Samples]:
    """The measurement in hey's table."""
    return measurement(arguments, observed(arguments, (folder / OUTPUT).read_text()), busy)


def observed(arguments: Arguments, text: str) -> Observed:
    """What the table tells.

    Raises:
        ValueError, KeyError: it is not hey's table.
    """
    table = csv.DictReader(text.strip().splitlines())
    rows = [(float(row["offset"]), float(row["response-time"]), row["status-code"]) for row in table]
    sent = np.array([row[0] for row in rows])
    took = np.array([row[1] for row in rows])
    return Observed(
        sent_s=sent,
        done_s=sent + took,
        kinds=[_kind(row[2]) for row in rows],
        notes=(ROUNDED,),
        invalid=tuple(_unaccounted(arguments, float(took.sum()), len(rows))),
    )


def _kind(status: str) -> str:
    return "" if status == "200" else "refused (HTTP 503)" if status == "503" else f"HTTP {status}"


def _unaccounted(arguments: Arguments, taken_s: float, requests: int) -> Iterator[str]:
    """Clients of a closed loop always wait for an answer: what the table lacks of their time went into failures."""
    clients = arguments.load.clients or 1
    there = clients * (arguments.load.warmup_s + arguments.load.duration_s)
    share = (taken_s + requests * OWN_S) / there
    if share < ACCOUNTED:
        yield (
            f"hey tells what {words.percent(min(share, 1.0))} of its clients' time was spent on: "
            "the rest went into requests without an answer, which it does not count"
        )

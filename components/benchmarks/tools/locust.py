"""Locust: a closed loop of users over REST, on workers where it runs as a Job. Pure.

The locustfile is ours (`locustfile.py`): it sends the prepared requests in turn and writes down every request's time,
because Locust's own statistics round.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np

from components.benchmarks.load.arguments import Arguments
from components.benchmarks.result import Measurement
from components.benchmarks.samples import Samples
from components.benchmarks.tools.observed import Observed, measurement
from components.benchmarks.tools.request import bases, split

FILE: Final = "locustfile.py"
REQUESTS: Final = "requests.json"
OUTPUT: Final = "locust.json"
PORT: Final = 5557
WORKERS_WAIT_S: Final = 120
FAILED: Final[Mapping[str, str]] = {
    "": "",
    "HTTP 503": "refused (HTTP 503)",
    "timeout": "timeout",
    "connection": "no connection",
}


def files(arguments: Arguments, requests: Sequence[bytes]) -> Mapping[str, bytes]:
    """The locustfile and what it sends."""
    parts = [split(request) for request in requests]
    told = {
        "hosts": bases(arguments),
        "timeout": arguments.load.timeout_s,
        "seconds": arguments.load.warmup_s + arguments.load.duration_s,
        "requests": [
            {"path": one.path, "headers": dict(one.headers), "body": base64.b64encode(one.body).decode()}
            for one in parts
        ],
    }
    source = resources.files(__package__).joinpath(FILE).read_bytes()
    return {FILE: source, REQUESTS: json.dumps(told).encode()}


def commands(arguments: Arguments, folder: str, request: bytes) -> tuple[tuple[str, ...], ...]:
    """One process with all users."""
    return (_head(arguments, folder),)


def master(arguments: Arguments, folder: str, workers: int) -> tuple[str, ...]:
    """The process that steers workers and writes down what they saw."""
    return (
        *_head(arguments, folder), "--master", "--master-bind-port", str(PORT),
        "--expect-workers", str(workers), "--expect-workers-max-wait", str(WORKERS_WAIT_S),
    )  # fmt: skip


def worker(folder: str, host: str) -> tuple[str, ...]:
    """A process whose users a master steers."""
    return (
        "locust", "-f", f"{folder}/{FILE}", "--worker", "--master-host", host, "--master-port", str(PORT),
        "--loglevel", "WARNING",
    )  # fmt: skip


def _head(arguments: Arguments, folder: str) -> tuple[str, ...]:
    load = arguments.load
    users = str(load.clients)
    return (
        "locust", "-f", f"{folder}/{FILE}", "--headless", "--users", users, "--spawn-rate", users,
        "--stop-timeout", f"{load.timeout_s:.0f}", "--host", bases(arguments)[0], "--exit-code-on-error", "0",
        "--loglevel", "WARNING",
    )  # fmt: skip


def read(arguments: Arguments, folder: Path, busy: float | None) -> tuple[Measurement, Samples]:
    """The measurement in what the locustfile wrote."""
    return measurement(arguments, observed(json.loads((folder / OUTPUT).read_bytes())), busy)


def observed(told: Mapping[str, Any]) -> Observed:
    """What the locustfile wrote: when all users were there, and for each request its time (both in seconds since 1970),
    its response time in milliseconds, bytes received, and how it failed."""
    rows = told["requests"]
    began = min((float(row[0]) for row in rows), default=0.0)
    sent = np.array([float(row[0]) - began for row in rows])
    return Observed(
        sent_s=sent,
        done_s=sent + np.array([float(row[1]) / 1e3 for row in rows]),
        kinds=[FAILED.get(str(row[3]), str(row[3])) for row in rows],
        bytes_received=sum(int(row[2]) for row in rows),
        lead_s=float(told["began"]) - began,
    )

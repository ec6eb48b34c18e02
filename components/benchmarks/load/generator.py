"""One measurement from arguments to files: prepare, run, summarise, write."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from components import codec
from components.benchmarks import samples as sample_files
from components.benchmarks.load import loops
from components.benchmarks.load.arguments import Arguments
from components.benchmarks.load.client import Client
from components.benchmarks.load.pacing import EARLY_S, make_timer, punctual
from components.benchmarks.load.prepare import prepared
from components.benchmarks.load.record import Record
from components.benchmarks.load.schedule import schedule
from components.benchmarks.load.summary import summarise

T = TypeVar("T")
Loop = Callable[..., Coroutine[Any, Any, loops.Run]]

OUTSTANDING: Final = 1024
"""Most requests without an answer in an open loop; far beyond what a server that keeps up ever leaves."""

CLOSED_PER_S: Final = 10_000
MOST_EXPECTED: Final = 2**20
"""Requests a second of a closed loop, and in all, for which there is room from the start."""

WARM_S: Final = 0.25
WARM_CONNECTIONS: Final = 128
"""An open loop that does not say how many connections it wants begins with enough for answers that take `WARM_S`, and
no more than this; others follow when all are busy. With too many, each would be idle so long that servers close it."""


def measure(arguments: Arguments) -> None:
    """Make the measurement that the arguments describe and write its two files.

    Raises:
        UsageError: the data set cannot be read or sent.
    """
    load = arguments.load
    requests, labels = prepared(arguments)
    loop: Loop
    priority: contextlib.AbstractContextManager[None]
    if load.rate_per_s is None:
        record = Record(len(requests), min(MOST_EXPECTED, math.ceil((load.warmup_s + load.duration_s) * CLOSED_PER_S)))
        loop = partial(loops.closed_loop, load.clients or 1, load.warmup_s, load.duration_s)
        priority = contextlib.nullcontext()  # there are no times to keep
    else:
        times: list[float] = schedule(load).tolist()
        record = Record(len(requests), len(times))
        early_s = EARLY_S if arguments.own and arguments.protocol != "grpc" else 0.0  # gRPC's own thread wants the core
        make = partial(make_timer, early_s=early_s)
        loop = partial(loops.open_loop, times, outstanding=OUTSTANDING, make=make)
        priority = punctual(early_s * load.rate_per_s)
    gc.collect()
    gc.freeze()
    gc.disable()
    with priority:
        run = run_loop(_run(arguments, requests, record, loop))
    gc.enable()
    affinity = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    measurement, samples = summarise(arguments, record, run, [len(r) for r in requests], labels, affinity)
    sample_files.write(Path(arguments.samples), samples)
    Path(arguments.summary).write_text(json.dumps(codec.encode(measurement), allow_nan=False))


async def _run(arguments: Arguments, requests: tuple[bytes, ...], record: Record, loop: Loop) -> loops.Run:
    client = make_client(arguments, requests, record)
    try:
        await client.open()
        return await loop(client=client, record=record, cpu=time.process_time)
    finally:
        await client.close()


def make_client(arguments: Arguments, requests: tuple[bytes, ...], record: Record) -> Client:
    """The client for the arguments' protocol, on the running event loop."""
    load = arguments.load
    if arguments.protocol == "grpc":
        from components.benchmarks.load.grpc_client import GrpcClient

        channels = load.connections or len(arguments.endpoints)
        return GrpcClient(arguments.endpoints, requests, record, channels=channels, timeout_s=load.timeout_s)

    from components.benchmarks.load.http_client import HttpClient

    warm = min(WARM_CONNECTIONS, math.ceil((load.rate_per_s or 0) * WARM_S))
    first = load.connections or load.clients or max(len(arguments.endpoints), warm)
    most = min(load.connections or load.clients or OUTSTANDING, _open_files())
    return HttpClient(
        arguments.endpoints,
        requests,
        record,
        connections=min(first, most),
        most_connections=most,
        timeout_s=load.timeout_s,
    )


def run_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where it is installed, else on asyncio's own loop, which costs about twice as much a request."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    result: T = uvloop.run(work)
    return result


def _open_files() -> int:
    """How many connections this process may have, with some files left for itself.

    Of its limit a process may take all that it is allowed: the usual 1,024 are meant for programs that use `select`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(1, soft - 32)

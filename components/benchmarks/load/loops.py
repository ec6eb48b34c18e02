"""The two ways of loading a server: at given times whatever it does, or as fast as it answers.

Both run through the warm-up without a break, so that the measurement begins in the state that the warm-up made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from components.benchmarks.load.client import Client
from components.benchmarks.load.pacing import MakeTimer, make_timer, pace
from components.benchmarks.load.record import Record, clock

UNSENT = "not sent"
LEAD_S = 0.02
"""Between asking for the time and the first request."""


@dataclass(frozen=True)
class Run:
    """When the measurement began, by the record's clock, and how many of the record's requests came before it."""

    began: float
    warmup_requests: int
    cpu_s: float


async def open_loop(
    times: Sequence[float],
    client: Client,
    record: Record,
    *,
    outstanding: int,
    cpu: Callable[[], float],
    make: MakeTimer = make_timer,
) -> Run:
    """Send at each time of the schedule; a request beyond `outstanding` unanswered ones is not sent, and counted.

    Args:
        times: seconds; those of the warm-up are negative.
        cpu: CPU seconds used by this process.
    """
    began = clock() + LEAD_S - min(0.0, times[0] if len(times) else 0.0)
    before = cpu()

    def fire(due: float) -> None:
        number = record.due(due)
        if record.open > outstanding:
            record.fail(number, float("nan"), UNSENT)
        else:
            client.send(number)

    await pace([began + time for time in times], fire, make)
    used = cpu() - before
    await _all_done(record)
    return Run(began, sum(time < 0 for time in times), used)


async def closed_loop(
    clients: int, warmup_s: float, duration_s: float, client: Client, record: Record, *, cpu: Callable[[], float]
) -> Run:
    """Keep `clients` requests under way: each sends its next one when its answer has come."""
    began = clock() + warmup_s
    end, before = began + duration_s, cpu()

    def following(_number: int) -> None:
        if (now := clock()) < end:
            client.send(record.due(now))

    record.on_done = following
    for _ in range(clients):
        following(-1)
    await asyncio.sleep(max(0.0, end - clock()))
    used = cpu() - before
    await _all_done(record)
    return Run(began, sum(at < began for at in record.scheduled), used)


async def _all_done(record: Record) -> None:
    """Wait for requests under way, each of which ends by its timeout at the latest, and end the record."""
    while record.open:
        await asyncio.sleep(0.005)
    record.end()

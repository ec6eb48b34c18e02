"""wrk: a closed loop over REST, for the most a server can carry. Pure.

A Lua script sends the prepared requests in turn and prints the figures at the end. wrk tells percentiles and counts,
no single times: the measurement has no samples. It has no warm-up either, so that is a run of its own before.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from components.benchmarks.enough import PERCENTILES
from components.benchmarks.load.arguments import Arguments
from components.benchmarks.result import Latency, Measurement
from components.benchmarks.tools.request import only_base

REQUESTS: Final = "requests.bin"
SCRIPT: Final = "script.lua"
OUTPUT: Final = "stdout.txt"
MARK: Final = "inferstack "
NO_TIMES: Final = "wrk tells no single times, so whether it was so all along is not known"
CORRECTED: Final = "wrk adds to its latencies what it believes slow answers to have kept back"
KINDS: Final[Mapping[str, str]] = {
    "status": "HTTP status of 400 or more",
    "connect": "no connection",
    "read": "connection broken while reading",
    "write": "connection broken while writing",
    "timeout": "timeout",
}


def files(arguments: Arguments, requests: Sequence[bytes]) -> Mapping[str, bytes]:
    """The requests one after the other, and the script that knows where each begins."""
    return {REQUESTS: b"".join(requests), SCRIPT: script(requests).encode()}


def script(requests: Sequence[bytes]) -> str:
    """Sends whole requests as they were prepared; prints one line of JSON when all is done."""
    ends = ", ".join(str(end) for end in accumulate(map(len, requests)))
    points = ", ".join(f"{100 * p:g}" for p in PERCENTILES.values())
    return f"""-- Made by inferstack.
local ends, requests, count = {{ {ends} }}, {{}}, 0
local folder = debug.getinfo(1, "S").source:match("^@(.*)/") or "."
local file = assert(io.open(folder .. "/{REQUESTS}", "rb"))
local all, from = file:read("*a"), 1
for i, last in ipairs(ends) do
  requests[i], from = all:sub(from, last), last + 1
end

function request()
  count = count + 1
  return requests[(count - 1) % #requests + 1]
end

function done(summary, latency, _)
  local points = {{}}
  for i, p in ipairs({{ {points} }}) do
    points[i] = string.format("%.0f", latency:percentile(p))
  end
  local errors = summary.errors
  io.write(string.format(
    '{MARK}{{"duration": %.0f, "requests": %.0f, "bytes": %.0f, "connect": %d, "read": %d, "write": %d, ' ..
    '"status": %d, "timeout": %d, "mean": %.3f, "max": %.0f, "points": [%s]}}\\n',
    summary.duration, summary.requests, summary.bytes, errors.connect, errors.read, errors.write,
    errors.status, errors.timeout, latency.mean, latency.max, table.concat(points, ", ")))
end
"""


def commands(arguments: Arguments, folder: str, request: bytes) -> tuple[tuple[str, ...], ...]:
    """The warm-up, if there is one, and the measurement; wrk takes whole seconds."""
    load = arguments.load
    lengths = [math.ceil(length_s) for length_s in (load.warmup_s, load.duration_s) if length_s > 0]
    return tuple(
        (
            "wrk", "-t", "1", "-c", str(max(load.clients or 1, load.connections)), "-d", f"{length}s",
            "--timeout", f"{math.ceil(load.timeout_s)}s", "-s", f"{folder}/{SCRIPT}", only_base(arguments, "wrk"),
        )
        for length in lengths
    )  # fmt: skip


def read(arguments: Arguments, folder: Path, busy: float | None) -> tuple[Measurement, None]:
    """The measurement in the last line that the script printed."""
    return measured(arguments, (folder / OUTPUT).read_text(), busy), None


def measured(arguments: Arguments, text: str, busy: float | None = None) -> Measurement:
    """The measurement, without samples.

    Raises:
        ValueError, KeyError: the script's line is not there.
    """
    found = [line.removeprefix(MARK) for line in text.splitlines() if line.startswith(MARK)]
    told: Mapping[str, Any] = json.loads(found[-1] if found else "")
    load, duration_s = arguments.load, told["duration"] / 1e6
    errors = {kind: int(told[key]) for key, kind in KINDS.items() if told[key]}
    answered = int(told["requests"])
    failed = sum(errors.values())
    # What has a status was answered; the other failures come on top.
    requests = answered + failed - int(told["status"])
    points = {name: micros / 1e6 for name, micros in zip(PERCENTILES, told["points"], strict=True)}
    latency = Latency(mean_s=told["mean"] / 1e6, max_s=told["max"] / 1e6, **points)
    none = Latency(*(math.nan for _ in range(7)))
    return Measurement(
        target=arguments.target,
        load=load,
        repeat=arguments.repeat,
        protocol=arguments.protocol,
        requests=requests,
        rows=requests * load.batch,
        asked_per_s=None,
        achieved_per_s=(requests - failed) / duration_s if duration_s else 0.0,
        duration_s=duration_s,
        response=latency if answered else none,
        service=latency if answered else none,
        lag=none,
        errors=errors,
        error_kinds=tuple(errors),
        bytes_sent=0,
        bytes_received=int(told["bytes"]),
        accuracy=None,
        invalid=tuple(_reasons(answered)),
        client_cpus=arguments.cpus,
        shared_cpus=arguments.shared,
        samples="",
        verdict=None,
        client_busy=busy,
        notes=(NO_TIMES, CORRECTED),
        tool="wrk",
    )


def _reasons(answered: int) -> Iterator[str]:
    if not answered:
        yield "wrk got no answer"

"""ghz: gRPC, as an open loop at a constant rate or a closed one. Pure.

The details of its JSON are read, not its summary: they have every call's end and length.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np

from components.address import address
from components.benchmarks.load.arguments import Arguments
from components.benchmarks.result import Measurement
from components.benchmarks.samples import Samples
from components.benchmarks.tools.observed import Observed, due_at_rate, measurement
from schemas.errors import UsageError

MESSAGES: Final = "messages.bin"
PROTO: Final = "open_inference.proto"
OUTPUT: Final = "ghz.json"
CALL: Final = "inference.GRPCInferenceService.ModelInfer"
KINDS: Final[Mapping[str, str]] = {
    "OK": "",
    "DeadlineExceeded": "timeout",
    "Unavailable": "no connection",
    "ResourceExhausted": "refused (gRPC RESOURCE_EXHAUSTED)",
}


def files(arguments: Arguments, requests: Sequence[bytes]) -> Mapping[str, bytes]:
    """The messages, each behind its length, and the protocol that they are in."""
    proto = resources.files("components.serving.server").joinpath(PROTO).read_bytes()
    return {MESSAGES: b"".join(_varint(len(request)) + request for request in requests), PROTO: proto}


def commands(arguments: Arguments, folder: str, request: bytes) -> tuple[tuple[str, ...], ...]:
    """One run through warm-up and measurement; calls under way at its end are waited for."""
    load = arguments.load
    connections = load.connections or (load.clients or 1)
    loop = (
        ("--async", "--rps", f"{load.rate_per_s:.0f}", "--concurrency", str(connections))
        if load.rate_per_s is not None
        else ("--concurrency", str(load.clients))
    )
    words = (
        "ghz", "--insecure", "--proto", f"{folder}/{PROTO}", "--call", CALL, "--binary-file", f"{folder}/{MESSAGES}",
        "--duration", f"{load.warmup_s + load.duration_s:g}s", "--duration-stop", "wait",
        "--timeout", f"{load.timeout_s:g}s", *loop, "--connections", str(connections),
        "--format", "json", "--output", f"{folder}/{OUTPUT}", _host(arguments),
    )  # fmt: skip
    return (words,)


def read(arguments: Arguments, folder: Path, busy: float | None) -> tuple[Measurement, Samples]:
    """The measurement in ghz's report."""
    return measurement(arguments, observed(arguments, json.loads((folder / OUTPUT).read_bytes())), busy)


def observed(arguments: Arguments, report: Mapping[str, Any]) -> Observed:
    """What the report tells.

    Raises:
        ValueError, KeyError: it is not a report of ghz.
    """
    details = report.get("details") or ()
    ends = [_nanoseconds(one["timestamp"]) for one in details]
    lengths = [int(one["latency"]) for one in details]
    began = min((end - length for end, length in zip(ends, lengths, strict=True)), default=0)
    sent = np.array([(end - length - began) / 1e9 for end, length in zip(ends, lengths, strict=True)])
    rate = arguments.load.rate_per_s
    lost = int(report["count"]) - len(details)
    return Observed(
        scheduled_s=None if rate is None else due_at_rate(sent, rate),
        sent_s=sent,
        done_s=sent + np.array(lengths) / 1e9,
        kinds=[_kind(str(one["status"])) for one in details],
        invalid=(f"ghz kept no times of {lost:,} of its {report['count']:,} calls",) if lost else (),
    )


def _kind(status: str) -> str:
    return KINDS.get(status, f"gRPC {status}")


def _nanoseconds(stamp: str) -> int:
    """RFC 3339 with up to nine decimals, since 1970: Python's own parser stops at microseconds."""
    head, _, rest = stamp.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    zone = rest[len(digits) :] if rest else ""
    whole = datetime.fromisoformat((head + zone).replace("Z", "+00:00"))
    return int(whole.timestamp()) * 10**9 + int(digits.ljust(9, "0") or 0)


def _varint(number: int) -> bytes:
    """A number as Protocol Buffers write it (https://protobuf.dev/programming-guides/encoding/#varints)."""
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def _host(arguments: Arguments) -> str:
    if len(arguments.endpoints) != 1 or arguments.endpoints[0].grpc_port is None:
        raise UsageError(
            f"ghz asks one gRPC address, and {arguments.target} has {len(arguments.endpoints)} instances",
            why="the others would stand idle, and the figures would be those of one",
            remedy="use the built-in generator, or measure a group of one instance",
        )
    return address(arguments.endpoints[0].host, arguments.endpoints[0].grpc_port)

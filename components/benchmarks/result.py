"""What a benchmark found: frozen values that are stored, compared and drawn.

A `Result` is one run of one benchmark: every (target, load, repeat) is a `Measurement`. Times are seconds, rates are
per second, shares are 0 to 1. Raw samples stand beside the result in `.npz` files, one a measurement, with the arrays
`scheduled_s`, `sent_s`, `done_s` (float64, seconds since the measurement began; closed loop: scheduled = sent),
`status` (uint8, 0 = good; other values index `error_kinds`, 1-based) and `endpoint` (uint16, index of the instance).
Where a tool tells percentiles only, there is no such file and `samples` is empty; what it does not tell is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

FILE: Final = "result.json"
"""The file that holds a result, in the folder of its run."""

Outcome = Literal["pass", "fail", "undecided", "invalid"]


@dataclass(frozen=True)
class Latency:
    """A distribution of times, in seconds."""

    mean_s: float
    p50_s: float
    p90_s: float
    p95_s: float
    p99_s: float
    p999_s: float
    max_s: float


@dataclass(frozen=True)
class Check:
    """One limit of an objective against what was measured; `why` says in words what decided it."""

    metric: str
    limit: float
    actual: float | None
    outcome: Outcome
    why: str


@dataclass(frozen=True)
class Verdict:
    """What an objective says of one measurement: the worst of its checks."""

    outcome: Outcome
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class PlacedInstance:
    """Where an instance of a target sat while it was measured.

    On a cluster an instance is a pod on a `node`; `cpus` are empty there: the kubelet chooses them.
    """

    name: str
    cpus: tuple[int, ...]
    memory_node: int | None
    threads: int
    streams: int
    node: str = ""


@dataclass(frozen=True)
class Target:
    """What was measured: a serving group as it stood.

    `notes` are what a comparison must show beside its figures, `settings` what else of the group decides them.
    """

    name: str
    platform: str
    model: str
    model_digest: str
    precision: str
    instances: tuple[PlacedInstance, ...]
    cores: int
    notes: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadShape:
    """The load as asked: open loop (`rate_per_s`) or closed loop (`clients`)."""

    label: str
    rate_per_s: float | None
    clients: int | None
    arrivals: str
    duration_s: float
    warmup_s: float
    connections: int
    batch: int
    seed: int
    timeout_s: float = 10.0


@dataclass(frozen=True)
class Measurement:
    """One load on one target, once.

    `requests` counts all that were due while it was measured, the failed and the unsent among them; `achieved_per_s`
    counts good answers that came in that time. `client_busy` is the share of one core that the load generator used,
    `notes` say what else a reader should know. `late` says how late the client was where that is excused: the target
    had the core that both share, so that responses, which count from the scheduled time, are at most too long. `tool`
    is the load generator that made the requests.
    """

    target: str
    load: LoadShape
    repeat: int
    protocol: str
    requests: int
    rows: int
    asked_per_s: float | None
    achieved_per_s: float
    duration_s: float
    response: Latency
    service: Latency
    lag: Latency
    errors: Mapping[str, int]
    error_kinds: tuple[str, ...]
    bytes_sent: int
    bytes_received: int
    accuracy: float | None
    invalid: tuple[str, ...]
    client_cpus: tuple[int, ...]
    shared_cpus: bool
    samples: str
    verdict: Verdict | None
    client_busy: float | None = None
    notes: tuple[str, ...] = ()
    late: str = ""
    tool: str = "builtin"


@dataclass(frozen=True)
class Surroundings:
    """What it takes to explain a figure: the machine and the software."""

    cpu_model: str
    kernel: str
    topology: Mapping[str, Any]
    packages: Mapping[str, str]
    inferstack: str


@dataclass(frozen=True)
class Result:
    """One run of one benchmark."""

    version: int
    id: str
    stack: str
    benchmark: str
    started: str
    spec_digest: str
    data_digest: str
    objective: Mapping[str, Any] | None
    require: Literal["any", "all"]
    surroundings: Surroundings
    targets: tuple[Target, ...]
    measurements: tuple[Measurement, ...]

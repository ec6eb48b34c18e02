"""What the load generator is told: one JSON file, written by `run.py` or by hand."""

from __future__ import annotations

from dataclasses import dataclass

from components.benchmarks.result import LoadShape
from schemas.spec import Protocol, Tool


@dataclass(frozen=True)
class Endpoint:
    """Where one instance listens; the gRPC port is absent where it has none."""

    host: str
    rest_port: int
    grpc_port: int | None = None


@dataclass(frozen=True)
class ModelInput:
    """An input of the model as its metadata tell: datatype in the protocol's words (`FP32`), -1 for a dynamic axis."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Arguments:
    """One measurement to make.

    Attributes:
        inputs: the model's inputs; empty where the server does not tell: the arrays of the data are taken as named.
        data: an `.npz`; without it, random rows are made from `inputs`.
        tightest_limit_s: the lowest latency limit to be decided, which sets how late the client may be.
        cpus: CPUs to pin to before anything else; empty leaves the process where it is.
        shared: whether instances being measured may run on these CPUs too.
        own: whether these CPUs are the generator's own: nothing measured runs on them, and no quota counts their time.
        tied: end when standard input ends, that is, with the process that holds it open.
        samples, summary: files to write, an `.npz` (where the tool tells single times) and a JSON `Measurement` without
            a verdict.
        tool: who makes the requests.
    """

    target: str
    model: str
    protocol: Protocol
    endpoints: tuple[Endpoint, ...]
    load: LoadShape
    samples: str
    summary: str
    repeat: int = 0
    inputs: tuple[ModelInput, ...] = ()
    data: str | None = None
    tightest_limit_s: float | None = None
    cpus: tuple[int, ...] = ()
    shared: bool = False
    own: bool = False
    tied: bool = False
    tool: Tool = "builtin"

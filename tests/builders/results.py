"""Stored results as a benchmark would leave them: a queue is simulated, so that the figures look like real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from components.benchmarks import results, samples, statistics, words
from components.benchmarks.result import (
    LoadShape,
    Measurement,
    PlacedInstance,
    Result,
    Surroundings,
    Target,
    Verdict,
)
from components.benchmarks.results import StoredResult
from components.benchmarks.samples import Samples
from components.cluster.topology import Core, NumaNode, Topology, as_json


@dataclass(frozen=True)
class Made:
    """A measurement with its samples."""

    measurement: Measurement
    samples: Samples


def a_target(
    name: str = "digits-latency", *, cpus: Sequence[Sequence[int]] = ((0, 1),), digest: str = "a" * 64, **changes: Any
) -> Target:
    """A target with one instance on each tuple of CPUs."""
    instances = tuple(PlacedInstance(f"{name}-{i}", tuple(on), None, len(on), 1) for i, on in enumerate(cpus))
    known = {"platform": "openvino", "model": "digits", "precision": "fp32", "cores": sum(map(len, cpus))}
    return Target(name=name, model_digest=digest, instances=instances, **{**known, **changes})


def a_load(*, rate_per_s: float | None = None, clients: int | None = None, **changes: Any) -> LoadShape:
    """An open load at a rate, or a closed one of some clients; 100/s when neither is said."""
    if clients is None and rate_per_s is None:
        rate_per_s = 100.0
    known: dict[str, Any] = {
        "arrivals": "poisson", "duration_s": 10.0, "warmup_s": 1.0, "connections": clients or 8, "batch": 1, "seed": 1,
    }  # fmt: skip
    shape = LoadShape(**{"label": "", "rate_per_s": rate_per_s, "clients": clients, **known, **changes})
    return shape if shape.label else replace(shape, label=words.load(shape))


def a_measurement(
    target: str,
    load: LoadShape,
    *,
    service_ms: float = 2.0,
    servers: int = 1,
    spread: float = 0.15,
    fail: float = 0.0,
    repeat: int = 0,
    seed: int = 1,
    invalid: tuple[str, ...] = (),
    verdict: Verdict | None = None,
    **changes: Any,
) -> Made:
    """A load on a queue with `servers` servers whose service time is log-normal around `service_ms`."""
    found = _simulate(load, service_ms / 1e3, servers, spread, fail, np.random.default_rng([seed, repeat]))
    good = found.good
    failed = int((~good).sum())
    known: dict[str, Any] = {
        "protocol": "v2-binary", "bytes_sent": 412 * len(found), "bytes_received": 230 * len(found), "accuracy": 0.978,
        "client_cpus": (0, 1), "shared_cpus": True,
        "samples": f"{target}-{load.label.replace('/', '-').replace(' ', '-')}-{repeat}.npz",
    }  # fmt: skip
    measurement = Measurement(
        target=target,
        load=load,
        repeat=repeat,
        requests=len(found),
        rows=len(found) * load.batch,
        asked_per_s=load.rate_per_s,
        achieved_per_s=float(good.sum()) / load.duration_s,
        duration_s=load.duration_s,
        response=statistics.latency(found.response_s[good]),
        service=statistics.latency(found.service_s[good]),
        lag=statistics.latency(found.lag_s),
        errors={"timeout": failed} if failed else {},
        error_kinds=("timeout",) if failed else (),
        invalid=invalid,
        verdict=verdict,
        **{**known, **changes},
    )
    return Made(measurement, found)


def _simulate(
    load: LoadShape, service_s: float, servers: int, spread: float, fail: float, random: np.random.Generator
) -> Samples:
    if load.rate_per_s is not None:
        count = round(load.rate_per_s * load.duration_s)
        due = np.sort(random.uniform(0, load.duration_s, count))
    else:
        count = int(load.duration_s / service_s * min(servers, load.clients or 1))
        due = np.zeros(count)
    times = service_s * random.lognormal(0, spread, count) * np.where(random.random(count) < 0.004, 4, 1)
    free, client = np.zeros(servers), np.zeros(load.clients or 1)
    done, endpoint = np.zeros(count), np.zeros(count, dtype=np.uint16)
    for i in range(count):
        if load.clients:
            who = int(client.argmin())
            due[i] = client[who]
        server = int(free.argmin())
        done[i] = max(due[i] + 2e-5, free[server]) + times[i]
        free[server], endpoint[i] = done[i], server
        if load.clients:
            client[who] = done[i]
    status = (random.random(count) < fail).astype(np.uint8)
    return Samples(due, due + 2e-5, done, status, endpoint)


def a_machine(*, nodes: int = 1, cores: int = 2, threads: int = 1) -> Topology:
    """A machine of equal NUMA nodes; the second threads are numbered after all first ones, as Linux does."""
    total = nodes * cores
    found = tuple(
        NumaNode(
            node,
            16 * 2**30,
            tuple(
                Core(core, node, tuple(node * cores + core + total * thread for thread in range(threads)))
                for core in range(cores)
            ),
        )
        for node in range(nodes)
    )
    return Topology(nodes=found, cpu_model="Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", kernel="Linux 6.1.0-40-amd64")


def a_result(
    folder: Path,
    *,
    targets: Sequence[Target] = (a_target(),),
    measured: Sequence[Made] = (),
    machine: Topology | None = None,
    objective: Mapping[str, Any] | None = None,
    **changes: Any,
) -> StoredResult:
    """A result in a store of its own under `folder`."""
    machine = machine or a_machine()
    known: dict[str, Any] = {
        "id": "20260301T101500Z-0badcafe", "stack": "digits", "benchmark": "layouts", "require": "any",
        "started": "2026-03-01T10:15:00+00:00", "spec_digest": "5" * 64, "data_digest": "d" * 64,
    }  # fmt: skip
    surroundings = Surroundings(
        cpu_model=changes.pop("cpu_model", machine.cpu_model),
        kernel=changes.pop("kernel", machine.kernel),
        topology=as_json(machine),
        packages={"numpy": "2.4.6", "openvino": "2026.4.0", "python": "3.11.2"},
        inferstack="0.1.0",
    )
    result = Result(
        version=results.VERSION,
        surroundings=surroundings,
        objective=objective,
        targets=tuple(targets),
        measurements=tuple(made.measurement for made in measured),
        **{**known, **changes},
    )

    def fill(into: Path) -> None:
        for made in measured:
            samples.write(into / made.measurement.samples, made.samples)

    return results.save(folder, result, fill)

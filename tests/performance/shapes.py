"""One instance over two cores against two pinned instances of one core each: latency and throughput."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.performance.bed import bed
from tests.performance.models import convolutions, in_process, layers_for
from tests.performance.ratio import Claim

ROUNDS = 3
CLIENTS = 8


def claims() -> list[Claim]:
    """Measured in turns, so that a slow moment of the machine hits both; the best round of each counts.

    The load generator has no core of its own here: both shapes use both cores. A model of a few milliseconds keeps
    its share small.
    """
    with tempfile.TemporaryDirectory() as folder, bed() as site:
        path = convolutions(Path(folder) / "model", layers_for(Path(folder), 0.010))
        made = in_process(path)
        one = site.instance("one", "openvino", path, made.digest, (0, 1))
        two = [site.instance(f"two-{i}", "openvino", path, made.digest, (i,)) for i in (0, 1)]
        carried: dict[str, list[float]] = {"one": [], "two": []}
        latency: dict[str, list[float]] = {"one": [], "two": []}
        for _ in range(ROUNDS):
            for name, endpoints in (("one", [one]), ("two", two)):
                carried[name].append(site.drive(endpoints, "v2-binary", clients=CLIENTS).achieved_per_s)
                latency[name].append(site.drive(endpoints, "v2-binary", clients=1, duration_s=3).response.p50_s)
    most = {name: max(values) for name, values in carried.items()}
    least = {name: min(values) for name, values in latency.items()}
    rates = (
        f"{most['two']:.0f}/s against {most['one']:.0f}/s, {CLIENTS} clients, model of {made.inference_s * 1e3:.1f} ms"
    )
    times = f"{least['one'] * 1e3:.2f} ms against {least['two'] * 1e3:.2f} ms, one client"
    return [
        Claim("two pinned 1-core instances carry more than one 2-core instance", most["two"] / most["one"], 1.4, "at least", "x", rates),
        Claim("one 2-core instance answers sooner", least["one"] / least["two"], 0.6, "at most", "x", times),
    ]  # fmt: skip

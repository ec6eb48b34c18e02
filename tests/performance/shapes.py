"""One instance over two cores against two pinned instances of one core each: latency and throughput."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from tests.performance.bed import bed
from tests.performance.models import model_of
from tests.performance.ratio import Claim

ROUNDS: Final = 7
CLIENTS: Final = 8


def claims() -> list[Claim]:
    """Measured in turns, so that a slow moment of the machine hits both; the best round of each counts.

    The load generator has no core of its own here: both shapes use both cores, and its work and the server's own count
    against both. A model of a millisecond is long enough to keep that share small, and short enough that two cores do
    not divide each layer as well as they divide whole requests.
    """
    with tempfile.TemporaryDirectory() as folder, bed() as site:
        made = model_of(Path(folder), 0.001)
        one = site.instance("one", "openvino", made.path, made.digest, (0, 1))
        two = [site.instance(f"two-{i}", "openvino", made.path, made.digest, (i,)) for i in (0, 1)]
        carried: dict[str, list[float]] = {"one": [], "two": []}
        latency: dict[str, list[float]] = {"one": [], "two": []}
        for _ in range(ROUNDS):
            for name, endpoints in (("one", [one]), ("two", two)):
                carried[name].append(site.drive(endpoints, "v2-binary", clients=CLIENTS, duration_s=2).achieved_per_s)
                latency[name].append(site.drive(endpoints, "v2-binary", clients=1, duration_s=2).response.p50_s)
    most = {name: max(values) for name, values in carried.items()}
    least = {name: min(values) for name, values in latency.items()}
    model = f"a model of {made.inference_s * 1e3:.1f} ms"
    rates = f"{most['two']:.0f}/s against {most['one']:.0f}/s, {CLIENTS} clients, {model}"
    times = f"{least['one'] * 1e3:.2f} ms against {least['two'] * 1e3:.2f} ms, one client, {model}"
    carries, answers = most["two"] / most["one"], least["one"] / least["two"]
    return [
        Claim("throughput of two pinned 1-core instances against one of 2 cores", carries, 1.4, "at least", "x", rates),
        Claim("latency of one 2-core instance against those of 1 core", answers, 0.6, "at most", "x", times),
    ]

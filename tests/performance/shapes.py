"""One instance over two cores against two pinned instances of one core each: latency and throughput."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from tests.performance.bed import Bed, bed
from tests.performance.models import Made, model_of
from tests.performance.ratio import Claim

ROUNDS: Final = 5
CLIENTS: Final = 8
SHORT_S: Final = 0.0003
LONG_S: Final = 0.005
SIZES_S: Final = (SHORT_S, 0.001, LONG_S)


def claims() -> list[Claim]:
    """Models of three durations. The shorter one is, the more a core for each instance carries; the longer, the more
    the latency gains from a second core. Each limit stands at the model that its shape is made for; the other rows
    show where the two meet.

    The load generator has no core of its own here: both shapes use both cores, and its work and the server's own count
    against both.
    """
    found: list[Claim] = []
    for wanted_s in SIZES_S:
        with tempfile.TemporaryDirectory() as folder, bed() as site:
            found += _compared(site, model_of(Path(folder), wanted_s), wanted_s)
    return found


def _compared(site: Bed, made: Made, wanted_s: float) -> list[Claim]:
    """Measured in turns, so that a slow moment of the machine hits both; the best round of each counts."""
    one = [site.instance("one", "openvino", made.path, made.digest, (0, 1))]
    two = [site.instance(f"two-{i}", "openvino", made.path, made.digest, (i,)) for i in (0, 1)]
    carried: dict[str, list[float]] = {"one": [], "two": []}
    latency: dict[str, list[float]] = {"one": [], "two": []}
    for _ in range(ROUNDS):
        for name, endpoints in (("one", one), ("two", two)):
            carried[name].append(site.drive(endpoints, "v2-binary", clients=CLIENTS, duration_s=2).achieved_per_s)
            latency[name].append(site.drive(endpoints, "v2-binary", clients=1, duration_s=2).response.p50_s)
    most = {name: max(values) for name, values in carried.items()}
    least = {name: min(values) for name, values in latency.items()}
    model = f"a model of {made.inference_s * 1e3:.2g} ms"
    rates = f"{most['two']:.0f}/s against {most['one']:.0f}/s, {CLIENTS} clients"
    times = f"{least['one'] * 1e3:.2f} ms against {least['two'] * 1e3:.2f} ms, one client"
    return [
        Claim(
            f"throughput of two pinned 1-core instances against one of 2 cores, {model}",
            most["two"] / most["one"], 1.4 if wanted_s == SHORT_S else None, "at least", "x", rates,
        ),
        Claim(
            f"latency of one 2-core instance against those of 1 core, {model}",
            least["one"] / least["two"], 0.6 if wanted_s == LONG_S else None, "at most", "x", times,
        ),
    ]  # fmt: skip

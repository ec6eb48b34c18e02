"""The embedded server against KServe and MLServer: the same model, the same core, the same settings, in turns."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from schemas.spec import Protocol
from tests.performance.bed import bed
from tests.performance.models import CORE, model_of
from tests.performance.ratio import Claim

ROUNDS: Final = 5
PLATFORMS: Final = ("openvino", "kserve", "mlserver")
JSON: Final[Protocol] = "v2"


def claims() -> list[Claim]:
    """Throughput with V2 JSON at 8 clients, and p99 at 50 requests a second (Poisson), load from the other core."""
    with tempfile.TemporaryDirectory() as folder, bed() as site:
        made = model_of(Path(folder), 0.0002)
        endpoints = {name: site.instance(name, name, made.path, made.digest, (CORE,)) for name in PLATFORMS}
        carried: dict[str, list[float]] = {name: [] for name in PLATFORMS}
        p99: dict[str, list[float]] = {name: [] for name in PLATFORMS}
        for _ in range(ROUNDS):
            for name, endpoint in endpoints.items():
                busy = site.drive([endpoint], JSON, clients=8, cpus=(1 - CORE,), duration_s=3)
                calm = site.drive([endpoint], JSON, rate_per_s=50, cpus=(1 - CORE,), duration_s=8)
                carried[name].append(busy.achieved_per_s)
                p99[name].append(calm.response.p99_s)
    most = {name: max(values) for name, values in carried.items()}
    least = {name: min(values) for name, values in p99.items()}
    return [
        *(_carries(most, name, limit) for name, limit in (("kserve", 3.0), ("mlserver", 2.2))),
        *(_sooner(least, name) for name in PLATFORMS[1:]),
    ]


def _carries(most: dict[str, float], name: str, limit: float) -> Claim:
    figures = f"{most['openvino']:.0f}/s against {most[name]:.0f}/s, V2 JSON, 8 clients"
    return Claim(f"carries more than {name}", most["openvino"] / most[name], limit, "at least", "x", figures)


def _sooner(least: dict[str, float], name: str) -> Claim:
    figures = f"{least['openvino'] * 1e3:.2f} ms against {least[name] * 1e3:.2f} ms, V2 JSON, Poisson"
    return Claim(f"p99 at 50/s below that of {name}", least["openvino"] / least[name], 1.0, "at most", "x", figures)

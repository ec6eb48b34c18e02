"""What serving costs: V2 binary over HTTP against the same model in process, on the same core."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.performance.bed import bed
from tests.performance.models import CORE, convolutions, in_process, layers_for
from tests.performance.ratio import Claim

CLIENTS = 4
ROUNDS = 3


def claims() -> list[Claim]:
    """A model of about 5 ms and one of about 0.2 ms; the load comes from the other core."""
    with tempfile.TemporaryDirectory() as folder:
        return [
            _served(Path(folder) / "long", 0.005, "served V2 binary against in process, a 5 ms model", 0.85),
            # No limit is promised for a model this short; half is what the protocol must leave at the very least.
            _served(Path(folder) / "short", 0.0002, "served V2 binary against in process, a 0.2 ms model", 0.5),
        ]


def _served(folder: Path, wanted_s: float, what: str, limit: float) -> Claim:
    path = convolutions(folder / "model", layers_for(folder, wanted_s))
    with bed() as site:
        alone, served = [], []
        for turn in range(ROUNDS):
            made = in_process(path, 2.0)
            alone.append(made.per_s)
            if turn == 0:
                endpoint = site.instance("served", "openvino", path, made.digest, (CORE,))
            served.append(
                site.drive([endpoint], "v2-binary", clients=CLIENTS, cpus=(1 - CORE,), duration_s=3).achieved_per_s
            )
    ratio = max(served) / max(alone)
    figures = f"{max(served):.0f}/s served, {max(alone):.0f}/s in process ({1e3 / max(alone):.2f} ms)"
    return Claim(what, ratio, limit, "at least", "x", figures)

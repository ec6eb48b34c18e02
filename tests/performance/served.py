"""What serving costs: V2 binary over HTTP against the same model in process, on the same core."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Final

from tests.performance.bed import bed
from tests.performance.models import CORE, in_process, model_of
from tests.performance.quiet import quiet
from tests.performance.ratio import Claim

CLIENTS: Final = 4
ROUNDS: Final = 5
SECONDS: Final = 2.0


def claims() -> list[Claim]:
    """A model of about 5 ms and one of about 0.2 ms; the load comes from the other core."""
    with tempfile.TemporaryDirectory() as folder:
        return [
            _served(Path(folder) / "long", 0.005, 0.85),
            # No limit is promised for a model this short; half is what the protocol must leave at the very least.
            _served(Path(folder) / "short", 0.0002, 0.5),
        ]


def _served(folder: Path, wanted_s: float, limit: float) -> Claim:
    """Alone and served in turns; each round is a pair of neighbours, and the median over the pairs counts."""
    made = model_of(folder, wanted_s)
    alone, served = [], []
    with bed() as site:
        endpoint = site.instance("served", "openvino", made.path, made.digest, (CORE,))
        for _ in range(ROUNDS):
            quiet()
            alone.append(in_process(made.path, SECONDS).per_s)
            run = site.drive([endpoint], "v2-binary", clients=CLIENTS, cpus=(1 - CORE,), duration_s=SECONDS)
            served.append(run.achieved_per_s)
    ratio = statistics.median(over / bare for over, bare in zip(served, alone, strict=True))
    what = f"served V2 binary against in process, a model of {made.inference_s * 1e3:.2f} ms"
    figures = f"{statistics.median(served):.0f}/s against {statistics.median(alone):.0f}/s, {CLIENTS} clients, medians"
    return Claim(what, ratio, limit, "at least", "x", figures)

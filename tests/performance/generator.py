"""The load generator: does it send on time, and does it get as much out of a server as `wrk` and `hey` do?"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from components.benchmarks.load.arguments import Endpoint
from tests.performance import stub
from tests.performance.bed import Bed, bed
from tests.performance.models import CORE, SIDE
from tests.performance.quiet import undisturbed
from tests.performance.ratio import Claim

ROUNDS: Final = 6
RATE_PER_S: Final = 2000.0
CLIENTS: Final = 8
SECONDS: Final = 2
# The server is the bottleneck: at a quarter of a millisecond a request, every client has time to spare.
WORK_S: Final = 0.00025
BODY: Final = bytes(4 * 3 * SIDE * SIDE)

WRK_SCRIPT: Final = """
local file = io.open("{body}", "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
file:close()
"""


def claims() -> list[Claim]:
    """The server sits on one core, the client on the other; a request carries one image, as V2 binary."""
    with bed() as site:
        return [_punctual(site), *_agreement(site)]


def _punctual(site: Bed) -> Claim:
    """How late requests leave; the median of the rounds counts."""
    lags = []
    with stub.running(CORE, 0.0) as port:
        for _ in range(ROUNDS):
            run = site.drive(_at(port), "v2-binary", rate_per_s=RATE_PER_S, arrivals="constant", cpus=(1 - CORE,))
            lags.append(run.lag.p99_s * 1e3)
    figures = f"{ROUNDS} rounds, {min(lags):.3f} ms at best, worst {max(lags):.3f} ms"
    return Claim(f"schedule lag, p99 at {RATE_PER_S:,.0f}/s", statistics.median(lags), 0.5, "at most", "ms", figures)


def _agreement(site: Bed) -> list[Claim]:
    """Closed-loop rates in turns, ours and that of each other generator installed; the best round of each counts.

    Whatever else wants the server's core or the client's only lowers a rate.
    """
    body = site.folder / "body"
    body.write_bytes(BODY)
    (site.folder / "post.lua").write_text(WRK_SCRIPT.format(body=body))
    with stub.running(CORE, WORK_S) as port:
        others = _installed(site.folder, f"http://127.0.0.1:{port}/v2/models/model/infer", body)
        rates: dict[str, list[float]] = {name: [] for name in ("ours", *others)}
        for _ in range(ROUNDS if others else 0):
            run = site.drive(_at(port), "v2-binary", clients=CLIENTS, cpus=(1 - CORE,), duration_s=SECONDS)
            rates["ours"].append(run.achieved_per_s)
            for name, measure in others.items():
                rates[name].append(undisturbed(measure))
    return [_agrees(name, rates) for name in others]


def _agrees(name: str, rates: Mapping[str, list[float]]) -> Claim:
    ours, other = max(rates["ours"]), max(rates[name])
    figures = f"{ours:.0f}/s against {other:.0f}/s, {CLIENTS} clients, best of {ROUNDS} rounds"
    return Claim(f"closed-loop rate differs from {name}'s", abs(ours / other - 1) * 100, 5.0, "at most", "%", figures)


def _installed(folder: Path, url: str, body: Path) -> dict[str, Callable[[], float]]:
    """How to measure with each of the other load generators that this machine has."""
    pinned = ["taskset", "--cpu-list", str(1 - CORE)]
    duration = f"{SECONDS}s"
    commands = {
        "wrk": [*pinned, "wrk", "-t1", f"-c{CLIENTS}", f"-d{duration}", "-s", str(folder / "post.lua"), url],
        "hey": [*pinned, "hey", "-cpus", "1", "-z", duration, "-c", str(CLIENTS), "-m", "POST", "-D", str(body), url],
    }
    found = {}
    for name, command in commands.items():
        if all(shutil.which(program) for program in ("taskset", name)):
            found[name] = lambda command=command: _requests_per_s(command)
        else:
            print(f"{name} or taskset is not installed: the rate is not compared with {name}'s", file=sys.stderr)
    return found


def _requests_per_s(command: list[str]) -> float:
    """Both print a line `Requests/sec: NUMBER`."""
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)
    assert rate, done.stdout
    return float(rate[1])


def _at(port: int) -> list[Endpoint]:
    return [Endpoint("127.0.0.1", port)]

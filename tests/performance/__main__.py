"""Every performance claim, measured side by side in one run: `python -m tests.performance [NAME ...]`."""

from __future__ import annotations

import platform
import sys
import time
from importlib import import_module

from components.cluster import topology
from tests.performance.ratio import Claim, table

ALL = ("shapes", "served", "platforms", "generator", "engine")


def main(names: list[str]) -> int:
    """Measures what is named, or all; 0 when every claim holds."""
    if unknown := [name for name in names if name not in ALL]:
        print(f"no measurement {', '.join(unknown)}; there are {', '.join(ALL)}", file=sys.stderr)
        return 3
    claims: list[Claim] = []
    for name in names or ALL:
        print(f"{name} ...", file=sys.stderr, flush=True)
        started = time.monotonic()
        found = import_module(f"tests.performance.{name}").claims()
        print(f"{table(found)}\n{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        claims += found
    machine = topology.read()
    print(f"{machine.cpu_model}, {len(machine.cores)} cores, {machine.kernel}, Python {platform.python_version()}\n")
    print(table(claims))
    return 0 if all(claim.holds for claim in claims) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

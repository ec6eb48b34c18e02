"""Waits for a quiet moment before a round is measured: other work on the machine is noise in every figure.

It only waits, and not for ever: a round on a busy machine is measured all the same, and standard error says so.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

BUSY: Final = 0.08
LOOK_S: Final = 0.25
PATIENCE_S: Final = 15.0


def quiet(patience_s: float = PATIENCE_S) -> None:
    """Return when less than `BUSY` of all cores was in use for a moment, or when the patience has run out."""
    end = time.monotonic() + patience_s
    while (used := _used()) > BUSY:
        if time.monotonic() > end:
            print(f"the machine is busy with other things ({used:.0%}); measured all the same", file=sys.stderr)
            return


def _used() -> float:
    """The share of all cores in use over `LOOK_S`; 0 where the system does not tell."""
    if not (stat := Path("/proc/stat")).exists():
        return 0.0
    before = _times(stat)
    time.sleep(LOOK_S)
    after = _times(stat)
    return 1 - (after[0] - before[0]) / max(1, after[1] - before[1])


def _times(stat: Path) -> tuple[int, int]:
    """Ticks spent idle and ticks in all, over all cores (`man proc_stat`)."""
    ticks = [int(word) for word in stat.read_text().splitlines()[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)

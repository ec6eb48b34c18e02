"""Real processes for tests: started, waited for with a limit, killed without a chance to tidy up."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

LIMIT_S = 60.0


def until(condition: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> None:
    """Wait until `condition` holds; fails after `limit_s`."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"waited {limit_s:g} s in vain: {what}"
        time.sleep(0.01)


def python(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    """A Python process that runs `code` with this program on its path."""
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], start_new_session=True)


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9 of that process alone, not of what it started."""
    process.kill()
    process.wait()


def is_running(pid_file: Path) -> bool:
    """Whether the process whose number stands in `pid_file` still runs."""
    try:
        os.kill(int(pid_file.read_text()), 0)
    except ProcessLookupError:
        return False
    return True

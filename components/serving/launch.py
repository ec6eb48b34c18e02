"""Launcher of one serving process: `python launch.py LAUNCH.json`. Sets the CPU mask, then becomes the platform.

The mask must stand before the platform starts (OpenVINO reads it once, when its CPU plug-in loads), and the process id
that supervisor knows must be the server's: hence a program of its own that ends in exec. It is run by path with the
standard library alone, so that a start costs milliseconds. It never stays around, and never serves.

LAUNCH.json: {"name", "command": [...], "env": {...}, "cpus": [...], "memory_node": int or null, "starts": path}
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

CANNOT_START = 78


def main(path: str) -> None:
    """Become the platform's process; ends with CANNOT_START and a reason on stderr where that cannot be."""
    with open(path, encoding="utf-8") as file:
        launch: dict[str, Any] = json.load(file)
    with open(launch["starts"], "a", encoding="utf-8") as file:
        file.write(f"{time.time():.3f} {os.getpid()}\n")
    pin(launch["cpus"])
    command = [*memory_binding(launch["memory_node"]), *launch["command"]]
    environment = {**os.environ, **launch["env"]}
    say(f"starts {launch['name']}: {' '.join(command)}")
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        give_up(f"cannot start {command[0]}: {error.strerror}")


def pin(cpus: Sequence[int]) -> None:
    """Bind this process, and so what it becomes, to `cpus`; says so where the system has no masks (macOS)."""
    if not hasattr(os, "sched_setaffinity"):
        say("runs unpinned: this system cannot bind a process to CPUs")
        return
    try:
        os.sched_setaffinity(0, cpus)
    except OSError as error:
        give_up(f"cannot bind to CPUs {listed(cpus)}: {error.strerror}; usable are {listed(os.sched_getaffinity(0))}")
    # The kernel silently drops CPUs that a cpuset forbids, and binds to what is left.
    if (left := os.sched_getaffinity(0)) != set(cpus):
        give_up(f"cannot bind to CPUs {listed(cpus)}: only {listed(left)} of them are usable here")
    say(f"bound to CPUs {listed(cpus)}")


def memory_binding(node: int | None) -> list[str]:
    """The words before the command that bind its memory to a NUMA node, where asked and possible."""
    if node is None:
        return []
    numactl = shutil.which("numactl")
    if numactl is None:
        say(f"memory is not bound to NUMA node {node}: numactl is not installed; the CPU mask alone holds")
        return []
    words = [numactl, f"--membind={node}", "--"]
    # Containers often forbid set_mempolicy; a try costs a millisecond and saves a server that cannot start.
    trial = subprocess.run([*words, "true"], capture_output=True, text=True, check=False)
    if trial.returncode != 0:
        say(f"memory is not bound to NUMA node {node}: {trial.stderr.strip()}; the CPU mask alone holds")
        return []
    return words


def listed(cpus: Iterable[int]) -> str:
    """CPUs as people list them: `0,2,4`."""
    return ",".join(map(str, sorted(cpus)))


def say(words: str) -> None:
    """A line in the instance's log."""
    print(f"launcher: {words}", file=sys.stderr, flush=True)


def give_up(why: str) -> None:
    """End with the reason in the log."""
    say(why)
    sys.exit(CANNOT_START)


if __name__ == "__main__":
    main(sys.argv[1])

"""What a process is really bound to, read from /proc: its CPUs, those of its threads, where its memory lies.

Asking for a mask and having one are two things (a cpuset, a missing numactl, a library that pins its own threads), so
every instance is looked at after its start and again by `status`. Reads only; changes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from components.cluster.cpulist import format_list, parse_list

BOUND = 0.9


@dataclass(frozen=True)
class Verified:
    """Whether the binding is as asked, in words; `cpus` is the process's real mask, None where it cannot be read."""

    ok: bool
    words: tuple[str, ...]
    cpus: frozenset[int] | None

    def __str__(self) -> str:
        return "; ".join(self.words)


def verify(pid: int, cpus: Iterable[int], memory_node: int | None, proc: Path = Path("/proc")) -> Verified:
    """Compare a process's binding with what was asked: its CPUs exactly, its threads inside them, its memory's node."""
    wanted = frozenset(cpus)
    if not (proc / "self").exists():
        return Verified(True, ("not pinned: this system has no CPU masks to verify",), None)
    process = proc / str(pid)
    try:
        real = mask_of(process / "status")
        threads = [mask_of(status) for status in sorted(process.glob("task/*/status"))]
    except OSError:
        real = frozenset()
    if not real:
        return Verified(False, (f"process {pid} is gone",), None)
    words, ok = [], real == wanted
    words.append(f"CPUs {format_list(real)}" if ok else f"CPUs {format_list(real)} instead of {format_list(wanted)}")
    if astray := [mask for mask in threads if mask and not mask <= wanted]:
        ok = False
        words.append(
            f"{len(astray)} of {len(threads)} threads may run on CPUs {format_list(frozenset().union(*astray))}"
        )
    else:
        words.append("all threads inside")
    if memory_node is not None:
        lies_well, told = _memory(process, memory_node)
        ok = ok and lies_well
        words.append(told)
    return Verified(ok, tuple(words), real)


def mask_of(status: Path) -> frozenset[int]:
    """The CPUs that a `status` file of /proc allows; empty for what has just ended, its folder perhaps with it."""
    try:
        found = re.search(r"^Cpus_allowed_list:\s*(\S+)", status.read_text(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return frozenset()
    return parse_list(found[1]) if found else frozenset()


def pages_by_node(numa_maps: str) -> Mapping[int, int]:
    """Pages of a process's own memory on each NUMA node; mapped files are the page cache's and not counted."""
    pages: Counter[int] = Counter()
    for line in numa_maps.splitlines():
        if " file=" not in line:
            for node, count in re.findall(r" N(\d+)=(\d+)", line):
                pages[int(node)] += int(count)
    return pages


def _memory(process: Path, node: int) -> tuple[bool, str]:
    """Whether the memory lies as well as it can, and where, in words.

    Memory that nothing binds (no numactl, or a container that forbids it) may lie anywhere: that is told, and no fault.
    """
    try:
        maps = (process / "numa_maps").read_text()
    except OSError:
        return True, f"memory on NUMA node {node}: cannot be read"
    pages = pages_by_node(maps)
    share = pages.get(node, 0) / max(1, sum(pages.values()))
    # What a process shares with others (its interpreter's pages, say) may lie elsewhere however it is bound.
    if share >= BOUND:
        return True, f"memory on NUMA node {node}"
    return " bind:" not in maps, f"only {share:.0%} of memory on NUMA node {node}"

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
        return Verified(False, (f"process {pid} is gone",), None)
    words, ok = [], real == wanted
    words.append(f"CPUs {listed(real)}" if ok else f"CPUs {listed(real)} instead of {listed(wanted)}")
    if astray := [mask for mask in threads if mask and not mask <= wanted]:
        ok = False
        words.append(f"{len(astray)} of {len(threads)} threads may run on CPUs {listed(frozenset().union(*astray))}")
    else:
        words.append("all threads inside")
    if memory_node is not None:
        words.append(_memory_words(process, memory_node))
    return Verified(ok, tuple(words), real)


def mask_of(status: Path) -> frozenset[int]:
    """The CPUs that a `status` file of /proc allows; empty for a thread that has just ended."""
    try:
        found = re.search(r"^Cpus_allowed_list:\s*(\S+)", status.read_text(), re.MULTILINE)
    except ProcessLookupError:
        return frozenset()
    return parse(found[1]) if found else frozenset()


def parse(text: str) -> frozenset[int]:
    """CPUs of a list as the kernel writes it: `0-3,8`."""
    cpus: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        cpus.update(range(int(first), int(last or first) + 1))
    return frozenset(cpus)


def listed(cpus: Iterable[int]) -> str:
    """The same the other way round, with ranges: `0-3,8`."""
    ranges: list[list[int]] = []
    for cpu in sorted(cpus):
        if ranges and cpu == ranges[-1][1] + 1:
            ranges[-1][1] = cpu
        else:
            ranges.append([cpu, cpu])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def pages_by_node(numa_maps: str) -> Mapping[int, int]:
    """Pages of a process's own memory on each NUMA node; mapped files are the page cache's and not counted."""
    pages: Counter[int] = Counter()
    for line in numa_maps.splitlines():
        if " file=" not in line:
            for node, count in re.findall(r" N(\d+)=(\d+)", line):
                pages[int(node)] += int(count)
    return pages


def _memory_words(process: Path, node: int) -> str:
    try:
        pages = pages_by_node((process / "numa_maps").read_text())
    except OSError:
        return f"memory on NUMA node {node}: cannot be read"
    share = pages.get(node, 0) / max(1, sum(pages.values()))
    # What a process shares with others (its interpreter's pages, say) may lie elsewhere however it is bound.
    return f"memory on NUMA node {node}" if share >= BOUND else f"only {share:.0%} of memory on NUMA node {node}"

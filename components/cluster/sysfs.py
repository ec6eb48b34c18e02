"""The machine as `/sys` shows it: CPUs that are on-line with their core and socket, NUMA nodes, caches.

Reads files and nothing else; knows no limits of the process. Old kernels wrote masks where newer ones write lists, left
out `online`, or had no NUMA nodes; each reader takes what there is. Source of the meanings:
Documentation/ABI/stable/sysfs-devices-system-cpu and admin-guide/cputopology.rst of the kernel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from components.cluster.cpulist import parse_list, parse_mask

Kind = Literal["uniform", "performance", "efficiency"]

# A core counts as an efficiency core when its capacity or frequency lies under this share of the machine's highest.
# Favoured cores of one kind differ by up to 10 % (5.8 against 5.4 GHz), kinds by 19 % and more (5.0 against 3.9 GHz).
EFFICIENCY_SHARE: Final = 0.85


@dataclass(frozen=True)
class OnlineCpu:
    """A hardware thread: its socket, the kernel's number of its core, and all on-line threads of that core."""

    number: int
    socket: int
    core: int
    siblings: frozenset[int]


@dataclass(frozen=True)
class Cache:
    """A cache and the CPUs that share it."""

    level: int
    type: Literal["data", "instruction", "unified"]
    size_bytes: int
    cpus: tuple[int, ...]


@dataclass(frozen=True)
class MemoryNode:
    """A NUMA node as the kernel lists it: either side may be empty."""

    id: int
    cpus: frozenset[int]
    memory_bytes: int


def cpu_folder(root: Path) -> Path:
    """Where the CPUs of a machine are described."""
    return root / "sys/devices/system/cpu"


def present_cpus(root: Path) -> frozenset[int]:
    """Every CPU the machine has, on-line or not."""
    return frozenset(number for number, _ in _numbered(cpu_folder(root), "cpu"))


def online_cpus(root: Path) -> dict[int, OnlineCpu]:
    """The CPUs that are on-line, by number, ascending."""
    folder = cpu_folder(root)
    listed = text(folder / "online")
    numbers = (
        parse_list(listed)
        if listed
        # CPU 0 often cannot be switched off and then has no file.
        else {number for number, cpu in _numbered(folder, "cpu") if text(cpu / "online") != "0"}
    )
    return {number: _online_cpu(folder / f"cpu{number}/topology", number) for number in sorted(numbers)}


def _online_cpu(topology: Path, number: int) -> OnlineCpu:
    def whole(name: str, default: int) -> int:
        found = text(topology / name)
        return int(found) if found else default

    return OnlineCpu(
        number=number,
        socket=max(0, whole("physical_package_id", 0)),  # -1 on machines that do not say.
        core=whole("core_id", number),
        siblings=cpu_set(topology, "core_cpus") or cpu_set(topology, "thread_siblings") or frozenset({number}),
    )


def core_kinds(root: Path, cpus: Mapping[int, OnlineCpu]) -> dict[int, Kind]:
    """Performance or efficiency for each CPU of a hybrid machine; uniform for all of any other.

    Intel's hybrid machines name the two sets; others tell a capacity; on older kernels the highest frequency has to do.
    """
    atoms = parse_list(text(root / "sys/devices/cpu_atom/cpus"))
    if not atoms:
        folder = cpu_folder(root)
        for name in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
            figures = {number: int(text(folder / f"cpu{number}/{name}") or 0) for number in cpus}
            if all(figures.values()):
                least = EFFICIENCY_SHARE * max(figures.values())
                atoms = frozenset(number for number, figure in figures.items() if figure < least)
                break
    if not atoms & set(cpus):
        return dict.fromkeys(cpus, "uniform")
    return {number: "efficiency" if number in atoms else "performance" for number in cpus}


def memory_nodes(root: Path) -> tuple[MemoryNode, ...]:
    """The NUMA nodes that are on-line, ascending; a machine without any is one node."""
    folder = root / "sys/devices/system/node"
    listed = text(folder / "online")
    nodes = tuple(
        MemoryNode(number, cpu_set(node, "cpulist", "cpumap"), _memory_bytes(node / "meminfo"))
        for number, node in _numbered(folder, "node")
        if not listed or number in parse_list(listed)
    )
    return nodes or (MemoryNode(0, present_cpus(root), _memory_bytes(root / "proc/meminfo")),)


def caches(root: Path, cpus: Mapping[int, OnlineCpu]) -> tuple[Cache, ...]:
    """Every cache once, by level, type and first CPU."""
    found: dict[tuple[int, str, int], Cache] = {}
    for number in cpus:
        for _, index in _numbered(cpu_folder(root) / f"cpu{number}/cache", "index"):
            shared = sorted((cpu_set(index, "shared_cpu") or {number}) & set(cpus))
            if shared[:1] == [number] and (cache := _cache(index, tuple(shared))):
                found[cache.level, cache.type, number] = cache
    return tuple(found[key] for key in sorted(found))


def _cache(index: Path, cpus: tuple[int, ...]) -> Cache | None:
    level, size = text(index / "level"), re.fullmatch(r"(\d+)([KM]?)", text(index / "size"))
    if not level or not size:
        return None
    size_bytes = int(size[1]) * {"": 1, "K": 2**10, "M": 2**20}[size[2]]
    match text(index / "type").lower():
        case "data":
            return Cache(int(level), "data", size_bytes, cpus)
        case "instruction":
            return Cache(int(level), "instruction", size_bytes, cpus)
        case _:
            return Cache(int(level), "unified", size_bytes, cpus)


def text(path: Path) -> str:
    """A file's text without the white space (and NULs, in some recordings) around it; empty when it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip(" \n\t\0")
    except OSError:
        return ""


def cpu_set(folder: Path, name: str, mask: str = "") -> frozenset[int]:
    """The CPUs in `NAME_list` (or `NAME` itself when it is the list), else in the older mask."""
    listed = text(folder / (name if mask else f"{name}_list"))
    if listed:
        return parse_list(listed)
    older = text(folder / (mask or (name if (folder / name).exists() else f"{name}_map")))
    return parse_mask(older) if older else frozenset()


def _memory_bytes(path: Path) -> int:
    found = re.search(r"MemTotal:\s+(\d+) kB", text(path))
    return int(found[1]) * 1024 if found else 0


def _numbered(folder: Path, prefix: str) -> Iterator[tuple[int, Path]]:
    """The entries `PREFIX<number>` of a folder with their numbers, ascending."""
    if not folder.is_dir():
        return
    found = ((re.fullmatch(rf"{prefix}(\d+)", path.name), path) for path in folder.iterdir())
    yield from sorted((int(match[1]), path) for match, path in found if match)

"""A machine's topology, limited to what this process may use of it: sockets, NUMA nodes, cores, threads, caches.

One frozen value that everything else (placement, pictures, results) works on; reading it is the only effect here.
Usable is what is on-line, in the cpuset and in the scheduling affinity; what is not is listed in `withheld` with the
reason. The CFS quota is not a set of CPUs but CPU time: `quota_cpus`. A recorded machine (a folder with its `sys` and
`proc`) is read the same way; the affinity of this process then means nothing.

Never guesses cores from names of CPUs, never starts a program.
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from components.cluster import cgroup, sysfs
from components.cluster.sysfs import Cache, Kind, OnlineCpu
from schemas.errors import PreflightError

Reason = Literal["offline", "cpuset", "affinity"]

HERE: Final = Path("/")


@dataclass(frozen=True)
class Core:
    """A physical core: the kernel's number of it (unique within a die at most), its socket, its usable threads."""

    id: int
    socket: int
    cpus: tuple[int, ...]
    kind: Kind = "uniform"


@dataclass(frozen=True)
class NumaNode:
    """A NUMA node: its memory (0 when the cpuset leaves it out) and its cores, by first CPU; either may be none."""

    id: int
    memory_bytes: int
    cores: tuple[Core, ...]


@dataclass(frozen=True)
class Withheld:
    """CPUs that the machine has and this process may not use."""

    reason: Reason
    cpus: tuple[int, ...]


@dataclass(frozen=True)
class Topology:
    """A machine, limited to what may be used; nodes ascend by number. `source` says where it was read."""

    nodes: tuple[NumaNode, ...]
    caches: tuple[Cache, ...] = ()
    quota_cpus: float | None = None
    withheld: tuple[Withheld, ...] = ()
    cpu_model: str = "unknown CPU"
    kernel: str = "unknown"
    source: str = "/sys"

    @property
    def cores(self) -> tuple[Core, ...]:
        """All usable cores, node by node."""
        return tuple(core for node in self.nodes for core in node.cores)

    @property
    def cpus(self) -> tuple[int, ...]:
        """All usable hardware threads, ascending."""
        return tuple(sorted(cpu for core in self.cores for cpu in core.cpus))

    @property
    def sockets(self) -> tuple[int, ...]:
        """The sockets with usable cores, ascending."""
        return tuple(sorted({core.socket for core in self.cores}))


def read(root: Path = HERE, *, affinity: frozenset[int] | None = None) -> Topology:
    """The topology of this machine, or of a recorded one.

    Args:
        root: the folder that stands for `/`.
        affinity: CPUs the process may run on; asked of the kernel for this machine, everything for a recorded one.

    Raises:
        PreflightError: `root` holds no machine, or nothing of it may be used.
    """
    if not sysfs.present_cpus(root):
        if root.resolve() == HERE:
            return counted()
        raise _no_machine(root)
    if affinity is None and root.resolve() == HERE and hasattr(os, "sched_getaffinity"):
        affinity = frozenset(os.sched_getaffinity(0))
    try:
        return _read(root, affinity)
    except ValueError as error:
        raise PreflightError(
            f"the machine under {root} cannot be read",
            why=f"a file of it holds something else than the kernel writes: {error}",
            remedy="record the machine again",
        ) from error


def _read(root: Path, affinity: frozenset[int] | None) -> Topology:
    online = sysfs.online_cpus(root)
    limits = cgroup.read_limits(root)
    withheld = _withheld(sysfs.present_cpus(root), online.keys(), limits.cpus, affinity)
    usable = {number: cpu for number, cpu in online.items() if not any(number in w.cpus for w in withheld)}
    if not usable:
        raise PreflightError(
            "no CPU of this machine may be used",
            why="; ".join(f"{len(w.cpus)} CPUs are left out by {w.reason}" for w in withheld),
            remedy="widen the cpuset or the affinity of the process (taskset, container settings)",
        )
    return Topology(
        nodes=tuple(_nodes(root, online, usable, limits.memory_nodes)),
        caches=sysfs.caches(root, usable),
        quota_cpus=limits.quota_cpus,
        withheld=withheld,
        cpu_model=_cpu_model(root),
        kernel=_kernel(root),
        source="/sys" if root.resolve() == HERE else f"{root} (recorded)",
    )


def as_json(topology: Topology) -> dict[str, Any]:
    """The topology as plain JSON values, with the fields' names as keys."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(topology)))
    return plain


def _withheld(
    present: frozenset[int], online: Set[int], cpuset: frozenset[int] | None, affinity: frozenset[int] | None
) -> tuple[Withheld, ...]:
    """Each CPU that may not be used, under the first reason that excludes it."""
    left = set(present)
    found: list[Withheld] = []
    steps: tuple[tuple[Reason, Set[int] | None], ...] = (
        ("offline", online),
        ("cpuset", cpuset),
        ("affinity", affinity),
    )
    for reason, allowed in steps:
        if allowed is not None and (out := left - allowed):
            found.append(Withheld(reason, tuple(sorted(out))))
            left &= allowed
    return tuple(found)


def _nodes(
    root: Path,
    online: Mapping[int, OnlineCpu],
    usable: Mapping[int, OnlineCpu],
    memory: frozenset[int] | None,
) -> Iterator[NumaNode]:
    """The nodes with anything usable in them, ascending."""
    kinds = sysfs.core_kinds(root, online)
    listed = sysfs.memory_nodes(root)
    found = [
        NumaNode(
            node.id,
            node.memory_bytes if memory is None or node.id in memory else 0,
            _cores({number: cpu for number, cpu in usable.items() if number in node.cpus}, kinds),
        )
        for node in listed
    ]
    claimed = frozenset[int]().union(*(node.cpus for node in listed))
    homeless = {number: cpu for number, cpu in usable.items() if number not in claimed}
    free_ids = (number for number in range(len(online) + len(listed)) if number not in {node.id for node in listed})
    # Cores whose node is off-line keep to themselves: one node without memory for each socket of them.
    for socket in sorted({cpu.socket for cpu in homeless.values()}):
        members = {number: cpu for number, cpu in homeless.items() if cpu.socket == socket}
        found.append(NumaNode(next(free_ids), 0, _cores(members, kinds)))
    yield from sorted((node for node in found if node.cores or node.memory_bytes), key=lambda node: node.id)


def _cores(cpus: Mapping[int, OnlineCpu], kinds: Mapping[int, Kind]) -> tuple[Core, ...]:
    """The cores that these CPUs are threads of. Threads of one core are those the kernel calls siblings."""
    threads: dict[int, list[OnlineCpu]] = {}
    for _, cpu in sorted(cpus.items()):
        threads.setdefault(min(cpu.siblings), []).append(cpu)
    return tuple(
        Core(first.core, first.socket, tuple(cpu.number for cpu in (first, *others)), kinds[first.number])
        for first, *others in threads.values()
    )


def counted() -> Topology:
    """What can be told of a system without `/sys` (macOS): as many cores as Python counts, on one node."""
    cores = tuple(Core(cpu, 0, (cpu,)) for cpu in range(os.cpu_count() or 1))
    return Topology(
        nodes=(NumaNode(0, _counted_memory_bytes(), cores),),
        cpu_model=platform.processor() or platform.machine() or "unknown CPU",
        kernel=f"{platform.system()} {platform.release()}",
        source="os.cpu_count(): this system has no /sys, so NUMA nodes and threads of a core are not known",
    )


def _counted_memory_bytes() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 0


def _cpu_model(root: Path) -> str:
    """x86 and ARM say `model name`, POWER says `cpu`; virtual ARM machines say nothing."""
    information = sysfs.text(root / "proc/cpuinfo")
    found = re.search(r"^(?:model name|cpu)\s*: *(\S.*)$", information, re.MULTILINE)
    return " ".join(found[1].split()) if found else "unknown CPU"


def _kernel(root: Path) -> str:
    found = re.match(r"(\S+) version (\S+)", sysfs.text(root / "proc/version"))
    return f"{found[1]} {found[2]}" if found else "unknown"


def _no_machine(root: Path) -> PreflightError:
    if not root.exists():
        return PreflightError(
            f"there is no folder {root}", why="a recorded machine is a folder", remedy="check the path"
        )
    if root.is_file():
        return PreflightError(
            f"{root} is a file",
            why="a recorded machine is a folder that holds its `sys` and `proc`",
            remedy=f"unpack it (tar xf {root}) and name the folder that comes out",
        )
    inside = [path for path in sorted(root.iterdir()) if sysfs.cpu_folder(path).is_dir()]
    return PreflightError(
        f"{root} holds no machine",
        why=f"a recorded machine has the folder {sysfs.cpu_folder(Path('FOLDER'))} with a folder for each CPU",
        remedy=f"did you mean {inside[0]}?" if inside else "name the folder that holds the recorded `sys` and `proc`",
    )

"""A topology as a picture of text, for `inferstack topology` and for plans: pure, at most 96 columns.

A box is a NUMA node, a cell is a physical core with the numbers of its hardware threads, so that a machine of one core
and one of 128 read alike. Instances, when given, stand under the cores they sit on. Never reads anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Protocol

from components.cluster.cpulist import format_list
from components.cluster.sysfs import Cache
from components.cluster.topology import Core, NumaNode, Topology
from schemas.words import counted

WIDTH: Final = 96
ASCII: Final = str.maketrans("┌┐└┘─│·", "++++-|-")
CACHE_LETTERS: Final = {"data": "d", "instruction": "i", "unified": ""}
WITHHELD: Final = {
    "offline": "switched off",
    "cpuset": "not in the cpuset of this process",
    "affinity": "not in the affinity of this process",
}


class Instance(Protocol):
    """What sits on cores: any placed instance of a group."""

    @property
    def group(self) -> str: ...
    @property
    def index(self) -> int: ...
    @property
    def cpus(self) -> tuple[int, ...]: ...


@dataclass(frozen=True)
class Cell:
    """A core as it is drawn: what stands on its line and on the line under it."""

    threads: str
    labels: str


def draw(topology: Topology, instances: Sequence[Instance] = (), *, ascii_only: bool = False) -> str:
    """The picture, ending in a new line; `ascii_only` for terminals that know no box drawing."""
    letters = {group: _letter(index) for index, group in enumerate(dict.fromkeys(one.group for one in instances))}
    labels: dict[int, list[str]] = {}
    for one in instances:
        for cpu in one.cpus:
            labels.setdefault(cpu, []).append(f"{letters[one.group]}{one.index}")
    lines = [*_heading(topology), "", *_boxes(topology, labels), *_memory_only(topology)]
    lines += [*_caches(topology), *_limits(topology), *_legend(letters, instances)]
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    return text.translate(ASCII) if ascii_only else text


def size(count: int) -> str:
    """A number of bytes as people write it: `24 MiB`, `1.25 MiB`, `15.9 GiB`."""
    for unit, factor in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= factor:
            figure = f"{count / factor:.{2 if count < 10 * factor else 1}f}".rstrip("0").rstrip(".")
            return f"{figure} {unit}"
    return f"{count} B"


def _heading(topology: Topology) -> list[str]:
    nodes = sum(bool(node.cores) for node in topology.nodes)
    memory = sum(node.memory_bytes for node in topology.nodes)
    parts = [counted(len(topology.cores), "core"), counted(len(topology.cpus), "thread")]
    parts += [counted(len(topology.sockets), "socket"), counted(nodes, "NUMA node"), size(memory)]
    return [topology.cpu_model, " · ".join(parts), f"kernel {topology.kernel} · read from {topology.source}"]


def _boxes(topology: Topology, labels: Mapping[int, Sequence[str]]) -> list[str]:
    """The nodes with cores, two beside each other where there are several."""
    nodes = [node for node in topology.nodes if node.cores]
    digits = len(str(max(topology.cpus)))
    cells = {core: _cell(core, digits, labels) for core in topology.cores}
    cell_width = max(len(text) for cell in cells.values() for text in (cell.threads, cell.labels))
    beside = 2 if len(nodes) > 1 else 1
    columns = _even(
        max(len(list(section)) for node in nodes for _, section in _sections(node)),
        most=max(1, (WIDTH // beside - 3) // (cell_width + 3)),
    )
    titles = {node.id: _title(node) for node in nodes}
    inner = max(columns * (cell_width + 3) - 1, *(len(title) + 3 for title in titles.values()))
    lines: list[str] = []
    for start in range(0, len(nodes), beside):
        row = nodes[start : start + beside]
        bodies = [_body(node, cells, columns, cell_width) for node in row]
        height = max(map(len, bodies))
        lines.append(" ".join(f"┌─ {titles[node.id]} ".ljust(inner + 1, "─") + "┐" for node in row))
        for index in range(height):
            lines.append(
                " ".join("│" + (body[index] if index < len(body) else "").ljust(inner) + "│" for body in bodies)
            )
        lines.append(" ".join("└" + "─" * inner + "┘" for _ in row))
    return lines


def _even(count: int, *, most: int) -> int:
    """The fewest columns for as few rows as `most` columns need, so that the last row is not left alone."""
    rows = -(-count // most)
    return -(-count // rows)


def _title(node: NumaNode) -> str:
    sockets = sorted({core.socket for core in node.cores})
    where = f"{'socket' if len(sockets) == 1 else 'sockets'} {format_list(sockets)}"
    memory = size(node.memory_bytes) if node.memory_bytes else "no memory"
    return f"NUMA node {node.id} · {where} · {memory}"


def _sections(node: NumaNode) -> Iterable[tuple[tuple[int, str], Iterable[Core]]]:
    """The cores of a node by socket and kind."""

    def key(core: Core) -> tuple[int, str]:
        return core.socket, core.kind

    return groupby(sorted(node.cores, key=lambda core: (core.socket, core.kind == "efficiency", core.cpus)), key)


def _body(node: NumaNode, cells: Mapping[Core, Cell], columns: int, width: int) -> list[str]:
    """The inside of a box: rows of cells, with a caption for each socket or kind where there are several."""
    sections = [(key, list(cores)) for key, cores in _sections(node)]
    lines: list[str] = []
    for (socket, kind), cores in sections:
        if len(sections) > 1:
            what = f"socket {socket}" if kind == "uniform" else f"{counted(len(cores), f'{kind} core')}"
            lines.append(f" {what}")
        for start in range(0, len(cores), columns):
            row = [cells[core] for core in cores[start : start + columns]]
            lines.append(" │".join(f" {cell.threads.ljust(width)}" for cell in row))
            if any(cell.labels for cell in row):
                lines.append(" │".join(f" {cell.labels.ljust(width)}" for cell in row))
    return lines


def _cell(core: Core, digits: int, labels: Mapping[int, Sequence[str]]) -> Cell:
    sitting = dict.fromkeys(label for cpu in core.cpus for label in labels.get(cpu, ()))
    return Cell(" ".join(f"{cpu:{digits}}" for cpu in core.cpus), " ".join(sitting))


def _memory_only(topology: Topology) -> list[str]:
    bare = [node for node in topology.nodes if not node.cores]
    lines = []
    for memory in sorted({node.memory_bytes for node in bare}):
        ids = [node.id for node in bare if node.memory_bytes == memory]
        nodes = "NUMA node" if len(ids) == 1 else "NUMA nodes"
        lines.append(f"without cores: {nodes} {format_list(ids)}, {size(memory)}{' each' * (len(ids) > 1)}")
    return lines


def _caches(topology: Topology) -> list[str]:
    """A line for each level: how many of which size, shared by how many cores."""
    core_of = {cpu: core for core in topology.cores for cpu in core.cpus}

    def kind(cache: Cache) -> tuple[int, int]:
        return cache.size_bytes, len({core_of[cpu] for cpu in cache.cpus})

    lines = []
    for (level, type_), group in groupby(topology.caches, lambda cache: (cache.level, cache.type)):
        counts = Counter(kind(cache) for cache in group)
        said = ", ".join(
            f"{count} x {size(bytes_)}" + (f" shared by {counted(cores, 'core')}" if cores > 1 else " a core")
            for (bytes_, cores), count in counts.items()
        )
        lines.append(f"L{level}{CACHE_LETTERS[type_]:1} {said}")
    return lines


def _limits(topology: Topology) -> list[str]:
    lines = [f"off limits: CPU {format_list(w.cpus)}, {WITHHELD[w.reason]}" for w in topology.withheld]
    if topology.quota_cpus is not None:
        lines.append(f"off limits: more time than {topology.quota_cpus:g} CPUs have, by CFS quota")
    return lines


def _legend(letters: Mapping[str, str], instances: Sequence[Instance]) -> list[str]:
    counts = Counter(one.group for one in instances)
    hint = "a cell is a core, its numbers are its hardware threads"
    return [f"{hint}, under them the instances" if letters else hint] + [
        f"{letter} = {group} ({counted(counts[group], 'instance')})" for group, letter in letters.items()
    ]


def _letter(index: int) -> str:
    """A, B, ... Z, AA, AB, ..."""
    rest, last = divmod(index, 26)
    return (_letter(rest - 1) if rest else "") + chr(ord("A") + last)

"""How groups fit a machine, in words: `digits: 2 x 7 cores on ...: one a NUMA node, 1 core left on each`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from components.cluster.topology import Core, NumaNode, Topology
from components.serving.placement_layout import Seat
from components.serving.placement_request import Request
from schemas.words import counted

NUMBERS: Final = {1: "one", 2: "two", 3: "three", 4: "four"}


def describe_fit(
    topology: Topology, requests: Sequence[Request], seats: Mapping[str, Sequence[Seat]]
) -> tuple[str, ...]:
    """A line for each group; what is left stands with the only group, or on a line of its own."""
    nodes = [node for node in topology.nodes if node.cores]
    node_of = {core: node.id for node in nodes for core in node.cores}
    left = _left(nodes, {core for group in seats.values() for seat in group for core in seat.cores})
    if topology.quota_cpus is not None and topology.quota_cpus < len(topology.cpus):
        left += f"; a CFS quota allows {topology.quota_cpus:g} of {counted(len(topology.cpus), 'CPU')}"
    lines = []
    for request in requests:
        said = [_spread(node_of, len(nodes), seats[request.group])] if len(nodes) > 1 else []
        said += ["may overlap with other groups"] * (not request.exclusive) + [left] * (len(requests) == 1)
        head = f"{request.group}: {_sizes(seats[request.group])} on {topology.cpu_model}"
        lines.append(f"{head}: {', '.join(said)}" if said else head)
    return (*lines, left) if len(lines) > 1 else tuple(lines)


def _sizes(seats: Sequence[Seat]) -> str:
    sizes = Counter(len(seat.cores) for seat in seats)
    return " and ".join(f"{count} x {counted(size, 'core')}" for size, count in sorted(sizes.items(), reverse=True))


def _spread(node_of: Mapping[Core, int], nodes: int, seats: Sequence[Seat]) -> str:
    on = Counter(node for seat in seats for node in {node_of[core] for core in seat.cores})
    if on.total() > len(seats):
        return "across NUMA nodes"
    if len(on) == nodes and len(counts := set(on.values())) == 1:
        count = counts.pop()
        return f"{NUMBERS.get(count, count)} a NUMA node"
    return ", ".join(f"{count} on NUMA node {node}" for node, count in sorted(on.items()))


def _left(nodes: Sequence[NumaNode], used: set[Core]) -> str:
    free = {node.id: sum(core not in used for core in node.cores) for node in nodes}
    if not any(free.values()):
        return "no core left"
    counts = set(free.values())
    if len(counts) == 1:
        return f"{counted(counts.pop(), 'core')} left" + (" on each" if len(nodes) > 1 else "")
    return ", ".join(f"{counted(count, 'core')} left on NUMA node {node}" for node, count in free.items() if count)

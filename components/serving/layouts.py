"""The layouts that a group may have on a machine, the cheapest first: what a search goes through.

Pure. Sizes and numbers double, and the largest of each that fits is among them: what lies between two of them is seldom
another answer, and each one has to be measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from components.cluster.topology import Topology
from components.serving.placement import Misfit, Request, place
from schemas.spec import Instances


@dataclass(frozen=True, order=True)
class Layout:
    """So many instances of so many physical cores each; ordered by the cores it takes, then by the number."""

    total: int
    count: int
    cores: int

    def __str__(self) -> str:
        instances = f"{self.count} instance{'s' if self.count != 1 else ''}"
        return f"{instances} of {self.cores} core{'s' if self.cores != 1 else ''}"

    @property
    def instances(self) -> Instances:
        """As the spec says it."""
        return Instances(count=self.count, cores=self.cores)


def layouts(topology: Topology, request: Request) -> tuple[Layout, ...]:
    """The layouts of a group that fit this machine, by the cores that they take.

    Args:
        request: what the group asks for; its own layout and size do not count.
    """
    nodes = [len(node.cores) for node in topology.nodes if node.cores]
    fitting = (
        Layout(count * cores, count, cores)
        for cores in _doubling(max(nodes))
        for count in _doubling(sum(node // cores for node in nodes))
    )
    return tuple(layout for layout in sorted(fitting) if _fits(topology, request, layout))


def _fits(topology: Topology, request: Request, layout: Layout) -> bool:
    """Whether placement takes it: a quota, threads or hybrid cores may say no."""
    asked = replace(request, layout=None, cores=None, instances=layout.instances)
    try:
        place(topology, (asked,))
    except Misfit:
        return False
    return True


def _doubling(most: int) -> Iterator[int]:
    """1, 2, 4, ... up to `most`, which is the last."""
    number = 1
    while number < most:
        yield number
        number *= 2
    yield most

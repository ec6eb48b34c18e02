"""The layouts that a group may have on a machine, the cheapest first: what a search goes through.

Pure. Sizes and numbers double, and the largest of each that there is room for is among them: what lies between two of
them is seldom another answer, and each one has to be measured. No instance crosses NUMA nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from components.cluster.topology import Topology
from components.serving.placement import Misfit, Request, place
from schemas.spec import Instances
from schemas.words import counted


@dataclass(frozen=True)
class Candidate:
    """So many instances of so many physical cores each."""

    count: int
    cores: int

    def __str__(self) -> str:
        return f"{counted(self.count, 'instance')} of {counted(self.cores, 'core')}"

    @property
    def total(self) -> int:
        """The cores that it takes."""
        return self.count * self.cores

    @property
    def instances(self) -> Instances:
        """As the spec says it."""
        return Instances(count=self.count, cores=self.cores)


def layouts(topology: Topology, request: Request) -> tuple[Candidate, ...]:
    """The layouts of a group that fit this machine, by the cores that they take, then by their number of instances.

    Args:
        request: what the group asks for; its own layout and size do not count.
    """
    nodes = [len(node.cores) for node in topology.nodes if node.cores]
    allowed = _cores_allowed(topology, request)
    found = (
        Candidate(count, cores)
        for cores in _doubling(min(allowed, max(nodes)))
        for count in _doubling(min(allowed, sum(nodes)) // cores)
    )
    fitting = {one for one in found if _fits(topology, request, one)}
    return tuple(sorted(fitting, key=lambda one: (one.total, one.count)))


def _cores_allowed(topology: Topology, request: Request) -> int:
    """How many cores a quota leaves time for."""
    if topology.quota_cpus is None:
        return len(topology.cores)
    threads = max(len(core.cpus) for core in topology.cores) if request.hyperthreads else 1
    return max(1, int(topology.quota_cpus) // threads)


def _fits(topology: Topology, request: Request, candidate: Candidate) -> bool:
    """Whether placement takes it: nodes, threads, a quota or hybrid cores may say no."""
    try:
        place(topology, (replace(request, layout=None, cores=None, instances=candidate.instances),))
    except Misfit:
        return False
    return True


def _doubling(most: int) -> Iterator[int]:
    """1, 2, 4, ... up to `most`, which is the last."""
    number = 1
    while number < most:
        yield number
        number *= 2
    if most > 0:
        yield most

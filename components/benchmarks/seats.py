"""Where the load generator sits: on cores that nothing measured uses, if there are any.

Pure. Cores that no target of the benchmark uses are taken first, so that every target is asked from the same place;
else those that the target at hand leaves; else the generator shares cores with what it measures, unpinned, so that the
kernel puts it where there is room, and the result says so. A core counts as used when any of its threads is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.benchmarks.result import Target
from components.cluster.topology import Core


@dataclass(frozen=True)
class Seat:
    """CPUs to pin the load generator to, none to leave it alone; `shared` when a target runs there too."""

    cpus: tuple[int, ...]
    shared: bool


def seat(cores: Sequence[Core], target: Target, targets: Iterable[Target]) -> Seat:
    """Where to ask `target` from, one of the benchmark's `targets`, on a machine with these usable cores."""
    for measured in (tuple(targets), (target,)):
        used = {cpu for each in measured for instance in each.instances for cpu in instance.cpus}
        if free := [core.cpus[0] for core in cores if used.isdisjoint(core.cpus)]:
            return Seat(tuple(sorted(free)), shared=False)
    return Seat((), shared=True)

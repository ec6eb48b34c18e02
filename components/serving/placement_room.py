"""What of a machine is free while groups are being placed: cores, node by node with who has the rest, and CPU time.

`Room` is the one mutable thing of placement; it lives and dies inside one call of `place`. Cores leave a node from the
front of its list, and performance cores stand in front of efficiency cores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.cluster.topology import Core, NumaNode

Taken = Mapping[int, Counter[str]]


@dataclass(frozen=True)
class Budget:
    """Threads that may run: `threads` is None without a quota; `quota_cpus` is the machine's own, for messages."""

    threads: int | None
    quota_cpus: float | None

    def less(self, threads: int) -> Budget:
        """What is left of it."""
        return self if self.threads is None else Budget(max(0, self.threads - threads), self.quota_cpus)

    def split(self, parts: int) -> Budget:
        """An even part of it."""
        return self if self.threads is None else Budget(self.threads // parts, self.quota_cpus)


class Room:
    """Free cores of each NUMA node that has cores; `taken` counts who has how many of the others."""

    def __init__(
        self, nodes: Sequence[NumaNode], *, free: Iterable[Core] | None = None, taken: Taken | None = None
    ) -> None:
        self._cores = {node.id: node.cores for node in nodes if node.cores}
        # A core is known by its first CPU: a number hashes much faster than a core.
        wanted = None if free is None else {core.cpus[0] for core in free}
        self._free = {
            node: sorted((core for core in cores if wanted is None or core.cpus[0] in wanted), key=_rank)
            for node, cores in self._cores.items()
        }
        self.taken: dict[int, Counter[str]] = {node: Counter(taken[node] if taken else ()) for node in self._cores}

    def copy(self) -> Room:
        """The same room, with its own book-keeping."""
        twin = Room(())
        twin._cores = self._cores
        twin._free = {node: list(cores) for node, cores in self._free.items()}
        twin.taken = {node: Counter(counts) for node, counts in self.taken.items()}
        return twin

    def emptied(self) -> Room:
        """The same machine with nothing taken."""
        twin = Room(())
        twin._cores = self._cores
        twin._free = {node: list(cores) for node, cores in self._cores.items()}
        twin.taken = {node: Counter() for node in self._cores}
        return twin

    @property
    def nodes(self) -> tuple[int, ...]:
        """The nodes that have cores, free or not, ascending."""
        return tuple(self._cores)

    @property
    def size(self) -> int:
        """Cores of the machine, free or not."""
        return sum(map(len, self._cores.values()))

    def free(self, node: int) -> int:
        """How many cores of a node are free."""
        return len(self._free[node])

    @property
    def left(self) -> int:
        """How many cores of the machine are free."""
        return sum(map(len, self._free.values()))

    def free_cores(self) -> tuple[Core, ...]:
        """All free cores, node by node."""
        return tuple(core for cores in self._free.values() for core in cores)

    def roomiest(self) -> int:
        """The node with most free cores; the first of several."""
        return max(self._free, key=self.free)

    def capacity(self, cores: int) -> int:
        """How many instances of so many cores fit, none across nodes."""
        return sum(len(free) // cores for free in self._free.values())

    def take(self, node: int, count: int, group: str) -> tuple[Core, ...]:
        """Take cores of a node for a group."""
        free = self._free[node]
        taken = tuple(free[:count])
        del free[:count]
        self.taken[node][group] += len(taken)
        return taken

    def remove(self, cores: Iterable[Core], group: str) -> None:
        """Take exactly these cores for a group; those that are not free stay with whom they are."""
        wanted = {core.cpus[0] for core in cores}
        for node, free in self._free.items():
            kept = [core for core in free if core.cpus[0] not in wanted]
            self.taken[node][group] += len(free) - len(kept)
            self._free[node] = kept

    def shares(self, parts: int) -> list[tuple[Core, ...]]:
        """Equal shares of what is free, of every node and every kind of core; what does not divide belongs to none."""
        shares: list[list[Core]] = [[] for _ in range(parts)]
        for free in self._free.values():
            for kind in dict.fromkeys(core.kind for core in free):
                alike = [core for core in free if core.kind == kind]
                size = len(alike) // parts
                for index, share in enumerate(shares):
                    share += alike[index * size : (index + 1) * size]
        return [tuple(share) for share in shares]

    def describe(self, node: int) -> str:
        """What is free on a node and who has the rest: `6 free of 10 (4 taken by digits-latency)`."""
        size, takers = len(self._cores[node]), {group: n for group, n in self.taken[node].items() if n}
        if others := size - self.free(node) - sum(takers.values()):
            takers["the groups it shares with"] = others
        said = ", ".join(f"{count} taken by {group}" for group, count in takers.items())
        return f"{self.free(node)} free of {size}" + (f" ({said})" if said else "")


def _rank(core: Core) -> tuple[bool, tuple[int, ...]]:
    return core.kind == "efficiency", core.cpus

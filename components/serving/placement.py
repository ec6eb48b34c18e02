"""Where instances sit on a machine: a pure function from a topology and requests to cores, memory, threads and streams.

The rules, in the order in which they are worked:

1. `cores` by hand come first and are taken as they are: CPU numbers, across NUMA nodes if they say so.
2. Groups of a stated size (`instances` with `cores`) follow: those for every node first, then the largest.
3. Groups of an open size (a layout, `instances` without `cores`) divide what is left evenly, node by node. All groups
   that need not be `exclusive` count as one of them, and each of these may use the whole of that share.

An instance never crosses NUMA nodes unless it spans the machine (`instances: {count: 1}`) or its cores were given by
hand. An instance gets the first hardware thread of each of its cores, or all of them with `hyperthreads`, and one
inference thread for each. Threads stay within the CFS quota, which OpenVINO does not see; a quota of less than one CPU
still runs one thread. The same arguments give the same answer. Never reads a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.cluster.topology import Topology
from components.serving import placement_misfit as misfits
from components.serving.placement_fit import describe_fit
from components.serving.placement_layout import Seat, lay_out, seat_by_hand
from components.serving.placement_misfit import Misfit
from components.serving.placement_request import ByHand, EachNode, Fill, Request, Spread, is_open, request_of, shape_of
from components.serving.placement_room import Budget, Room

__all__ = ["Misfit", "Placed", "Placement", "Request", "place", "request_of"]

Asked = tuple[Request, EachNode | Spread | Fill]


@dataclass(frozen=True)
class Placed:
    """An instance and where it sits; `memory_node` is None where memory is not bound."""

    group: str
    index: int
    cpus: tuple[int, ...]
    memory_node: int | None
    threads: int
    streams: int

    @property
    def name(self) -> str:
        """Name of the instance, unique in the stack."""
        return f"{self.group}-{self.index}"


@dataclass(frozen=True)
class Placement:
    """All instances, group by group as requested; the first threads of unused cores; and the fit in words."""

    instances: tuple[Placed, ...]
    spare_cpus: tuple[int, ...]
    fit: tuple[str, ...]


def place(topology: Topology, requests: Sequence[Request]) -> Placement:
    """Where the instances of these groups sit.

    Raises:
        Misfit: groups that do not fit, all of them, each with by how much and with what would fit.
    """
    by_hand: list[tuple[Request, ByHand]] = []
    others: list[Asked] = []
    for request in requests:
        match shape_of(request):
            case ByHand() as hand:
                by_hand.append((request, hand))
            case shape:
                others.append((request, shape))
    work = _Work(topology)
    work.seat_by_hand(by_hand)
    exclusive = [asked for asked in others if asked[0].exclusive]
    work.seat_sized(sorted((asked for asked in exclusive if not is_open(asked[1])), key=_largest_first))
    work.divide(
        [asked for asked in exclusive if is_open(asked[1])], [asked for asked in others if not asked[0].exclusive]
    )
    if found := [work.misfits[request.group] for request in requests if request.group in work.misfits]:
        problems = tuple(problem for misfit in found for problem in misfit.problems)
        raise Misfit(problems, tuple(path for misfit in found for path in misfit.at))
    return _result(topology, requests, work.seats)


def _largest_first(asked: Asked) -> tuple[bool, int]:
    """Every node before some, then large before small; among equals the order of the spec stays."""
    _, shape = asked
    return not isinstance(shape, EachNode), -(shape.cores or 0)


class _Work:
    """What is settled so far, inside one call of `place`."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._room = Room(topology.nodes)
        quota = topology.quota_cpus
        self._budget = Budget(None if quota is None else max(1, int(quota)), quota)
        self._lent: dict[str, Seat] = {}  # By hand, and not exclusive: others of that kind may use the cores as well.
        self.seats: dict[str, list[Seat]] = {}
        self.misfits: dict[str, Misfit] = {}

    def seat_by_hand(self, hands: Sequence[tuple[Request, ByHand]]) -> None:
        """Take the CPUs that the spec names; refuse cores that two groups name and one wants alone."""
        holders: dict[int, Request] = {}
        core_of = {cpu: core for core in self._topology.cores for cpu in core.cpus}
        for request, hand in sorted(hands, key=lambda pair: not pair[0].exclusive):
            try:
                seat = seat_by_hand(request, hand.cpus, core_of, self._topology, self._budget)
                touched = {cpu for core in seat.cores for cpu in core.cpus}
                for cpu in sorted(touched & holders.keys()):
                    if request.exclusive or holders[cpu].exclusive:
                        raise misfits.core_is_shared(request, holders[cpu], core_of[cpu].cpus)
            except Misfit as misfit:
                self.misfits[request.group] = misfit
                continue
            holders.update(dict.fromkeys(touched, request))
            self._room.remove(seat.cores, request.group)
            self.seats[request.group] = [seat]
            if request.exclusive:
                self._budget = self._budget.less(seat.threads)
            else:
                self._lent[request.group] = seat

    def seat_sized(self, groups: Sequence[Asked]) -> None:
        """Take the cores of exclusive groups that say how many they want."""
        for asked in groups:
            seats = self._lay_out(asked, self._room, self._budget)
            self._budget = self._budget.less(sum(seat.threads for seat in seats))

    def divide(self, exclusive: Sequence[Asked], lenient: Sequence[Asked]) -> None:
        """Divide what is left among exclusive groups of an open size and, as one of them, all that may overlap."""
        parts = len(exclusive) + bool(lenient)
        if not parts:
            return
        shares, budget = self._room.shares(parts), self._budget.split(parts)
        nodes, taken = self._topology.nodes, self._room.taken
        for asked, share in zip(exclusive, shares, strict=False):
            self._lay_out(asked, Room(nodes, free=share, taken=taken), budget)
        common = (*shares[-1], *(core for seat in self._lent.values() for core in seat.cores))
        others = {node: Counter({g: n for g, n in c.items() if g not in self._lent}) for node, c in taken.items()}
        room = Room(nodes, free=common, taken=others)
        for asked in lenient:
            self._lay_out(asked, room.copy(), budget)

    def _lay_out(self, asked: Asked, room: Room, budget: Budget) -> list[Seat]:
        request, shape = asked
        try:
            seats = lay_out(request, shape, room, budget)
        except Misfit as misfit:
            self.misfits[request.group] = misfit
            return []
        self.seats[request.group] = seats
        return seats


def _result(topology: Topology, requests: Sequence[Request], seats: Mapping[str, Sequence[Seat]]) -> Placement:
    node_of = {cpu: node for node in topology.nodes for core in node.cores for cpu in core.cpus}
    bindable = {node.id for node in topology.nodes if node.memory_bytes}

    def memory_node(request: Request, cpus: Sequence[int]) -> int | None:
        nodes = {node_of[cpu].id for cpu in cpus}
        binds = request.bind_memory and len(bindable) > 1 and len(nodes) == 1 and nodes <= bindable
        return nodes.pop() if binds else None

    instances = tuple(
        Placed(request.group, index, seat.cpus, memory_node(request, seat.cpus), seat.threads, request.streams or 1)
        for request in requests
        for index, seat in enumerate(
            sorted(seats[request.group], key=lambda seat: (node_of[seat.cpus[0]].id, seat.cpus))
        )
    )
    used = {core for group in seats.values() for seat in group for core in seat.cores}
    spare = tuple(core.cpus[0] for core in topology.cores if core not in used)
    spare = _within_quota(topology, requests, seats, spare)
    return Placement(instances, spare, describe_fit(topology, requests, seats))


def _within_quota(
    topology: Topology, requests: Sequence[Request], seats: Mapping[str, Sequence[Seat]], spare: tuple[int, ...]
) -> tuple[int, ...]:
    """As many of the spare CPUs as the quota leaves time for while all exclusive groups and one other are busy."""
    if topology.quota_cpus is None:
        return spare
    threads = {request: sum(seat.threads for seat in seats[request.group]) for request in requests}
    busy = sum(count for request, count in threads.items() if request.exclusive)
    busy += max((count for request, count in threads.items() if not request.exclusive), default=0)
    return spare[: max(0, int(topology.quota_cpus) - busy)]

"""One group laid out in a room: which cores each of its instances gets, and how many threads.

Takes from the room what it gives, and raises `Misfit` when the shape does not fit. Knows nothing of other groups but
what the room says of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import assert_never

from components.cluster.topology import Core, Topology
from components.serving import placement_misfit as misfits
from components.serving.placement_request import EachNode, Fill, Request, Spread
from components.serving.placement_room import Budget, Room


@dataclass(frozen=True)
class Seat:
    """What one instance gets: cores, the CPUs of them that are its own, inference threads."""

    cores: tuple[Core, ...]
    cpus: tuple[int, ...]
    threads: int


def lay_out(request: Request, shape: EachNode | Spread | Fill, room: Room, budget: Budget) -> list[Seat]:
    """The instances of a group, taken from a room.

    Raises:
        Misfit: they do not fit the room or the budget.
    """
    match shape:
        case EachNode():
            pieces = _each_node(request, shape, room, budget)
        case Spread():
            pieces = _spread(request, shape, room, budget)
        case Fill():
            pieces = _fill(request, shape, room, budget)
        case _:
            assert_never(shape)
    return [_seat(request, cores, _cpus(request, cores), len(pieces), budget) for cores in pieces]


def seat_by_hand(
    request: Request, cpus: frozenset[int], core_of: Mapping[int, Core], topology: Topology, budget: Budget
) -> Seat:
    """The one instance whose CPUs the spec names; `core_of` has the core of each usable CPU.

    Raises:
        Misfit: the CPUs may not be used, or the budget is spent.
    """
    if unusable := cpus - core_of.keys():
        raise misfits.cpus_are_not_usable(request, topology, unusable)
    if budget.threads is not None and budget.threads < (needed := request.threads or 1):
        raise misfits.quota_is_too_small(request, budget, needed=needed)
    cores = tuple(dict.fromkeys(core_of[cpu] for cpu in sorted(cpus)))
    return _seat(request, cores, tuple(sorted(cpus)), 1, budget)


def _seat(request: Request, cores: Sequence[Core], cpus: tuple[int, ...], instances: int, budget: Budget) -> Seat:
    """One of so many equal instances; threads as asked, else one a core (a CPU with `hyperthreads`), within budget."""
    threads = request.threads or (len(cpus) if request.hyperthreads else len(cores))
    if threads > len(cpus):
        raise misfits.threads_are_too_many(request, threads=threads, cpus=len(cpus))
    if budget.threads is not None and not request.threads:
        threads = max(1, min(threads, budget.threads // instances))
    return Seat(tuple(cores), cpus, threads)


def _cpus(request: Request, cores: Sequence[Core]) -> tuple[int, ...]:
    return tuple(sorted(cpu for core in cores for cpu in (core.cpus if request.hyperthreads else core.cpus[:1])))


def _each_node(request: Request, shape: EachNode, room: Room, budget: Budget) -> list[tuple[Core, ...]]:
    nodes = [node for node in room.nodes if shape.strict or room.free(node)]
    if not nodes:
        raise misfits.no_core_is_left(request, room)
    if not shape.strict and budget.threads is not None:
        nodes = nodes[: max(1, budget.threads // (request.threads or 1))]
    count = len(nodes) * shape.per_node
    most = _most_cores(request, room, count, shape.cores, budget)
    sizes = {node: shape.cores or min(room.free(node) // shape.per_node, most) for node in nodes}
    for node, size in sizes.items():
        if not size or size * shape.per_node > room.free(node):
            raise misfits.node_is_full(request, room, node, per_node=shape.per_node, cores=size or 1)
    return [room.take(node, size, request.group) for node, size in sizes.items() for _ in range(shape.per_node)]


def _spread(request: Request, shape: Spread, room: Room, budget: Budget) -> list[tuple[Core, ...]]:
    most = _most_cores(request, room, shape.count, shape.cores, budget)
    if spanning := _spanning(request, shape, room, most):
        return [spanning]
    size = shape.cores or min(most, misfits.largest_for(room, shape.count))
    if not size:
        raise misfits.instances_are_too_many(request, room, count=shape.count, cores=1)
    if room.capacity(size) == 0:
        raise misfits.cores_are_too_many(request, room, cores=size)
    if room.capacity(size) < shape.count:
        raise misfits.instances_are_too_many(request, room, count=shape.count, cores=size)
    return [room.take(room.roomiest(), size, request.group) for _ in range(shape.count)]


def _spanning(request: Request, shape: Spread, room: Room, most: int) -> tuple[Core, ...]:
    """The cores of a single instance that spans the machine; none when one node will do or the machine is not free."""
    wanted = shape.cores or min(most, room.left)
    one_node_will_do = wanted <= room.free(room.roomiest())
    if shape.count > 1 or one_node_will_do or shape.cores not in (None, room.size) or wanted > room.left:
        return ()
    cores = room.free_cores()
    room.remove(cores, request.group)
    return cores


def _fill(request: Request, shape: Fill, room: Room, budget: Budget) -> list[tuple[Core, ...]]:
    most = room.free(room.roomiest())
    if not most:
        raise misfits.no_core_is_left(request, room)
    size = min(shape.cores, most, _most_cores(request, room, 1, None, budget))
    # Node by node in turn, so that a quota that ends the row early leaves the instances spread.
    rows = zip_longest(*([node] * (room.free(node) // size) for node in room.nodes))
    turns = [node for row in rows for node in row if node is not None]
    if budget.threads is not None:
        turns = turns[: max(1, budget.threads // (request.threads or size * _width(request, room)))]
    return [room.take(node, size, request.group) for node in turns]


def _most_cores(request: Request, room: Room, instances: int, cores: int | None, budget: Budget) -> int:
    """The most cores that each of so many instances may have within the budget; what is asked for is checked."""
    if budget.threads is None:
        return room.size
    width = _width(request, room)
    needed = instances * (request.threads or (cores or 1) * (width if cores else 1))
    if needed > budget.threads:
        raise misfits.quota_is_too_small(request, budget, needed=needed)
    return room.size if request.threads else max(1, budget.threads // instances // width)


def _width(request: Request, room: Room) -> int:
    """The most CPUs that a core gives to the request."""
    return max((len(core.cpus) for core in room.free_cores()), default=1) if request.hyperthreads else 1

"""What does not fit, said with by how much and with what would.

Each function makes the problem of one rule; `schemas.rules.fit` explains them. The problems carry no location: they
name the path of the field (`Misfit.at`), and whoever has the tree finds the line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from components.cluster.cpulist import format_list
from components.cluster.topology import Topology
from components.serving.placement_request import Request
from components.serving.placement_room import Budget, Room
from schemas.errors import Problem, SpecError
from schemas.words import counted


class Misfit(SpecError):
    """Groups that do not fit the machine; `at` has the path of the field to blame, one for each problem."""

    def __init__(self, problems: tuple[Problem, ...], at: tuple[str, ...]) -> None:
        super().__init__(problems)
        self.at = at


def path_of(request: Request) -> str:
    """The path of the field of a request that decides its size, as far as the spec states one."""
    if request.cores:
        return f"{request.at}.cores"
    if request.instances:
        return f"{request.at}.instances" + (".cores" if request.instances.cores else "")
    return f"{request.at}.layout" if request.layout else request.at


def node_is_full(request: Request, room: Room, node: int, *, per_node: int, cores: int) -> Misfit:
    """So many instances of so many cores do not fit a node."""
    fits = room.free(node) // per_node
    message = (
        f"{request.group} needs {_instances(per_node, cores)} on each NUMA node; node {node} has {room.describe(node)}"
    )
    alone = room.emptied().free(node) >= per_node * cores
    return _no_room(request, message, f"`cores: {fits}` fits" if fits else "", alone=alone)


def cores_are_too_many(request: Request, room: Room, *, cores: int) -> Misfit:
    """An instance is larger than what any node has free."""
    node = room.roomiest()
    most, whole = room.free(node), room.left
    offers = [f"`cores: {most}` fits"] if most else []
    if request.instances and request.instances.count == 1 and most < whole == room.size:
        offers.append(f"`cores: {whole}` spans the machine")
    message = f"{request.group} needs {counted(cores, 'core')} on one NUMA node; the largest has {room.describe(node)}"
    empty = room.emptied()
    return _no_room(request, message, ", or ".join(offers), alone=empty.free(empty.roomiest()) >= cores)


def instances_are_too_many(request: Request, room: Room, *, count: int, cores: int) -> Misfit:
    """Some instances fit, not all of them."""
    fits, smaller = room.capacity(cores), largest_for(room, count)
    offers = [f"`count: {fits}`"] * bool(fits) + [f"`cores: {smaller}`"] * bool(smaller)
    free = "; ".join(f"node {node} has {room.describe(node)}" for node in room.nodes)
    message = (
        f"{request.group} needs {_instances(count, cores)}, none across NUMA nodes; {fits or 'none'} would fit: {free}"
    )
    alone = room.emptied().capacity(cores) >= count
    return _no_room(request, message, " or ".join(offers) + " fits" if offers else "", alone=alone)


def no_core_is_left(request: Request, room: Room) -> Misfit:
    """Nothing is free for a group of an open size."""
    node = room.roomiest()
    message = f"{request.group} needs a core; the largest NUMA node has {room.describe(node)}"
    return _no_room(request, message, alone=True)


def cpus_are_not_usable(request: Request, topology: Topology, cpus: Iterable[int]) -> Misfit:
    """CPUs by hand that the machine has not, or that are off limits."""
    wanted = frozenset(cpus)
    reasons = [(w.reason, wanted & set(w.cpus)) for w in topology.withheld]
    missing = wanted.difference(*(found for _, found in reasons))
    said = [f"CPU {format_list(found)}: {WHY[reason]}" for reason, found in reasons if found]
    said += [f"CPU {format_list(missing)}: the machine has no such CPU"] if missing else []
    return _misfit(
        "NUMA011",
        request,
        f"{request.group} cannot use CPU {format_list(wanted)}",
        why="; ".join(said),
        remedy=f"usable CPUs are {format_list(topology.cpus)}; `inferstack topology` shows them",
    )


def core_is_shared(request: Request, other: Request, cpus: Iterable[int]) -> Misfit:
    """Two groups by hand want one core, and one of them wants it for itself."""
    return _misfit(
        "NUMA012",
        request,
        f"{request.group} and {other.group} are both given the core of CPU {format_list(cpus)}",
        why=f"{(request if request.exclusive else other).group} is exclusive: it shares no core with another group",
        remedy="give them different cores, or write `exclusive: false` in both",
    )


def quota_is_too_small(request: Request, budget: Budget, *, needed: int) -> Misfit:
    """More threads than CPU time."""
    allowed = budget.threads or 0
    whole = max(1, int(budget.quota_cpus or 0))
    others = f", {allowed} of them not taken by other groups" if allowed < whole else ""
    raise_it = "raise the quota (cpu.max, cpu.cfs_quota_us, the container's CPU limit)"
    return _misfit(
        "NUMA013",
        request,
        f"{request.group} needs {counted(needed, 'thread')}; the CFS quota allows {budget.quota_cpus:g} CPUs{others}",
        why="threads beyond the quota are stopped in the middle of requests",
        remedy=f"ask for {counted(allowed, 'core')} in all, or {raise_it}" if allowed else raise_it,
    )


def threads_are_too_many(request: Request, *, threads: int, cpus: int) -> Misfit:
    """More threads by hand than an instance has CPUs."""
    return _misfit(
        "NUMA014",
        request,
        f"{request.group} asks for {counted(threads, 'thread')} on {counted(cpus, 'CPU')} an instance",
        why="threads that share a CPU wait for each other",
        remedy=f"threads: {cpus}, or leave it out",
        at=f"{request.at}.threads",
    )


def largest_for(room: Room, count: int) -> int:
    """The most cores an instance may have so that so many fit; 0 when not even single cores suffice."""
    most = min(room.free(room.roomiest()), room.left // count)
    return next((cores for cores in range(most, 0, -1) if room.capacity(cores) >= count), 0)


WHY: Final[Mapping[str, str]] = {
    "offline": "switched off",
    "cpuset": "not in the cpuset of this process",
    "affinity": "not in the affinity of this process",
}


def _no_room(request: Request, message: str, fits: str = "", *, alone: bool) -> Misfit:
    """Too few free cores; `fits` says what would do, `alone` that it would fit a machine without other groups."""
    lenient = "`exclusive: false` lets groups overlap" if request.exclusive else "make the exclusive groups smaller"
    remedy = ", or ".join(filter(None, (fits, lenient if alone else ""))) or "ask for fewer or smaller instances"
    why = "an instance has whole cores of one NUMA node, and exclusive groups share none"
    return _misfit("NUMA010", request, message, why=why, remedy=remedy)


def _misfit(rule: str, request: Request, message: str, *, why: str, remedy: str, at: str = "") -> Misfit:
    return Misfit((Problem(rule, message, why=why, remedy=remedy),), (at or path_of(request),))


def _instances(count: int, cores: int) -> str:
    return counted(cores, "core") if count == 1 else f"{count} x {counted(cores, 'core')}"

"""Pods that are spread strictly over nodes which other groups share: whether one may be left without a place. Pure.

A group's pods go onto nodes that have as few of them as any; where those are full with pods of others, the next one
waits, though another node has room. The scheduler puts pods where it likes, so it is asked what it could do at worst.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.cluster.capacity import capacity_of
from components.cluster.gke_cost import node_counts
from components.cluster.machines import find_machine
from components.serving.placement_pods import PodPlan, places
from schemas.spec import GkeCluster, Serving


@dataclass(frozen=True)
class Ground:
    """Nodes of one kind: how many, how many of a group's pods each takes, and what its pods may request."""

    nodes: int
    places: int
    free_millicpus: int
    free_memory_mib: int


def is_strict(serving: Serving, plan: PodPlan) -> bool:
    """Whether a group's pods wait rather than stand unevenly on the nodes."""
    return serving.spread == "node" or (serving.spread is None and plan.alone)


def stranding(serving: Serving, plan: PodPlan, ground: Ground, others: Iterable[tuple[Serving, PodPlan]]) -> str:
    """What a plan says of a group of which a pod may find no place; empty where each finds one however others stand."""
    if not is_strict(serving, plan) or ground.nodes < 2:
        return ""
    full = _full_at_worst(plan, ground, others)
    if ground.nodes - full >= min(plan.replicas, ground.nodes):
        return ""
    return (
        f"{plan.group}: its pods are spread strictly over {ground.nodes} nodes, of which other groups may fill {full}: "
        "one may then wait though there is room; `spread: none` lets it share a node"
    )


def stranded_in_pools(cluster: GkeCluster, groups: Sequence[Serving], plans: Mapping[str, PodPlan]) -> tuple[str, ...]:
    """The same of all groups on the pools of GKE, grown as far as they may."""
    found = []
    for serving in groups:
        plan = plans[serving.name]
        machine = find_machine(plan.pool.machine_type) if plan.pool else None
        if plan.pool is None or machine is None:
            continue
        capacity = capacity_of(machine, plan.pool)
        nodes = node_counts(cluster, plan.pool)[1]
        slots = max(1, places(serving, capacity, plan.cores))
        ground = Ground(nodes, slots, capacity.free_millicpus, capacity.free_memory_mib)
        others = [(one, plans[one.name]) for one in groups if one != serving and plans[one.name].pool == plan.pool]
        found.append(stranding(serving, plan, ground, others))
    return tuple(note for note in found if note)


def _full_at_worst(plan: PodPlan, ground: Ground, others: Iterable[tuple[Serving, PodPlan]]) -> int:
    """How many nodes the pods of other groups may fill, in CPUs or memory, so that none of the group's finds room."""
    others = tuple(others)
    cpus = ground.free_millicpus - plan.millicpus + 1
    memory = ground.free_memory_mib - plan.pod_memory_mib + 1
    return max(
        _full_of([(serving, other, math.ceil(cpus / other.millicpus)) for serving, other in others], ground),
        _full_of([(serving, other, math.ceil(memory / other.pod_memory_mib)) for serving, other in others], ground),
    )


def _full_of(others: Sequence[tuple[Serving, PodPlan, int]], ground: Ground) -> int:
    """How many nodes are full at worst, where so many pods of each group would fill one by themselves."""
    filled, of_one = 0.0, 0.0
    for serving, other, pods in others:
        share = 1 / max(1, min(pods, ground.places) if other.exclusive else pods)
        filled += other.replicas * share
        most = math.ceil(other.replicas / ground.nodes) if is_strict(serving, other) else other.replicas
        of_one += most * share
    return min(ground.nodes, math.floor(filled + 1e-9)) if of_one >= 1 - 1e-9 else 0

"""Serving groups as pods on the nodes of a GKE pool: whole cores, how many a node, and the fit in words. Pure.

Nobody names cores here: kubelet gives a Guaranteed pod with whole CPUs cores of its own (static CPU manager) on one
NUMA node (topology manager), but never says which node. So all pods of a group are equal and have to fit the smallest
NUMA node, which is the first: kubelet keeps CPUs of it for itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from components.cluster.capacity import NodeCapacity, capacity_of
from components.cluster.gke_cost import node_counts
from components.cluster.machines import MachineType, find_machine
from components.serving.placement_misfit import Misfit, path_of
from components.serving.placement_request import ByHand, EachNode, Fill, Spread, request_of, shape_of
from schemas.errors import Problem
from schemas.spec import GkeCluster, Instances, NodePool, Serving

# The spec has no field for memory yet; OVMS with a model of some 100 MB stays under 1 GiB, and even the highcpu types
# have a GiB a core.
MEMORY_MIB_PER_CORE: Final = 1024
LEAST_MEMORY_MIB: Final = 2048
NUMBERS: Final = {1: "one", 2: "two", 3: "three", 4: "four"}


@dataclass(frozen=True)
class PodPlan:
    """The equal pods of a group: CPUs and memory of each (requests and limits alike), threads and streams inside.

    `pool` is None on a cluster whose nodes are somebody else's.
    """

    group: str
    pool: NodePool | None
    replicas: int
    per_node: int
    cores: int
    cpus: int
    memory_mib: int
    threads: int
    streams: int
    fit: tuple[str, ...]


def pool_of(cluster: GkeCluster, serving: Serving) -> NodePool | None:
    """The pool a group runs on: the one it names, or the first."""
    return next((pool for pool in cluster.node_pools if serving.node_pool in (None, pool.name)), None)


def plan_pods(cluster: GkeCluster, serving: Serving) -> PodPlan:
    """The pods of a group on its pool; one a node, not fitted, where the size of the machine is not known.

    Raises:
        Misfit: they do not fit a node, or there is no such pool.
    """
    if (pool := pool_of(cluster, serving)) is None:
        raise _misfit(serving, f"{serving.name} has no node pool to run on", "add one to `cluster.nodePools`")
    nodes = max(1, node_counts(cluster, pool)[0])
    if (machine := find_machine(pool.machine_type)) is None:
        cores = (serving.instances and serving.instances.cores) or 1
        note = f"{serving.name}: how large {pool.machine_type} is, is not known here, so pods are not fitted"
        return _plan(serving, pool, None, per_node=1, cores=cores, count=nodes, fit=(note,))
    capacity = capacity_of(machine, pool)
    per_node, cores, count = _cut(serving, pool, capacity, nodes)
    fit = tuple(_fit(serving, pool, machine, capacity, per_node=per_node, cores=cores))
    return _plan(serving, pool, capacity, per_node=per_node, cores=cores, count=count, fit=fit)


def plan_pods_anywhere(serving: Serving) -> PodPlan:
    """The pods of a group on a cluster whose nodes are not known: as the spec says, not fitted; two CPUs a core."""
    asked = serving.instances or Instances()
    note = f"{serving.name}: the nodes of an existing cluster are not read, so pods are not fitted"
    count = asked.count or asked.per_numa_node or 1
    return _plan(serving, None, None, per_node=1, cores=asked.cores or 1, count=count, fit=(note,))


def _plan(
    serving: Serving,
    pool: NodePool | None,
    capacity: NodeCapacity | None,
    *,
    per_node: int,
    cores: int,
    count: int,
    fit: tuple[str, ...],
) -> PodPlan:
    width = capacity.cpus_per_core if capacity else (pool and pool.threads_per_core) or 2
    memory_mib = max(LEAST_MEMORY_MIB, MEMORY_MIB_PER_CORE * cores)
    return PodPlan(
        group=serving.name,
        pool=pool,
        replicas=serving.replicas or count,
        per_node=per_node,
        cores=cores,
        cpus=cores * width,
        memory_mib=min(memory_mib, capacity.free_memory_mib // per_node) if capacity else memory_mib,
        threads=serving.threads or cores,
        streams=serving.streams or 1,
        fit=fit,
    )


def _cut(serving: Serving, pool: NodePool, capacity: NodeCapacity, nodes: int) -> tuple[int, int, int]:
    """Pods on each node, cores of each pod, pods in all."""
    shape = shape_of(request_of(serving))
    match shape:
        case ByHand():
            remedy = "write `instances: {perNumaNode: 1, cores: N}`, or leave it to the layout"
            raise _misfit(
                serving, f"{serving.name} names CPUs, but on a cluster kubelet chooses them", remedy, "NUMA011"
            )
        case EachNode():
            per_node = shape.per_node * capacity.numa_nodes
            cores = shape.cores or _largest(capacity, per_node)
            count = per_node * nodes
        case Spread():
            per_node = math.ceil(shape.count / nodes)
            cores = shape.cores or _largest(capacity, per_node)
            count = shape.count
        case Fill():
            cores = min(shape.cores, max(1, capacity.whole_cores_on_first))
            per_node = max(1, _most(capacity, cores))
            count = per_node * nodes
        case _:
            assert_never(shape)
    if not cores or per_node > _most(capacity, cores):
        raise _does_not_fit(serving, pool, capacity, per_node=per_node, cores=cores)
    return per_node, cores, count


def _most(capacity: NodeCapacity, cores: int) -> int:
    """How many pods of so many cores a node takes, none across NUMA nodes."""
    aligned = capacity.whole_cores_on_first // cores + (capacity.numa_nodes - 1) * (capacity.cores_per_node // cores)
    return min(aligned, capacity.free_millicpus // (1000 * cores * capacity.cpus_per_core))


def _largest(capacity: NodeCapacity, pods: int) -> int:
    """The most cores that each of so many pods on a node may have; 0 when they do not fit at all."""
    return next((cores for cores in range(capacity.cores_per_node, 0, -1) if _most(capacity, cores) >= pods), 0)


def _fit(
    serving: Serving, pool: NodePool, machine: MachineType, capacity: NodeCapacity, *, per_node: int, cores: int
) -> list[str]:
    threads = " with one thread a core" if capacity.cpus_per_core == 1 < machine.threads_per_core else ""
    head = f"{serving.name}: {per_node} x {_many(cores, 'core')} on {machine.name}{threads}"
    each, rest = divmod(per_node, capacity.numa_nodes)
    left = capacity.cores - per_node * cores
    if capacity.numa_nodes == 1:
        lines = [f"{head}: {_many(left, 'core')} left"]
    elif rest:
        lines = [f"{head}: on {capacity.numa_nodes} NUMA nodes, {_many(left, 'core')} left"]
    else:
        on_each = capacity.cores_per_node - each * cores
        lines = [f"{head}: {NUMBERS.get(each, each)} a NUMA node, {_many(on_each, 'core')} left on each"]
    if capacity.kubelet_cpus:
        lines.append(f"{serving.name}: kubelet keeps {_many(capacity.kubelet_cpus, 'CPU')} of NUMA node 0 for itself")
    return lines + [f"{serving.name}: {warning}" for warning in _warnings(pool, machine, capacity)]


def _warnings(pool: NodePool, machine: MachineType, capacity: NodeCapacity) -> list[str]:
    """What keeps the pods from having cores of one NUMA node to themselves, or the figures from being certain."""
    found = []
    if pool.cpu_manager != "static":
        found.append(f"pool {pool.name} gives no pod cores of its own; `cpuManager: static` does")
    elif capacity.numa_nodes > 1 and pool.topology_manager != "single-numa-node":
        found.append(
            f"pods may straddle NUMA nodes; `topologyManager: single-numa-node` on pool {pool.name} prevents it"
        )
    unknown = [name for name, count in machine.other_numa.items() if count is None]
    if unknown and pool.min_cpu_platform in (None, machine.platforms[0], *unknown):
        found.append(
            f"NUMA nodes are those of {machine.platforms[0]}; nodes may be {unknown[0]}, of which none was read"
        )
    return found


def _does_not_fit(serving: Serving, pool: NodePool, capacity: NodeCapacity, *, per_node: int, cores: int) -> Misfit:
    fits = _largest(capacity, per_node)
    kept = f", of which kubelet keeps {_many(capacity.kubelet_cpus, 'CPU')}" if capacity.kubelet_cpus else ""
    wanted = f"{per_node} x {_many(max(1, cores), 'core')}" if per_node > 1 else _many(max(1, cores), "core")
    return _misfit(
        serving,
        f"{serving.name} needs {wanted} on each {pool.machine_type}; it has {capacity.numa_nodes} x "
        f"{_many(capacity.cores_per_node, 'core')}{kept}",
        f"`cores: {fits}` fits" if fits else "use fewer instances or a larger machine type",
    )


def _misfit(serving: Serving, message: str, remedy: str, rule: str = "NUMA010") -> Misfit:
    why = "a pod has whole cores of one NUMA node, beside what kubelet and the system's pods need"
    return Misfit((Problem(rule, message, why=why, remedy=remedy),), (path_of(request_of(serving)),))


def crowded_pools(plans: Sequence[PodPlan], cluster: GkeCluster) -> tuple[str, ...]:
    """Pools whose groups need more nodes together than the pool may have."""
    notes = []
    for pool in cluster.node_pools:
        groups = [plan for plan in plans if plan.pool == pool]
        needed = sum(math.ceil(plan.replicas / plan.per_node) for plan in groups)
        most = node_counts(cluster, pool)[1]
        if len(groups) > 1 and needed > most:
            names = ", ".join(plan.group for plan in groups)
            notes.append(f"pool {pool.name}: {names} need {needed} nodes together, and it has at most {most}")
    return tuple(notes)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"

"""Serving groups as pods on the nodes of a cluster: whole cores, how many a node, and the fit in words. Pure.

Nobody names cores here: kubelet gives a Guaranteed pod with whole CPUs cores of its own (static CPU manager) on one
NUMA node (topology manager), but never says which node. So all pods of a group are equal and have to fit the smallest
NUMA node, which is the first: kubelet keeps CPUs of it for itself. What is here is for the pools of GKE;
`placement_nodes.py` does the same for nodes of others.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

from components.cluster.capacity import NodeCapacity, capacity_of
from components.cluster.gke_cost import node_counts
from components.cluster.machines import MachineType, find_machine
from components.serving.placement_misfit import Misfit, path_of
from components.serving.placement_request import ByHand, EachNode, Fill, Spread, request_of, shape_of
from schemas.errors import Problem
from schemas.spec import GkeCluster, NodePool, Serving
from schemas.words import counted

# Unless the spec says: OVMS with a model of some 100 MB stays under 1 GiB, and the highcpu types have 1 GiB a core.
MEMORY_MIB_PER_CORE: Final = 1024
LEAST_MEMORY_MIB: Final = 2048
# What a pod that shares CPUs requests of each: four groups that are measured one after the other find room together.
SHARED_MILLICPUS: Final = 250
# What Seldon's executor gets in each pod beside the server: its own defaults, of which none is a whole CPU.
EXECUTOR_MILLICPUS: Final = 500
EXECUTOR_MEMORY_MIB: Final = 512
NUMBERS: Final = {1: "one", 2: "two", 3: "three", 4: "four"}


@dataclass(frozen=True)
class PodPlan:
    """The equal pods of a group: CPUs and memory of each, threads and streams inside.

    `pool` is None on a cluster whose nodes are somebody else's. `exclusive` pods request whole CPUs and are limited to
    them; `pinned` says that nodes are known to give such pods CPUs of their own. `alone`: no second pod of the group
    fits the same NUMA node. `surge`: there is room for one pod more, so that a new one starts before an old one stops.
    `executor`: Seldon's stands beside the server in each pod. `autoscaled_to`: the most pods that an autoscaler makes.
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
    exclusive: bool = True
    pinned: bool = False
    alone: bool = False
    surge: bool = False
    executor: bool = False
    autoscaled_to: int = 0

    @property
    def most_replicas(self) -> int:
        """The most pods that there may be."""
        return self.autoscaled_to or self.replicas

    @property
    def server_millicpus(self) -> int:
        """What the server requests, in thousandths of a CPU."""
        return self.cpus * (1000 if self.exclusive else SHARED_MILLICPUS)

    @property
    def millicpus(self) -> int:
        """What a pod requests, in thousandths of a CPU."""
        return self.server_millicpus + EXECUTOR_MILLICPUS * self.executor

    @property
    def pod_memory_mib(self) -> int:
        """The memory of a pod; `memory_mib` is the server's."""
        return self.memory_mib + EXECUTOR_MEMORY_MIB * self.executor


def pool_of(cluster: GkeCluster, serving: Serving) -> NodePool | None:
    """The pool a group runs on: the one it names, or the first."""
    return next((pool for pool in cluster.node_pools if serving.node_pool in (None, pool.name)), None)


def plan_groups(cluster: GkeCluster, groups: Sequence[Serving]) -> dict[str, PodPlan]:
    """The pods of all groups of a stack: each has room for a pod more, while updating, beside all the others.

    Raises:
        Misfit: those of a group do not fit a node, or it has no pool.
    """
    alone = [plan_pods(cluster, serving) for serving in groups]
    asked = Counter[str]()
    for plan in alone:
        asked[plan.pool.name if plan.pool else ""] += plan.replicas * plan.millicpus
    return {
        serving.name: plan_pods(
            cluster, serving, asked[plan.pool.name if plan.pool else ""] - plan.replicas * plan.millicpus
        )
        for serving, plan in zip(groups, alone, strict=True)
    }


def plan_pods(cluster: GkeCluster, serving: Serving, asked_by_others: int = 0) -> PodPlan:
    """The pods of a group on its pool; one a node, not fitted, where the size of the machine is not known.

    Args:
        asked_by_others: what other groups on the pool request together, in thousandths of a CPU.

    Raises:
        Misfit: they do not fit a node, or there is no such pool.
    """
    if (pool := pool_of(cluster, serving)) is None:
        raise _misfit(serving, f"{serving.name} has no node pool to run on", "add one to `cluster.nodePools`")
    fewest, most = node_counts(cluster, pool)
    nodes = max(1, fewest)
    if (machine := find_machine(pool.machine_type)) is None:
        cores = (serving.instances and serving.instances.cores) or 1
        note = f"{serving.name}: how large {pool.machine_type} is, is not known here, so pods are not fitted"
        plan = made(serving, pool, width=pool.threads_per_core or 2, per_node=1, cores=cores, count=nodes, fit=(note,))
        return replace(plan, surge=serving.rolling == "surge")
    capacity = capacity_of(machine, pool)
    per_node, cores, count = _cut(serving, pool, capacity, nodes)
    fit = tuple(_fit(serving, pool, machine, capacity, per_node=per_node, cores=cores))
    plan = made(serving, pool, width=capacity.cpus_per_core, per_node=per_node, cores=cores, count=count, fit=fit)
    room = places(serving, capacity, cores) if plan.exclusive else capacity.free_millicpus // plan.millicpus
    plan = _on_so_many(serving, plan, room=room, nodes=nodes, most=most)
    # A node more takes minutes to come: it is worth them only where nobody would answer meanwhile.
    surge = room * nodes > plan.replicas or (plan.replicas == 1 and room * most > 1)
    surge = surge and capacity.free_millicpus * most >= asked_by_others + (plan.replicas + 1) * plan.millicpus
    return rolled(
        serving,
        replace(
            plan,
            memory_mib=serving_memory_mib(serving)
            or min(plan.memory_mib, capacity.free_memory_mib // per_node - (plan.pod_memory_mib - plan.memory_mib)),
            pinned=plan.exclusive and pool.cpu_manager == "static",
            alone=2 * cores > capacity.cores_per_node,
        ),
        room=surge,
    )


def _on_so_many(serving: Serving, plan: PodPlan, *, room: int, nodes: int, most: int) -> PodPlan:
    """The plan, with what it asks of the pool's autoscaler; `room` is how many of its pods a node takes.

    Raises:
        Misfit: the pool is too small even with the most nodes that it may have.
    """
    asked = plan.most_replicas
    needed, pool = math.ceil(asked / room), plan.pool.name if plan.pool else ""
    key = "autoscale.max" if serving.autoscale else "replicas"
    if needed > most:
        problem = Problem(
            "NUMA010",
            f"{serving.name} may have {counted(asked, 'pod')}; pool {pool} has room for {room * most}",
            why=f"a node takes {room} of them, and the pool has at most {counted(most, 'node')}; the others would wait",
            remedy=f"`{key}: {room * most}` fits, or let the pool have {needed} nodes",
        )
        raise Misfit((problem,), (f"{serving.at}.{key}",))
    if needed <= nodes:
        return plan
    pods = f"{'up to ' if serving.autoscale else ''}{counted(asked, 'pod')}"
    note = f"{pods} need {needed} nodes: pool {pool} begins with {nodes}, and GKE adds the others"
    return replace(plan, fit=(*plan.fit, f"{serving.name}: {note}"))


def made(
    serving: Serving,
    pool: NodePool | None,
    *,
    width: int,
    per_node: int,
    cores: int,
    count: int,
    fit: tuple[str, ...],
) -> PodPlan:
    """The pods of a group, `width` CPUs a core; how they are replaced is not settled."""
    cpus = cores * width
    return PodPlan(
        group=serving.name,
        pool=pool,
        replicas=serving.autoscale.min if serving.autoscale else serving.replicas or count,
        per_node=per_node,
        cores=cores,
        cpus=cpus,
        memory_mib=serving_memory_mib(serving) or max(LEAST_MEMORY_MIB, MEMORY_MIB_PER_CORE * cores),
        threads=serving.threads or (cpus if serving.hyperthreads else cores),
        streams=serving.streams or 1,
        fit=fit,
        exclusive=serving.exclusive,
        executor=has_executor(serving),
        autoscaled_to=serving.autoscale.max if serving.autoscale else 0,
    )


def has_executor(serving: Serving) -> bool:
    """Whether Seldon's executor stands before the group's server."""
    return serving.platform == "seldon" and serving.executor is not False


def serving_memory_mib(serving: Serving) -> int | None:
    """What the spec says of an instance's memory."""
    return None if serving.memory_bytes is None else max(1, serving.memory_bytes // 2**20)


def rolled(serving: Serving, plan: PodPlan, *, room: bool, short: str = "no node has room for a pod more") -> PodPlan:
    """The plan with how its pods are replaced: as the spec says, else the new one first where there is `room`.

    `short` says what there is no room in.
    """
    surge = room if serving.rolling is None else serving.rolling == "surge"
    if not room and serving.platform == "seldon":
        note = f"{short}: Seldon Core, which starts the new one first, waits for it"
    elif serving.rolling == "surge" and not room:
        note = f"{short}: `rolling: surge` waits for it"
    elif surge or plan.replicas > 1:
        return replace(plan, surge=surge)
    else:
        reason = "" if room else "there is no room for a second; "
        note = f"{reason}its only pod stops before the new one starts, and requests fail meanwhile"
    return replace(plan, surge=surge, fit=(*plan.fit, f"{serving.name}: {note}"))


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
            cores = shape.cores or _largest(serving, capacity, per_node)
            count = per_node * nodes
        case Spread():
            per_node = math.ceil(shape.count / nodes)
            cores = shape.cores or _largest(serving, capacity, per_node)
            count = shape.count
        case Fill():
            cores = min(shape.cores, max(1, capacity.whole_cores_on_first))
            per_node = max(1, places(serving, capacity, cores))
            count = per_node * nodes
        case _:
            assert_never(shape)
    if not cores or per_node > places(serving, capacity, cores):
        raise _does_not_fit(serving, pool, capacity, per_node=per_node, cores=cores)
    return per_node, cores, count


def places(serving: Serving, capacity: NodeCapacity, cores: int) -> int:
    """How many pods of so many cores a node takes, none across NUMA nodes."""
    aligned = capacity.whole_cores_on_first // cores + (capacity.numa_nodes - 1) * (capacity.cores_per_node // cores)
    beside = EXECUTOR_MILLICPUS * has_executor(serving)
    return min(aligned, capacity.free_millicpus // (1000 * cores * capacity.cpus_per_core + beside))


def _largest(serving: Serving, capacity: NodeCapacity, pods: int) -> int:
    """The most cores that each of so many pods on a node may have; 0 when they do not fit at all."""
    return next(
        (cores for cores in range(capacity.cores_per_node, 0, -1) if places(serving, capacity, cores) >= pods), 0
    )


def _fit(
    serving: Serving, pool: NodePool, machine: MachineType, capacity: NodeCapacity, *, per_node: int, cores: int
) -> list[str]:
    threads = " with one thread a core" if capacity.cpus_per_core == 1 < machine.threads_per_core else ""
    head = f"{serving.name}: {per_node} x {counted(cores, 'core')} on {machine.name}{threads}"
    each, rest = divmod(per_node, capacity.numa_nodes)
    left = capacity.cores - per_node * cores
    if capacity.numa_nodes == 1:
        lines = [f"{head}: {counted(left, 'core')} left"]
    elif rest:
        lines = [f"{head}: on {capacity.numa_nodes} NUMA nodes, {counted(left, 'core')} left"]
    else:
        on_each = capacity.cores_per_node - each * cores
        lines = [f"{head}: {NUMBERS.get(each, each)} a NUMA node, {counted(on_each, 'core')} left on each"]
    if capacity.kubelet_cpus:
        lines.append(f"{serving.name}: kubelet keeps {counted(capacity.kubelet_cpus, 'CPU')} of NUMA node 0 for itself")
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
    fits = _largest(serving, capacity, per_node)
    kept = f", of which kubelet keeps {counted(capacity.kubelet_cpus, 'CPU')}" if capacity.kubelet_cpus else ""
    wanted = f"{per_node} x {counted(max(1, cores), 'core')}" if per_node > 1 else counted(max(1, cores), "core")
    return _misfit(
        serving,
        f"{serving.name} needs {wanted} on each {pool.machine_type}; it has {capacity.numa_nodes} x "
        f"{counted(capacity.cores_per_node, 'core')}{kept}",
        f"`cores: {fits}` fits" if fits else "use fewer instances or a larger machine type",
    )


def _misfit(serving: Serving, message: str, remedy: str, rule: str = "NUMA010") -> Misfit:
    why = "a pod has whole cores of one NUMA node, beside what kubelet and the system's pods need"
    return Misfit((Problem(rule, message, why=why, remedy=remedy),), (path_of(request_of(serving)),))


def crowded_pools(plans: Sequence[PodPlan], cluster: GkeCluster) -> tuple[str, ...]:
    """Pools whose groups may need more nodes together than the pool may have."""
    notes = []
    for pool in cluster.node_pools:
        groups = [plan for plan in plans if plan.pool == pool]
        needed = sum(math.ceil(plan.most_replicas / plan.per_node) for plan in groups)
        most = node_counts(cluster, pool)[1]
        if len(groups) > 1 and needed > most:  # one alone is refused
            names = ", ".join(plan.group for plan in groups)
            notes.append(f"pool {pool.name}: {names} need {needed} nodes together, and it has at most {most}")
    return tuple(notes)

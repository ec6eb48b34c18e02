"""Serving groups as pods on nodes that somebody else has made: as the spec says, checked against the nodes. Pure.

Everything follows from the spec, and from what of the nodes does not change from day to day: a plan must not change
because a neighbour came or went. What neighbours have taken is told, no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from components.cluster.nodes import ClusterFacts, Node
from components.serving.placement_misfit import Misfit, path_of
from components.serving.placement_pods import PodPlan, made, rolled
from components.serving.placement_request import request_of
from components.serving.placement_spread import Ground, stranding
from schemas.errors import Problem
from schemas.spec import Instances, KubernetesCluster, Serving, Taint
from schemas.words import counted

HARD: Final = ("NoSchedule", "NoExecute")
# The kind that a cluster serves once something measures what pods use.
MEASURED: Final = "pods.metrics.k8s.io"


def plan_pods_anywhere(
    serving: Serving,
    cluster: KubernetesCluster | None = None,
    facts: ClusterFacts | None = None,
    beside: Sequence[Serving] = (),
) -> PodPlan:
    """The pods of a group on a cluster that exists; not fitted where its nodes were not read.

    Args:
        beside: all groups of the stack, which may leave each other no room.

    Raises:
        Misfit: CPUs are named, or no node could ever run such a pod.
    """
    if serving.cores is not None:
        remedy = "write `instances: {count: 1, cores: N}`"
        raise _misfit(serving, f"{serving.name} names CPUs, but on a cluster kubelet chooses them", remedy, "NUMA011")
    nodes = usable(serving, facts.nodes) if facts else ()
    plan = _sized(serving, cluster, nodes)
    if facts is None:
        note = f"{serving.name}: the nodes of this cluster were not read, so pods are not fitted"
        return replace(plan, surge=serving.rolling != "replace", fit=(note,))
    if not nodes:
        remedy = "set `nodeSelector` and `tolerations` of the group for nodes that are ready"
        raise _misfit(serving, f"{serving.name} has no node to run on, of {len(facts.nodes)}", remedy, "NUMA010")
    others = [
        (one, replace(sized := _sized(one, cluster, nodes), alone=_fills(sized, nodes)))
        for one in beside
        if one.name != serving.name and usable(one, facts.nodes) == nodes
    ]
    found = _fitted(serving, plan, nodes, sum(one.replicas * one.millicpus for _, one in others))
    if note := stranding(serving, found, _ground(found, nodes), others):
        found = replace(found, fit=(*found.fit, note))
    if serving.autoscale is None or serving.autoscale.metric == "requests" or MEASURED in facts.kinds:
        return found
    note = (
        f"{serving.name}: autoscaling needs metrics of pods, which this cluster has not yet (extension metrics-server)"
    )
    return replace(found, fit=(*found.fit, note))


def _sized(serving: Serving, cluster: KubernetesCluster | None, nodes: tuple[Node, ...]) -> PodPlan:
    """Number and size of a group's pods; nothing is fitted."""
    asked = serving.instances or Instances()
    width = max([node.threads_per_core or 1 for node in nodes] or [1])
    if cluster is not None and cluster.threads_per_core is not None:
        width = cluster.threads_per_core
    numa_nodes = max(1, sum(len(node.numa_cpus) or 1 for node in nodes))
    count = asked.count or (asked.per_numa_node or 1) * numa_nodes
    return made(serving, None, width=width, per_node=1, cores=asked.cores or 1, count=count, fit=())


def usable(serving: Serving, nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes on which a group's pods may be put: ready, labelled as it asks, of no taint that it does not tolerate.

    Nodes with GPUs are left to those who need them, unless the group selects nodes itself.
    """
    wanted = serving.node_selector or {}
    return tuple(
        node
        for node in nodes
        if node.usable
        and wanted.items() <= node.labels.items()
        and all(_tolerated(taint, serving.tolerations) for taint in node.taints if taint.effect in HARD)
        and (wanted or not node.gpus)
    )


def _tolerated(taint: Taint, tolerations: Iterable[Taint]) -> bool:
    return any(t.key == taint.key and t.effect == taint.effect and t.value in ("", taint.value) for t in tolerations)


def _fitted(serving: Serving, plan: PodPlan, nodes: tuple[Node, ...], asked_by_others: int) -> PodPlan:
    """The plan against the nodes: what could never fit is refused, what may not fit now or is not pinned is told.

    Args:
        asked_by_others: what the other groups of the stack request together, in thousandths of a CPU.
    """
    slots = [_slots(plan, node, node.free_millicpus, node.free_memory_mib) for node in nodes]
    if not any(slots):
        raise _too_large(serving, plan, nodes)
    left = sum(
        _slots(plan, node, node.free_millicpus - node.taken_millicpus, node.free_memory_mib - node.taken_memory_mib)
        for node in nodes
    )
    pinned = plan.exclusive and all(node.kubelet is not None and node.kubelet.pins for node in nodes)
    where = f"{len(nodes)} nodes" if len(nodes) > 1 else f"node {nodes[0].name}"
    cpus = f" ({plan.cpus} CPUs)" if plan.cpus > plan.cores else ""
    size = f"{plan.replicas} x {counted(plan.cores, 'core')}{cpus}"
    lines = [f"{size} on {where}: room for {sum(slots)}", *_warnings(plan, nodes, left)]
    found = replace(
        plan,
        per_node=max(slots),
        pinned=pinned,
        alone=_fills(plan, nodes),
        fit=tuple(f"{plan.group}: {line}" for line in lines),
    )
    free = sum(node.free_millicpus for node in nodes) - asked_by_others - plan.replicas * plan.millicpus
    if free < 0 < asked_by_others:
        note = f"{plan.group}: all groups of the stack together ask for more CPUs than its nodes have"
        found = replace(found, fit=(*found.fit, note))
    return rolled(serving, found, room=sum(slots) > plan.replicas and free >= plan.millicpus)


def _fills(plan: PodPlan, nodes: tuple[Node, ...]) -> bool:
    """Whether no NUMA node takes a second pod."""
    return 2 * plan.cpus > max(max(node.numa_cpus or (node.cpus,)) for node in nodes)


def _ground(plan: PodPlan, nodes: tuple[Node, ...]) -> Ground:
    """The nodes that take such a pod, each as the smallest of them: it is the soonest full."""
    found = [(_slots(plan, node, node.free_millicpus, node.free_memory_mib), node) for node in nodes]
    taken = [(slots, node) for slots, node in found if slots]
    return Ground(
        nodes=len(taken),
        places=min(slots for slots, _ in taken),
        free_millicpus=min(node.free_millicpus for _, node in taken),
        free_memory_mib=min(node.free_memory_mib for _, node in taken),
    )


def _slots(plan: PodPlan, node: Node, millicpus: int, memory_mib: int) -> int:
    """How many of these pods a node takes, none across NUMA nodes where they are known."""
    by_numa = [cpus // plan.cpus for cpus in node.numa_cpus] if plan.exclusive else []
    most = min(millicpus // plan.millicpus, memory_mib // plan.pod_memory_mib)
    return max(0, min(most, sum(by_numa)) if by_numa else most)


def _warnings(plan: PodPlan, nodes: tuple[Node, ...], left: int) -> list[str]:
    found = []
    if left < plan.replicas:
        found.append(f"pods of others leave room for {left} only at the moment")
    if not plan.exclusive:
        found.append("its pods share CPUs (`exclusive: false`)")
        return found
    if unread := [node.name for node in nodes if node.kubelet is None]:
        found.append(f"whether {_names(unread)} gives pods CPUs of their own could not be read (`nodes/proxy`)")
    if loose := [node.name for node in nodes if node.kubelet is not None and not node.kubelet.pins]:
        found.append(f"not pinned: the CPU manager of {_names(loose)} is not `static`")
    astride = [
        n.name for n in nodes if n.kubelet and len(n.numa_cpus) > 1 and n.kubelet.topology_manager != "single-numa-node"
    ]
    if astride:
        found.append(f"pods may straddle NUMA nodes: the topology manager of {_names(astride)} allows it")
    return found


def _too_large(serving: Serving, plan: PodPlan, nodes: tuple[Node, ...]) -> Misfit:
    largest = max(nodes, key=lambda node: (node.free_millicpus, node.free_memory_mib))
    fits = max(largest.numa_cpus or (largest.free_millicpus // 1000,)) * plan.cores // plan.cpus
    message = (
        f"{serving.name} needs {counted(plan.cpus, 'CPU')} and {plan.memory_mib} MiB a pod; {largest.name}, the "
        f"largest of its nodes, has {largest.free_millicpus / 1000:g} CPUs and {largest.free_memory_mib} MiB for pods"
    )
    few = 0 < fits < plan.cores
    remedy = f"`cores: {fits}` fits" if few else "ask for less `memory` or fewer cores, or select larger nodes"
    return _misfit(serving, message, remedy, "NUMA010")


def _misfit(serving: Serving, message: str, remedy: str, rule: str) -> Misfit:
    why = "a pod has its CPUs and its memory from one node, beside what kubelet keeps for the system"
    return Misfit((Problem(rule, message, why=why, remedy=remedy),), (path_of(request_of(serving)),))


def _names(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more nodes"

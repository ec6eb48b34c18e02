"""Whether a pod has CPUs of its own, as seen from inside it, and if not, what broke the pinning. Pure.

The kubelet gives a container CPUs of its own only under conditions that are easy to lose unnoticed: every container of
the pod, init containers and injected ones among them, must request exactly its limits (QoS class Guaranteed), the
serving one in whole CPUs, on a node with the static CPU manager. Nothing fails where one is not met; the pod runs on
shared CPUs, only slower. So the CPUs that the process may really use are held against those that were asked for.

Source: https://kubernetes.io/docs/tasks/administer-cluster/cpu-management-policies/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from components.cluster.cpulist import format_list
from components.cluster.nodes import Kubelet

BOUND: Final = 0.9
"""Share of a process's memory on its NUMA nodes from which on it lies there: some pages are shared with others."""

OURS: Final = frozenset({"fetch", "check"})
"""The init containers that bring a model into a pod of ours."""


@dataclass(frozen=True)
class ContainerFacts:
    """A container as the pod states it; quantities in thousandths of a CPU and MiB, None where none is stated."""

    name: str
    init: bool
    cpu_request: int | None
    cpu_limit: int | None
    memory_request_mib: int | None
    memory_limit_mib: int | None

    @property
    def even(self) -> bool:
        """Whether it requests exactly its limits, which it must have."""
        return None not in (self.cpu_limit, self.memory_limit_mib) and (self.cpu_request, self.memory_request_mib) == (
            self.cpu_limit,
            self.memory_limit_mib,
        )


@dataclass(frozen=True)
class Inside:
    """What was read inside the serving container.

    Attributes:
        cpuset: CPUs of its control group.
        threads: the CPUs that each thread of its processes may run on.
        quota_cpus: CPU time that its control group may use at most; None: any.
        numa: the CPUs of each of the machine's NUMA nodes.
        pages: pages of the server's own memory on each NUMA node; empty where that cannot be read.
        inference_threads: how many threads the server says it infers with; None where it does not.
    """

    cpuset: frozenset[int]
    threads: tuple[frozenset[int], ...]
    quota_cpus: float | None = None
    numa: Mapping[int, frozenset[int]] = field(default_factory=dict)
    pages: Mapping[int, int] = field(default_factory=dict)
    inference_threads: int | None = None

    @property
    def cpus(self) -> frozenset[int]:
        """The CPUs that any thread may run on."""
        return frozenset().union(*self.threads)

    @property
    def nodes(self) -> tuple[int, ...]:
        """The NUMA nodes of these CPUs."""
        return tuple(sorted(node for node, cpus in self.numa.items() if cpus & self.cpus))


@dataclass(frozen=True)
class PodFacts:
    """A pod of a serving group: what the API says, what its node's kubelet does, what was read inside.

    `kubelet` is None where it may not be asked; `inside` where nothing could be read, and then `unread` says why.
    """

    name: str
    group: str
    node: str
    phase: str
    qos: str
    serving: str
    containers: tuple[ContainerFacts, ...]
    kubelet: Kubelet | None = None
    inside: Inside | None = None
    unread: str = ""


@dataclass(frozen=True)
class Verdict:
    """What is to be said of a pod, or of an instance on this machine.

    `pinned`: whether it has CPUs of its own. `broken`: what keeps it from that, or from using them well. `facts`: what
    was found inside, in words.
    """

    pod: str
    group: str
    node: str
    pinned: bool
    cpus: tuple[int, ...]
    numa_nodes: tuple[int, ...]
    threads: int | None
    facts: tuple[str, ...]
    broken: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return not self.broken


def judge(pods: Sequence[PodFacts], *, asked: Mapping[str, bool]) -> tuple[Verdict, ...]:
    """The verdict on every pod, by group and name.

    Args:
        asked: by group, whether its pods are to have CPUs of their own.
    """
    ordered = sorted(pods, key=lambda pod: (pod.group, pod.name))
    return tuple(_verdict(pod, ordered, asked.get(pod.group, True)) for pod in ordered)


def _verdict(pod: PodFacts, all_pods: Sequence[PodFacts], asked: bool) -> Verdict:
    inside = pod.inside
    if inside is None:
        why = pod.unread or f"the pod is {pod.phase or 'not there'}"
        broken = (f"nothing can be read inside: {why}", *(_conditions(pod) if asked else ()))
        return Verdict(pod.name, pod.group, pod.node, False, (), (), None, (), broken)
    sharing = tuple(_sharing(pod, inside, all_pods))
    pinned = _own(pod, inside) and not sharing
    return Verdict(
        pod=pod.name,
        group=pod.group,
        node=pod.node,
        pinned=pinned,
        cpus=tuple(sorted(inside.cpus)),
        numa_nodes=inside.nodes,
        threads=inside.inference_threads,
        facts=tuple(_facts(inside, pinned)),
        broken=(*_unpinned(pod, inside, sharing, pinned), *_misused(pod, inside, pinned)) if asked else (),
    )


def _own(pod: PodFacts, inside: Inside) -> bool:
    """Whether the cpuset is of the size asked for, and smaller than the machine, of which the kubelet keeps a part."""
    machine = frozenset[int]().union(*inside.numa.values())
    return len(inside.cpuset) == _whole_cpus(pod) and (not machine or inside.cpuset < machine)


def _whole_cpus(pod: PodFacts) -> int:
    """How many whole CPUs the serving container may have to itself; 0 where it asks for none, or for a fraction."""
    limit = next((one.cpu_limit or 0 for one in pod.containers if one.name == pod.serving), 0)
    return limit // 1000 if limit % 1000 == 0 else 0


def _sharing(pod: PodFacts, inside: Inside, all_pods: Iterable[PodFacts]) -> Iterable[str]:
    """Other pods of the stack that may run on the same CPUs."""
    for other in all_pods:
        on_it = other is not pod and other.node == pod.node and other.inside is not None
        if on_it and other.inside and other.inside.cpuset & inside.cpuset:
            yield other.name


def _unpinned(pod: PodFacts, inside: Inside, sharing: Sequence[str], pinned: bool) -> Iterable[str]:
    """What keeps the pod from having CPUs of its own."""
    if pinned:
        return
    if found := tuple(_conditions(pod)):
        yield from found
    elif _own(pod, inside):
        yield f"{', '.join(sharing)} may run on the same CPUs"
    else:
        yield (
            f"its cpuset is {format_list(inside.cpuset)} although nothing speaks against CPUs of its own: it may have "
            "been started before the kubelet's policy was set; delete the pod"
        )


def _conditions(pod: PodFacts) -> Iterable[str]:
    """The conditions of the kubelet that the pod or its node does not meet."""
    for one in pod.containers:
        if not one.even:
            yield f"{_called(one, pod)} requests {_stated(one, 'request')}, and is limited to {_stated(one, 'limit')}"
        elif one.name == pod.serving and not _whole_cpus(pod):
            yield f"{_called(one, pod)} asks for {_cpus(one.cpu_limit)} CPUs, which is no whole number"
    if pod.qos != "Guaranteed" and all(one.even for one in pod.containers):
        yield f"the pod's QoS class is {pod.qos or 'unknown'}, not Guaranteed"
    if pod.kubelet is not None and not pod.kubelet.pins:
        yield f"the kubelet of {pod.node} has the CPU manager policy {pod.kubelet.cpu_manager}, not static"


def _misused(pod: PodFacts, inside: Inside, pinned: bool) -> Iterable[str]:
    """What keeps the pod from using its CPUs well."""
    whole = _whole_cpus(pod)
    if pinned and len(inside.nodes) > 1:
        policy = pod.kubelet.topology_manager if pod.kubelet else "unknown"
        yield (
            f"its CPUs lie on NUMA nodes {format_list(inside.nodes)}; `single-numa-node` prevents that, the kubelet's "
            f"topology manager policy is {policy}"
        )
    if inside.inference_threads is not None and whole and inside.inference_threads > whole:
        yield f"it infers with {inside.inference_threads} threads on {whole} CPUs"
    if astray := [cpus for cpus in inside.threads if not cpus <= inside.cpuset]:
        yield f"{len(astray)} threads may run outside its cpuset"


def _facts(inside: Inside, pinned: bool) -> Iterable[str]:
    """What was found inside, in words."""
    yield f"CPUs {format_list(inside.cpus)}{' of its own' if pinned else ', shared'}"
    if inside.nodes:
        yield f"NUMA node {format_list(inside.nodes)}"
    if inside.inference_threads is not None:
        yield f"{inside.inference_threads} inference thread{'s' * (inside.inference_threads != 1)}"
    yield f"{len(inside.threads)} threads in all, none outside" if inside.cpus <= inside.cpuset else "threads outside"
    if (pages := sum(inside.pages.values())) and inside.nodes:
        share = sum(count for node, count in inside.pages.items() if node in inside.nodes) / pages
        yield "memory there" if share >= BOUND else f"only {share:.0%} of memory there"
    if inside.quota_cpus is not None:
        yield f"CFS quota of {inside.quota_cpus:g} CPUs"


def _called(one: ContainerFacts, pod: PodFacts) -> str:
    kind = "init container" if one.init else "container"
    known = one.name == pod.serving or (one.init and one.name in OURS)
    return f"{kind} {one.name}{'' if known else ' (not ours: injected?)'}"


def _stated(one: ContainerFacts, what: Literal["request", "limit"]) -> str:
    if what == "request":
        cpu = "no CPU" if one.cpu_request is None else f"{_cpus(one.cpu_request)} CPUs"
        memory = "no memory" if one.memory_request_mib is None else f"{one.memory_request_mib} MiB of memory"
    else:
        cpu = "any number of CPUs" if one.cpu_limit is None else f"{_cpus(one.cpu_limit)} CPUs"
        memory = "any amount of memory" if one.memory_limit_mib is None else f"{one.memory_limit_mib} MiB of memory"
    return f"{cpu} and {memory}"


def _cpus(millis: int | None) -> str:
    return f"{(millis or 0) / 1000:g}"

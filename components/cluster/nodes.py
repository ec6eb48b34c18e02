"""What a cluster that exists is: its version, its nodes and their kubelets, what others have installed. Pure.

Made from API objects as plain JSON values, so that a recorded cluster is as good as a real one; `nodes_reader.py` asks
a real one. What cannot be read (a kubelet's configuration needs the right `nodes/proxy`) is None, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from components.kubernetes.objects import PART_OF
from components.kubernetes.quantity import mebibytes, millicpus
from schemas.spec import Taint

Json = Mapping[str, Any]

DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"
HARDWARE_THREADS: Final = "feature.node.kubernetes.io/cpu-hardware_multithreading"
GPUS: Final = re.compile(r"(^|\.)(nvidia|amd)\.com/gpu|^gpu\.intel\.com/|/(gpu|mig-)")
# Resources that a pod's end frees.
OVER: Final = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Kubelet:
    """What a node's kubelet does with CPUs and memory."""

    cpu_manager: str
    topology_manager: str
    topology_scope: str
    memory_manager: str
    cfs_quota: bool

    @property
    def pins(self) -> bool:
        """Whether pods with whole CPUs get CPUs of their own."""
        return self.cpu_manager == "static"


@dataclass(frozen=True)
class Node:
    """A node: what pods may request of it, once the system's pods have theirs, and what pods of others have requested.

    `threads_per_core` and `kubelet` are None, and `numa_cpus` (CPUs of each NUMA node) is empty, where nothing says.
    """

    name: str
    cpus: int
    free_millicpus: int
    free_memory_mib: int
    taken_millicpus: int = 0
    taken_memory_mib: int = 0
    usable: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    threads_per_core: int | None = None
    numa_cpus: tuple[int, ...] = ()
    gpus: int = 0
    kubelet: Kubelet | None = None


@dataclass(frozen=True)
class StorageClass:
    """A class of volumes; `default` is what a claim gets that names none."""

    name: str
    provisioner: str
    default: bool


@dataclass(frozen=True)
class ClusterFacts:
    """A cluster as it was found.

    `deployments` are all that are there, as `namespace/name`, and `kinds` the names of all kinds that it knows: both
    together tell which extensions somebody has installed. `namespaces` are those that others have made.
    """

    version: str
    nodes: tuple[Node, ...]
    storage_classes: tuple[StorageClass, ...] = ()
    deployments: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()

    @property
    def minor(self) -> int:
        """The number after the first dot of the version: 34 of v1.34.4."""
        found = re.match(r"v?1\.(\d+)", self.version)
        return int(found[1]) if found else 0


def node_of(node: Json, *, pods: Iterable[Json] = (), config: Json | None = None, zones: Sequence[Json] = ()) -> Node:
    """A node from its object, the pods bound to it, its kubelet's `configz` and its NodeResourceTopology's zones."""
    metadata, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    capacity, allocatable = status.get("capacity") or {}, status.get("allocatable") or {}
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ())
    running = [pod for pod in pods if (pod.get("status") or {}).get("phase") not in OVER]
    system = _sum(_requests(pod) for pod in running if _of_the_system(pod))
    others = _sum(_requests(pod) for pod in running if not _of_the_system(pod))
    labels = metadata.get("labels") or {}
    return Node(
        name=metadata["name"],
        cpus=millicpus(capacity.get("cpu", 0)) // 1000,
        free_millicpus=millicpus(allocatable.get("cpu", 0)) - system[0],
        free_memory_mib=mebibytes(allocatable.get("memory", 0)) - system[1],
        taken_millicpus=others[0],
        taken_memory_mib=others[1],
        usable=ready and not spec.get("unschedulable", False),
        labels=labels,
        taints=tuple(
            Taint(key=taint["key"], value=taint.get("value") or "", effect=taint["effect"])
            for taint in spec.get("taints") or ()
        ),
        threads_per_core=_threads_per_core(labels),
        numa_cpus=_numa_cpus(zones),
        gpus=sum(int(count) for name, count in allocatable.items() if GPUS.search(name)),
        kubelet=kubelet_of(config) if config else None,
    )


def kubelet_of(config: Json) -> Kubelet:
    """The kubelet's policies from what its `configz` endpoint says; absent members are the kubelet's defaults."""
    told = config.get("kubeletconfig") or config
    return Kubelet(
        cpu_manager=told.get("cpuManagerPolicy") or "none",
        topology_manager=told.get("topologyManagerPolicy") or "none",
        topology_scope=told.get("topologyManagerScope") or "container",
        memory_manager=told.get("memoryManagerPolicy") or "None",
        cfs_quota=told.get("cpuCFSQuota", True),
    )


def storage_class_of(found: Json) -> StorageClass:
    """A class of volumes from its object."""
    annotations = found["metadata"].get("annotations") or {}
    return StorageClass(found["metadata"]["name"], found["provisioner"], annotations.get(DEFAULT_CLASS) == "true")


def pods_of_others(pods: Iterable[Json], stack: str) -> dict[str, list[Json]]:
    """Pods by the node that they are bound to, without those of a stack."""
    found: dict[str, list[Json]] = {}
    for pod in pods:
        node = (pod.get("spec") or {}).get("nodeName")
        if node and not is_of(pod, stack):
            found.setdefault(node, []).append(pod)
    return found


def is_of(found: Json, stack: str) -> bool:
    """Whether an object is one of a stack's."""
    return (found["metadata"].get("labels") or {}).get(PART_OF) == stack


def _of_the_system(pod: Json) -> bool:
    """Whether a pod is there as long as its node is."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return pod["metadata"].get("namespace") == "kube-system" or any(one["kind"] == "DaemonSet" for one in owners)


def _sum(requests: Iterable[tuple[int, int]]) -> tuple[int, int]:
    found = list(requests)
    return sum(millis for millis, _ in found), sum(mib for _, mib in found)


def _requests(pod: Json) -> tuple[int, int]:
    """Thousandths of CPUs and MiB that a pod has the scheduler set aside: its containers', or its largest init's."""
    spec = pod["spec"]

    def total(containers: Iterable[Json]) -> tuple[list[int], list[int]]:
        asked = [(one.get("resources") or {}).get("requests") or {} for one in containers]
        return [millicpus(a.get("cpu", 0)) for a in asked], [mebibytes(a.get("memory", 0)) for a in asked]

    cpus, memory = total(spec["containers"])
    first_cpus, first_memory = total(spec.get("initContainers") or ())
    return max([sum(cpus), *first_cpus]), max([sum(memory), *first_memory])


def _threads_per_core(labels: Mapping[str, str]) -> int | None:
    """What node-feature-discovery found, where it runs."""
    return {"true": 2, "false": 1}.get(labels.get(HARDWARE_THREADS, ""))


def _numa_cpus(zones: Sequence[Json]) -> tuple[int, ...]:
    """CPUs that pods may have of each NUMA node, in the order of the nodes."""
    nodes = sorted((zone for zone in zones if zone.get("type") == "Node"), key=lambda zone: str(zone["name"]))
    found = ({one["name"]: one.get("allocatable") for one in zone.get("resources") or ()} for zone in nodes)
    return tuple(millicpus(resources.get("cpu") or 0) // 1000 for resources in found)

"""What a cluster that exists has to offer, in words for people and as JSON. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from components import codec
from components.cluster.nodes import ClusterFacts, Node
from schemas.words import counted

# A pod that ends waits by `preStop: sleep`, which earlier versions do not know.
OLDEST_MINOR: Final = 30


def describe_cluster(facts: ClusterFacts, installed: Mapping[str, str]) -> tuple[str, ...]:
    """Lines on the version, the nodes, the volumes and what others have installed.

    Args:
        installed: extensions of the catalogue that are there, and their namespaces as far as they are known.
    """
    return (*_version(facts), *_nodes(facts), *_volumes(facts), *_installed(installed))


def cluster_json(facts: ClusterFacts, installed: Mapping[str, str]) -> dict[str, Any]:
    """The same for scripts, node by node; memory in MiB, CPUs of nodes in thousandths where they are free or taken."""
    return {
        "version": facts.version,
        "nodes": codec.encode(facts.nodes),
        "storageClasses": codec.encode(facts.storage_classes),
        "installed": dict(installed),
    }


def _version(facts: ClusterFacts) -> Iterator[str]:
    old = f"; pods of ovms and mlserver need 1.{OLDEST_MINOR} or later" if 0 < facts.minor < OLDEST_MINOR else ""
    yield f"Kubernetes {facts.version or 'of unknown version'}{old}"


def _nodes(facts: ClusterFacts) -> Iterator[str]:
    kinds = Counter(_kind(node) for node in facts.nodes)
    yield from (f"{counted(count, 'node')}: {kind}" for kind, count in kinds.items())
    if unread := [node.name for node in facts.nodes if node.kubelet is None]:
        yield f"kubelet policies of {', '.join(unread)} could not be read: that takes the right to get `nodes/proxy`"
    if unready := [node.name for node in facts.nodes if not node.usable]:
        yield f"not ready, or cordoned: {', '.join(unready)}"


def _kind(node: Node) -> str:
    """What a node is, without its name: nodes of a pool are alike."""
    words = [f"{node.cpus} CPUs, {node.free_millicpus / 1000:g} of them and {node.free_memory_mib} MiB for pods"]
    if node.numa_cpus:
        words.append(f"NUMA nodes of {' + '.join(map(str, node.numa_cpus))} CPUs")
    if node.threads_per_core:
        words.append(f"{counted(node.threads_per_core, 'thread')} a core")
    if node.kubelet is not None:
        kubelet = node.kubelet
        pins = "exclusive CPUs" if kubelet.pins else "no exclusive CPUs"
        words.append(
            f"{pins} (CPU manager {kubelet.cpu_manager}, topology manager {kubelet.topology_manager}, "
            f"memory manager {kubelet.memory_manager})"
        )
    if node.gpus:
        words.append(f"{counted(node.gpus, 'GPU')}, so left to others")
    if node.taints:
        words.append("tainted " + ", ".join(f"{t.key}={t.value}:{t.effect}" for t in node.taints))
    return "; ".join(words)


def _volumes(facts: ClusterFacts) -> Iterator[str]:
    if not facts.storage_classes:
        yield "no storage class: volumes are not made on demand here"
        return
    names = (f"{one.name} ({one.provisioner}){' by default' * one.default}" for one in facts.storage_classes)
    yield f"storage classes: {', '.join(names)}"


def _installed(installed: Mapping[str, str]) -> Iterator[str]:
    if installed:
        names = (f"{name} (in {namespace})" if namespace else name for name, namespace in sorted(installed.items()))
        yield f"installed by others, and left alone: {', '.join(names)}"

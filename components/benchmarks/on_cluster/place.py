"""Where on a cluster the load comes from. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from components.benchmarks.description import Description
from schemas.spec import Benchmark, NodePool, Taint

LOAD_TAINT: Final = "loadtester"
GKE_POOL: Final = "cloud.google.com/gke-nodepool"
IMAGES: Final[Mapping[str, str]] = {
    "vegeta": "docker.io/peterevans/vegeta:latest-vegeta12.8.4",
    "ghz": "ghcr.io/bojand/ghz:0.120.0",
    "locust": "docker.io/locustio/locust:2.47.0",
}
"""Where a spec names no image: the tools' own, where they publish one."""


@dataclass(frozen=True)
class Toleration:
    """A taint that does not keep a pod away; any value of its key where none is said, any effect likewise."""

    key: str
    value: str = ""
    effect: str = ""


@dataclass(frozen=True)
class Place:
    """Where the Jobs of a benchmark run, and in what.

    Attributes:
        image: this program's.
        tool_image: the tool's; empty for the built-in generator.
        labels: of every object; they find what an earlier run has left.
        node_selector: labels of the nodes.
        cores: whole CPUs for the load generator alone; 0 for what is free.
        workers: pods with users, for Locust; 0 for none beside the one that steers.
    """

    namespace: str
    image: str
    tool_image: str
    labels: Mapping[str, str]
    node_selector: Mapping[str, str]
    tolerations: tuple[Toleration, ...]
    cores: int = 1
    workers: int = 0


@dataclass(frozen=True)
class Pods:
    """The pods of a target: how to find them, which template they are of (empty: any), what each was given."""

    selector: Mapping[str, str]
    template: str
    cores: int
    threads: int = 0
    streams: int = 0


@dataclass(frozen=True)
class ClusterDescription:
    """A benchmark to carry out on a cluster: the whole input of the resource, plain JSON when it travels.

    Attributes:
        kubeconfig: a path, or a text without a secret; empty for the usual places. What is in a file is read when it is
            needed and goes nowhere.
        pods: those of each target, by its name.
        data_url: where pods fetch the data set from, if not from a file of this machine, with its digest if stated.
    """

    description: Description
    place: Place
    pods: Mapping[str, Pods]
    kubeconfig: str = ""
    context: str = ""
    data_url: str = ""
    data_sha256: str | None = None


def place_of(
    benchmark: Benchmark, pool: NodePool | None, *, namespace: str, image: str, labels: Mapping[str, str]
) -> Place:
    """The place that a benchmark of the spec asks for, on a pool if the cluster has named ones."""
    taints = (*benchmark.tolerations, *(pool.taints if pool else ()))
    on_pool = {GKE_POOL: pool.name} if pool else {}
    return Place(
        namespace=namespace,
        image=image,
        tool_image=benchmark.image or IMAGES.get(benchmark.tool, ""),
        labels=labels,
        node_selector={**on_pool, **(benchmark.node_selector or {})},
        tolerations=tuple(_tolerations(taints)),
        cores=benchmark.client_cores,
        workers=benchmark.workers or 0,
    )


def _tolerations(taints: Iterable[Taint]) -> Iterable[Toleration]:
    yield from dict.fromkeys(Toleration(taint.key, taint.value, taint.effect) for taint in taints)
    yield Toleration(LOAD_TAINT)


def as_manifest(toleration: Toleration) -> dict[str, Any]:
    """A toleration as a pod states it."""
    value = {"operator": "Equal", "value": toleration.value} if toleration.value else {"operator": "Exists"}
    return {"key": toleration.key, **value, **({"effect": toleration.effect} if toleration.effect else {})}

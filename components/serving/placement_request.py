"""What a serving group asks of placement, and the shape that follows from it.

The fields of the spec overlap (`layout`, `instances`, `cores`); here they become exactly one shape, so that placement
itself matches on four cases and knows no defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from components.cluster.cpulist import parse_list
from schemas.spec import Instances, Layout, Serving

# Cores an instance of `layout: throughput`, by the size of the stored model: a starting point that benchmarks judge.
# Few cores an instance waste least on synchronising (OpenVINO 2026.4 on two cores of a Cascade Lake Xeon, f32: two
# one-core instances carried 6,890 inferences/s against 4,700 to 5,500 of one two-core instance for a small CNN, 55.2
# against 49.8 for ResNet-50), but each instance holds the weights again: above the size of a core's second-level cache
# and its share of the third (16 MiB is generous for both), instances compete for memory bandwidth instead.
CORES_BY_MODEL_BYTES: Final = ((16 * 2**20, 1), (200 * 2**20, 2))
CORES_OF_LARGER_MODELS: Final = 4


@dataclass(frozen=True)
class Request:
    """What a serving group asks for; `model_bytes` is the size of the model, None while it is not known."""

    group: str
    layout: Layout | None = None
    instances: Instances | None = None
    cores: str | None = None
    hyperthreads: bool = False
    exclusive: bool = True
    bind_memory: bool = True
    model_bytes: int | None = None
    threads: int | None = None
    streams: int | None = None
    at: str = ""


@dataclass(frozen=True)
class ByHand:
    """One instance on exactly these CPUs."""

    cpus: frozenset[int]


@dataclass(frozen=True)
class EachNode:
    """So many instances on every NUMA node; `strict` also on nodes that others have filled. No cores: all there are."""

    per_node: int
    cores: int | None
    strict: bool


@dataclass(frozen=True)
class Spread:
    """So many instances in all, spread over the nodes. No cores: as many as fit evenly."""

    count: int
    cores: int | None


@dataclass(frozen=True)
class Fill:
    """As many instances of so many cores as fit; smaller ones where no node has that many."""

    cores: int


Shape = ByHand | EachNode | Spread | Fill


def request_of(serving: Serving, *, model_bytes: int | None = None) -> Request:
    """The request of a serving group of the spec."""
    return Request(
        group=serving.name,
        layout=serving.layout,
        instances=serving.instances,
        cores=serving.cores,
        hyperthreads=serving.hyperthreads,
        exclusive=serving.exclusive,
        bind_memory=serving.bind_memory,
        model_bytes=model_bytes,
        threads=serving.threads,
        streams=serving.streams,
        at=serving.at,
    )


def shape_of(request: Request) -> Shape:
    """The one shape that a request's fields mean: `cores`, then `instances`, then `layout`; latency by default."""
    if request.cores:
        return ByHand(parse_list(request.cores))
    asked = request.instances or Instances()
    if asked.per_numa_node:
        return EachNode(asked.per_numa_node, asked.cores, strict=True)
    if asked.count:
        return Spread(asked.count, asked.cores)
    if request.layout == "throughput" or (asked.cores and request.layout is None):
        return Fill(asked.cores or throughput_cores(request.model_bytes))
    return EachNode(1, asked.cores, strict=asked.cores is not None)


def throughput_cores(model_bytes: int | None) -> int:
    """Cores an instance of `layout: throughput` gets for a model of this size; one when the size is not known."""
    if model_bytes is None:
        return 1
    return next((cores for limit, cores in CORES_BY_MODEL_BYTES if model_bytes < limit), CORES_OF_LARGER_MODELS)


def is_open(shape: Shape) -> bool:
    """Whether the size of the group depends on what is left."""
    return isinstance(shape, Fill) or (not isinstance(shape, ByHand) and shape.cores is None)

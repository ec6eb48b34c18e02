"""From a benchmark of the spec and the serving groups of the program to the resource that measures them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pulumi

from components import codec
from components.benchmarks.description import Description, limits, load_shapes
from components.benchmarks.on_cluster.place import place_of
from components.benchmarks.on_cluster.resource import JobBenchmarkResource
from components.kubernetes.objects import Home
from components.serving.placement_pods import PodPlan
from components.serving.served import Served
from schemas.spec import Benchmark, NodePool

COMPONENT: Final = "load"


@dataclass(frozen=True)
class Measured:
    """A serving group to measure: its service, its pods, what its model is, and what else decides its figures.

    `digest` is that of the model as served, empty where nobody knows it before the pod does.
    """

    served: Served
    plan: PodPlan
    settings: Mapping[str, str]
    digest: pulumi.Input[str] = ""
    precision: pulumi.Input[str] = "fp32"


@dataclass(frozen=True)
class Setting:
    """What a benchmark needs to know besides.

    Attributes:
        results: the folder of the stack's results.
        kubeconfig: a path, or a text without a secret; empty for the usual places.
        context: empty for the current one.
        data: a file of this machine with the data set, or the URL where pods fetch it, with its digest if stated.
        data_digest: what the data are, wherever they lie.
        pool: the node pool for the load, where the cluster has named ones (`schemas.rules.load_tests.load_pool`).
        rerun: a token; another one means to measure again though nothing has changed.
    """

    results: Path
    kubeconfig: pulumi.Input[str] = ""
    context: str = ""
    data: Path | str | None = None
    data_digest: str = ""
    data_sha256: str | None = None
    pool: NodePool | None = None
    spec_digest: str = ""
    rerun: str = ""


def measure_on_cluster(
    benchmark: Benchmark, groups: Mapping[str, Measured], home: Home, setting: Setting
) -> JobBenchmarkResource:
    """Declare a benchmark whose load comes from Jobs.

    It waits for the groups that it measures.

    Args:
        groups: the serving groups, by name; at least the benchmark's targets.
    """
    targets = [groups[name] for name in benchmark.targets]
    needs = [*home.needs, *(one.served.ready for one in targets)]
    options = pulumi.ResourceOptions(depends_on=needs)
    return JobBenchmarkResource(benchmark.name, inputs_of(benchmark, targets, home, setting), options)


def inputs_of(benchmark: Benchmark, targets: Sequence[Measured], home: Home, setting: Setting) -> dict[str, Any]:
    """The inputs of the resource: a `place.ClusterDescription` as JSON; some is known only when a target is there."""
    labels = home.labels(benchmark.name, COMPONENT)
    place = place_of(benchmark, setting.pool, namespace=home.namespace, image=home.image, labels=labels)
    is_url = isinstance(setting.data, str)
    description = Description(
        stack=home.stack,
        benchmark=benchmark.name,
        results=str(setting.results),
        subjects=(),
        loads=load_shapes(benchmark.load),
        data=None if setting.data is None else str(setting.data),
        data_digest=setting.data_digest,
        objective=limits(benchmark.objective),
        require=benchmark.objective.require if benchmark.objective else "any",
        repeats=benchmark.repeats,
        spec_digest=setting.spec_digest,
        rerun=setting.rerun,
        tool=benchmark.tool,
    )
    return {
        "description": {**codec.encode(description), "subjects": [_subject(one, benchmark) for one in targets]},
        "place": codec.encode(place),
        "pods": {one.served.group: _pods(one) for one in targets},
        "kubeconfig": setting.kubeconfig,
        "context": setting.context,
        "data_url": setting.data if is_url else "",
        "data_sha256": setting.data_sha256,
    }


def _subject(one: Measured, benchmark: Benchmark) -> dict[str, Any]:
    """A target with the way to ask it, as `description.Subject` is written; clients see one address, the Service's."""
    served = one.served
    return {
        "target": {
            "name": served.group,
            "platform": served.platform,
            "model": served.model,
            "model_digest": one.digest,
            "precision": one.precision,
            "instances": [],
            "cores": one.plan.cores * served.replicas,
            "notes": list(served.notes),
            "settings": {**one.settings, "template": served.template},
        },
        "protocol": benchmark.protocol or served.protocol,
        "endpoints": [{"host": served.host, "rest_port": served.rest_port, "grpc_port": served.grpc_port}],
    }


def _pods(one: Measured) -> dict[str, Any]:
    plan = one.plan
    return {
        "selector": dict(one.served.selector),
        "template": one.served.template,
        "cores": plan.cores,
        "threads": plan.threads,
        "streams": plan.streams,
    }

"""A benchmark on a cluster as a resource of the program; what holds of `benchmarks/resource.py` holds here.

The inputs are a `place.ClusterDescription` as plain JSON: the path of a kubeconfig, or a text without a secret.
Deleting it deletes the Jobs that a killed run may have left; results stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi import dynamic

from components import codec
from components.benchmarks.on_cluster.place import ClusterDescription
from components.benchmarks.resource import OUTPUTS, BenchmarkProvider, Props

if TYPE_CHECKING:
    from components.benchmarks.results import StoredResult

PLACED = ("node_selector", "tolerations", "cores", "workers")
"""What of the place decides the figures."""


class JobBenchmarkProvider(BenchmarkProvider):
    """Measures from Jobs."""

    def delete(self, _id: str, props: Props) -> None:
        """Delete Jobs of the benchmark that are left; results outlive the stack."""
        from components.benchmarks.on_cluster.api import KubernetesCluster

        asked = _asked(props)
        cluster = KubernetesCluster(asked.kubeconfig, asked.context, asked.place.namespace)
        for name in cluster.jobs(asked.place.labels):
            cluster.delete_job(name)

    def named(self, props: Props) -> str:
        """The benchmark's name."""
        return super().named(props["description"])

    def decisive(self, props: Props) -> Any:
        """What decides the figures, the place of the load included."""
        place = props.get("place") or {}
        return [super().decisive(props.get("description") or {}), {key: place.get(key) for key in PLACED}]

    def replaced(self, olds: Props, news: Props) -> list[str]:
        """The inputs whose change makes another benchmark of it."""
        inner = super().replaced(olds.get("description") or {}, news.get("description") or {})
        return ["description"] if inner else []

    def carry_out(self, inputs: Props) -> StoredResult:
        """Measure, judge and store."""
        from components.benchmarks.on_cluster.api import KubernetesCluster
        from components.benchmarks.on_cluster.measurer import JobGenerators
        from components.benchmarks.run import carry_out

        asked = _asked(inputs)
        cluster = KubernetesCluster(asked.kubeconfig, asked.context, asked.place.namespace)
        return carry_out(asked.description, lambda _description, _folder: JobGenerators(asked, cluster))


class JobBenchmarkResource(dynamic.Resource, module="inferstack", name="JobBenchmark"):
    """A benchmark whose load comes from Jobs. Inputs: the members of `place.ClusterDescription`, as JSON.

    Outputs: those of `benchmarks.resource.BenchmarkResource`.
    """

    result: pulumi.Output[str]
    folder: pulumi.Output[str]
    outcome: pulumi.Output[str]
    answer: pulumi.Output[list[str]]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(JobBenchmarkProvider(), name, {**dict.fromkeys(OUTPUTS), **inputs}, opts)


def _asked(props: Props) -> ClusterDescription:
    return codec.decode(ClusterDescription, {key: value for key, value in props.items() if key not in OUTPUTS})

"""A benchmark on a cluster as a resource of the program; what holds of `benchmarks/resource.py` holds here.

The inputs are a `place.ClusterDescription` as plain JSON: the path of a kubeconfig, never what is in it. Deleting it
deletes the Jobs that a killed run may have left; results stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi import dynamic

from components import codec
from components.benchmarks.on_cluster.place import ClusterDescription
from components.benchmarks.resource import MEASURED, OUTPUTS, REPLACES, Props, is_stored, measured, plain

if TYPE_CHECKING:
    from components.benchmarks.results import StoredResult

PLACED = ("node_selector", "tolerations", "cores", "workers")
"""What of the place decides the figures."""


class JobBenchmarkProvider(dynamic.ResourceProvider):
    """Measures from Jobs; the id is the benchmark's name."""

    serialize_as_secret_always = False

    def diff(self, _id: str, olds: Props, news: Props) -> dynamic.DiffResult:
        """Whether there is something to measure: something changed, or the stored result is gone."""
        old, new = olds.get("description") or {}, news.get("description") or {}
        replaces = ["description"] if any(old.get(key) != new.get(key) for key in REPLACES) else []
        changed = _decisive(olds) != _decisive(news)
        return dynamic.DiffResult(changes=bool(replaces) or changed or not is_stored(olds), replaces=replaces)

    def create(self, props: Props) -> dynamic.CreateResult:
        """Measure."""
        return dynamic.CreateResult(props["description"]["benchmark"], measured(props, _on_cluster))

    def update(self, _id: str, _olds: Props, news: Props) -> dynamic.UpdateResult:
        """Measure again; the old result stays."""
        return dynamic.UpdateResult(measured(news, _on_cluster))

    def read(self, id_: str, props: Props) -> dynamic.ReadResult:
        """The benchmark as it stands; none when its stored result is gone or cannot be read."""
        return dynamic.ReadResult(id_, props) if is_stored(props) else dynamic.ReadResult("", {})

    def delete(self, _id: str, props: Props) -> None:
        """Delete Jobs of the benchmark that are left; results outlive the stack."""
        from components.benchmarks.on_cluster.api import KubernetesCluster

        asked = _asked(props)
        cluster = KubernetesCluster(asked.kubeconfig, asked.context, asked.place.namespace)
        for name in cluster.jobs(asked.place.labels):
            cluster.delete_job(name)


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


def _on_cluster(inputs: Props) -> StoredResult:
    from components.benchmarks.on_cluster.api import KubernetesCluster
    from components.benchmarks.on_cluster.measurer import JobGenerators
    from components.benchmarks.run import carry_out

    asked = _asked(inputs)
    cluster = KubernetesCluster(asked.kubeconfig, asked.context, asked.place.namespace)
    return carry_out(asked.description, lambda _description, _folder: JobGenerators(asked, cluster))


def _asked(props: Props) -> ClusterDescription:
    return codec.decode(ClusterDescription, {key: value for key, value in props.items() if key not in OUTPUTS})


def _decisive(props: Props) -> Any:
    """What decides the figures."""
    description, place = props.get("description") or {}, props.get("place") or {}
    return plain([{key: description.get(key) for key in MEASURED}, {key: place.get(key) for key in PLACED}])

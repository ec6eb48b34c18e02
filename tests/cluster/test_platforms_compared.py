"""One model on several platforms, made by their real controllers and measured by one benchmark of the same program."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pytest

from components.benchmarks import results
from components.benchmarks.description import settings
from components.benchmarks.on_cluster.benchmark import Measured, Setting, measure_on_cluster
from components.benchmarks.results import StoredResult
from components.cluster.nodes import ClusterFacts
from components.cluster.nodes_reader import Client, read_cluster
from components.kubernetes.objects import Home
from components.models.access import ModelAccess
from components.serving.placement_nodes import plan_pods_anywhere
from components.serving.pods.group import serve
from components.serving.pods.surroundings import Surroundings
from schemas.spec import Benchmark, Load, Objective, Protocol, Serving
from stack.engines.embedded import EmbeddedEngine
from stack.engines.kubernetes.provider import KubernetesProviders
from tests.cluster import controllers
from tests.cluster.kubectl import Kubectl
from tests.cluster.test_pods_serve import a_stored_model
from tests.components.serving.pods.pod_builders import a_group

LOADS = (Load(rate_per_s=20.0, duration_s=3.0), Load(clients=2, duration_s=2.0))


@pytest.fixture(scope="module")
def facts(kubeconfig: Path) -> ClusterFacts:
    """The cluster as it is."""
    return read_cluster(Client(str(kubeconfig)), stack="compared")


@dataclass(frozen=True)
class Comparison:
    """Groups that share their cores, brought about by the embedded engine and measured from a Job."""

    kubeconfig: Path
    namespace: str
    image: str
    folder: Path
    facts: ClusterFacts
    access: ModelAccess

    def measured(self, groups: Sequence[Serving], benchmark: Benchmark) -> StoredResult:
        """What the benchmark has found; everything else is taken away again."""
        engine = EmbeddedEngine(
            "inferstack", "compared", self.folder / "state", providers={"kubernetes:": KubernetesProviders()}
        )
        outcome = engine.up(lambda: self._program(groups, benchmark))
        assert outcome.error is None, f"{outcome.error}: {outcome.error.why}\n{outcome.failed}"
        assert engine.preview(lambda: self._program(groups, benchmark)).empty
        gone = engine.destroy()
        assert gone.error is None, gone.failed
        return results.find(self._results, benchmark.name)

    @property
    def _results(self) -> Path:
        return self.folder / "results"

    def _program(self, groups: Sequence[Serving], benchmark: Benchmark) -> None:
        provider = pulumi.ProviderResource("kubernetes", "cluster", {"kubeconfig": str(self.kubeconfig)})
        home = Home("compared", self.namespace, provider, self.image)
        plans = {one.name: plan_pods_anywhere(one, None, self.facts) for one in groups}
        served = {one.name: serve(one, plans[one.name], self.access, home, Surroundings()) for one in groups}
        measured = {
            one.name: Measured(served[one.name], plans[one.name], settings(one), self.access.digest or "")
            for one in groups
        }
        setting = Setting(self._results, str(self.kubeconfig))
        pulumi.export("answer", measure_on_cluster(benchmark, measured, home, setting).answer)


@pytest.fixture
def comparison(
    kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str, facts: ClusterFacts, tmp_path: Path
) -> Comparison:
    """A comparison of groups that all have the same model."""
    access = a_stored_model(kubectl, namespace, image, tmp_path / "model", 2.0)
    return Comparison(kubeconfig, namespace, image, tmp_path, facts, access)


def a_benchmark(*targets: str) -> Benchmark:
    return Benchmark(name="compared", targets=targets, load=LOADS, client_cores=0, objective=Objective(errors=0.0))


def told(stored: StoredResult) -> str:
    """Figures for who reads along (`pytest -rP`)."""
    return "\n".join(
        f"{one.target:10} {one.load.label:12} {one.achieved_per_s:8.1f}/s  mean {one.response.mean_s * 1000:7.2f} ms  "
        f"p99 {one.response.p99_s * 1000:7.2f} ms"
        for one in stored.result.measurements
    )


@pytest.mark.timeout(900)
def test_three_platforms_are_compared_in_one_benchmark(
    kubectl: Kubectl, namespace: str, tmp_path: Path, comparison: Comparison
) -> None:
    groups = (
        a_group(name="ours", exclusive=False),
        a_group(name="kserve", platform="kserve", exclusive=False),
        a_group(name="seldon", platform="seldon", executor=False, exclusive=False),
    )
    with ExitStack() as running:
        running.enter_context(controllers.kserve(kubectl, namespace, tmp_path / "kserve"))
        running.enter_context(controllers.seldon(kubectl, namespace, tmp_path / "seldon"))
        stored = comparison.measured(groups, a_benchmark("ours", "kserve", "seldon"))
    print(told(stored))
    assert {one.target for one in stored.result.measurements} == {"ours", "kserve", "seldon"}
    assert all(not one.errors for one in stored.result.measurements)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("protocol", ["v2", "grpc"])
def test_seldon_is_compared_with_its_executor_and_without(
    protocol: Protocol, kubectl: Kubectl, namespace: str, tmp_path: Path, comparison: Comparison
) -> None:
    groups = [
        a_group(name=name, platform="seldon", executor=name == "executor", protocol=protocol, exclusive=False)
        for name in ("executor", "direct")
    ]
    with controllers.seldon(kubectl, namespace, tmp_path / "seldon"):
        stored = comparison.measured(groups, a_benchmark("executor", "direct"))
    print(told(stored))
    assert all(not one.errors for one in stored.result.measurements)
    notes = {one.name: " ".join(one.notes) for one in stored.result.targets}
    assert "may use 500m of a CPU" in notes["executor"]
    assert "without Seldon's executor" in notes["direct"]

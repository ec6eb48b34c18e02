"""A benchmark of the spec becomes a resource with plain inputs, and nothing is asked of a cluster to plan it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import codec
from components.benchmarks.on_cluster.benchmark import Measured, Setting, inputs_of, measure_on_cluster
from components.benchmarks.on_cluster.place import ClusterDescription
from components.benchmarks.on_cluster.resource import JobBenchmarkProvider
from components.kubernetes.objects import Home
from components.serving.placement_pods import PodPlan
from components.serving.served import Served
from schemas import spec
from tests.builders.results import a_result
from tests.fakes import FileResource, an_engine

PLAN = PodPlan("one", None, 2, 1, 3, 3, 2048, 3, 1, ())
BENCHMARK = spec.Benchmark(name="steady", targets=("one",), load=(spec.Load(rate_per_s=50.0),), repeats=2)


def a_group(ready: pulumi.Resource, **changes: Any) -> Measured:
    served = Served(
        "one", "openvino", "v2", "digits", "digits", "one", 8000, 9000, {"app": "one"}, "server", "t1", 2, 3, ready,
        notes=("a note",),
    )  # fmt: skip
    return Measured(replace(served, **changes), PLAN, {"execution": "f32"}, "d" * 64, "int8")


def planned(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    """The inputs of the benchmark's resource in a program; a plan of it is made, and has the resource."""
    setting, seen = Setting(tmp_path / "results", **changes), []

    def program() -> None:
        provider = pulumi.ProviderResource("kubernetes", "cluster", {})
        ready = FileResource("ready", {"folder": str(tmp_path), "name": "ready", "content": ""})
        home, group = Home("digits", "digits", provider, "example/inferstack:1"), a_group(ready)
        measure_on_cluster(BENCHMARK, {"one": group}, home, setting)
        seen.append(inputs_of(BENCHMARK, [group], home, setting))

    plan = an_engine(tmp_path).preview(program)
    assert ("create", "steady") in [(change.op, change.name) for change in plan.changes]
    (inputs,) = seen
    return dict(inputs)


def test_the_inputs_are_plain_and_say_all_that_the_provider_needs(tmp_path: Path) -> None:
    inputs = planned(tmp_path, kubeconfig="/home/me/.kube/config", context="there", rerun="7")
    asked = codec.decode(ClusterDescription, inputs)
    assert (asked.kubeconfig, asked.context) == ("/home/me/.kube/config", "there")
    assert asked.description.repeats == 2
    (subject,) = asked.description.subjects
    assert subject.endpoints[0].host == "one.digits.svc"
    assert subject.target.cores == 6
    assert subject.target.notes == ("a note",)
    assert asked.pods["one"].selector == {"app": "one"}
    assert asked.place.image == "example/inferstack:1"
    assert asked.place.labels["app.kubernetes.io/component"] == "load"


def test_data_from_the_web_are_fetched_by_the_pods(tmp_path: Path) -> None:
    asked = codec.decode(ClusterDescription, planned(tmp_path, data="https://example.org/x.npz", data_sha256="a" * 64))
    assert (asked.data_url, asked.data_sha256) == ("https://example.org/x.npz", "a" * 64)


def measured_once(tmp_path: Path) -> dict[str, Any]:
    stored = a_result(tmp_path / "store")
    inputs = planned(tmp_path)
    return {**inputs, "result": stored.result.id, "folder": str(stored.folder), "outcome": "pass", "answer": []}


@pytest.mark.parametrize(
    ("part", "change", "again"),
    [
        ("description", {"rerun": "now"}, True),
        ("description", {"tool": "vegeta"}, True),
        ("place", {"cores": 2}, True),
        ("place", {"node_selector": {"for": "load"}}, True),
        ("pods", {"one": {"selector": {"app": "1"}, "template": "t1", "cores": 3}}, False),
        ("place", {"image": "example/inferstack:2"}, False),
        ("description", {"spec_digest": "other"}, False),
    ],
)
def test_what_decides_the_figures_makes_it_measure_again(
    tmp_path: Path, part: str, change: dict[str, Any], again: bool
) -> None:
    olds = measured_once(tmp_path)
    news = {**olds, part: {**olds[part], **change}}
    assert JobBenchmarkProvider().diff("steady", olds, news).changes == again


@pytest.mark.parametrize("setting", [{"execution": "bf16"}, {"template": "another"}])
def test_another_setting_of_a_target_is_measured_again(tmp_path: Path, setting: dict[str, str]) -> None:
    olds = measured_once(tmp_path)
    (subject,) = olds["description"]["subjects"]
    target = {**subject["target"], "settings": {**subject["target"]["settings"], **setting}}
    news = {**olds, "description": {**olds["description"], "subjects": [{**subject, "target": target}]}}
    assert JobBenchmarkProvider().diff("steady", olds, news).changes


def test_another_way_to_the_cluster_is_no_change(tmp_path: Path) -> None:
    olds = measured_once(tmp_path)
    assert not JobBenchmarkProvider().diff("steady", olds, {**olds, "kubeconfig": "/elsewhere"}).changes

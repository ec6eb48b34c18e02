"""How many replicas a group has as its load changes."""

from __future__ import annotations

from typing import Any

import pytest

from components.serving.pods.autoscale import metrics
from components.serving.pods.surroundings import Surroundings
from schemas.spec import Autoscale, Instances, Serving
from tests.components.serving.pods.pod_builders import a_group, a_plan, manifests, only


def target(scale: Autoscale, **fields: Any) -> Any:
    serving = a_group(autoscale=scale, **fields)
    (metric,) = metrics(scale, a_plan(serving))
    assert metric["resource"]["name"] == scale.metric
    return metric["resource"]["target"]


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (Autoscale(max=4), {"type": "Utilization", "averageUtilization": 80}),
        (Autoscale(max=4, utilization=50), {"type": "Utilization", "averageUtilization": 50}),
        (Autoscale(max=4, average=1.5), {"type": "AverageValue", "averageValue": "1500m"}),
        (Autoscale(max=4, average=2), {"type": "AverageValue", "averageValue": "2"}),
        (Autoscale(max=4, metric="memory"), {"type": "Utilization", "averageUtilization": 80}),
        (Autoscale(max=4, metric="memory", average=1.5), {"type": "AverageValue", "averageValue": "1536Mi"}),
    ],
)
def test_cpu_and_memory_have_a_share_or_an_average(scale: Autoscale, expected: dict[str, Any]) -> None:
    assert target(scale) == expected


def test_a_share_of_shared_cpus_is_one_of_the_cores_and_not_of_what_is_requested() -> None:
    shared = target(Autoscale(max=4, utilization=50), exclusive=False, instances=Instances(count=1, cores=2))
    assert shared == {"type": "AverageValue", "averageValue": "1"}


def the_autoscaler(serving: Serving) -> Any:
    return only(manifests(serving), "HorizontalPodAutoscaler")["spec"]


def test_an_autoscaler_is_of_the_groups_deployment_and_within_its_range() -> None:
    spec = the_autoscaler(a_group(autoscale=Autoscale(min=2, max=5)))
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 5)
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "digits"}


def test_requests_are_counted_by_prometheus_and_turned_into_replicas_by_keda() -> None:
    serving = a_group(autoscale=Autoscale(max=4, metric="requests", average=100))
    found = manifests(serving, Surroundings(prometheus="http://prometheus:9090"))
    (trigger,) = only(found, "ScaledObject")["spec"]["triggers"]
    series = 'ovms_requests_success{namespace="team-a",pod=~"digits-.+",method=~"ModelInfer|Predict"}'
    assert trigger["metadata"] == {
        "serverAddress": "http://prometheus:9090",
        "query": f"sum(rate({series}[1m]))",
        "threshold": "100",
    }
    assert "HorizontalPodAutoscaler" not in {one["kind"] for one in found}


def test_a_prometheus_that_the_spec_names_comes_first() -> None:
    scale = Autoscale(max=4, metric="requests", average=100, prometheus="http://own:9090")
    found = manifests(a_group(autoscale=scale), Surroundings(prometheus="http://prometheus:9090"))
    assert only(found, "ScaledObject")["spec"]["triggers"][0]["metadata"]["serverAddress"] == "http://own:9090"

"""How many replicas a group has as its load changes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from components.serving.pods.autoscale import metrics, request_rate
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
    pods = "digits-[a-z0-9]+(-[a-z0-9]{5})?"
    series = f'ovms_requests_success{{namespace="team-a",pod=~"{pods}",method=~"ModelInfer|Predict"}}'
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


@pytest.mark.parametrize(
    ("around", "window"),
    [
        (Surroundings(), "150s"),
        (Surroundings(prometheus="http://prometheus:9090"), "150s"),
        (Surroundings(prometheus="http://own:9090"), "1m"),
        (Surroundings(scraping="pod-monitor"), "1m"),
        (Surroundings(scraping="pod-monitoring"), "1m"),
    ],
    ids=["annotations", "ours-and-another", "ours", "a-monitor", "managed"],
)
def test_a_rate_is_of_as_long_as_two_answers_take_whoever_asks(around: Surroundings, window: str) -> None:
    scale = Autoscale(max=4, metric="requests", average=100, prometheus="http://own:9090")
    found = manifests(a_group(autoscale=scale), around)
    assert only(found, "ScaledObject")["spec"]["triggers"][0]["metadata"]["query"].endswith(f"[{window}]))")


@pytest.mark.parametrize(
    ("stated", "window"), [({}, 300), ({"stabilization_s": 30.0}, 30), ({"stabilization_s": 0.0}, 0)]
)
@pytest.mark.parametrize("metric", ["cpu", "requests"])
def test_a_replica_goes_once_fewer_were_enough_for_as_long_as_the_spec_says(
    metric: Any, stated: dict[str, float], window: int
) -> None:
    found = manifests(a_group(autoscale=Autoscale(max=4, metric=metric, average=1, prometheus="http://own", **stated)))
    if metric == "cpu":
        behavior = only(found, "HorizontalPodAutoscaler")["spec"]["behavior"]
    else:
        behavior = only(found, "ScaledObject")["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == window
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0


LONG = "digits-that-were-written-by-many-hands-in-many-years-of-old"


@pytest.mark.parametrize(
    ("deployment", "pod", "counted"),
    [
        ("digits", "digits-5d4f8c9b7-x2x4z", True),
        ("digits", "digits-two-5d4f8c9b7-x2x4z", False),
        ("digits", "digits-predictor-5d4f8c9b7-x2x4z", False),
        ("digits-predictor", "digits-predictor-5d4f8c9b7-x2x4z", True),
        (LONG[:50], f"{LONG[:50]}-5d4f8c9x2x4z", True),
        (LONG, f"{LONG[:58]}x2x4z", True),
    ],
)
def test_requests_of_a_group_are_those_of_its_own_pods(deployment: str, pod: str, counted: bool) -> None:
    (pods,) = re.findall('pod=~"([^"]*)"', request_rate(deployment, "team-a"))
    assert bool(re.fullmatch(pods, pod)) is counted

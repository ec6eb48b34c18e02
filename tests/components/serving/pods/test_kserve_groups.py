"""Groups as InferenceServices: pinned in standard mode, of Knative's own making in Knative mode."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import yaml

from components.serving.pods import kserve
from components.serving.pods.network_policy import NAMESPACE
from components.serving.pods.surroundings import Surroundings
from schemas.spec import Autoscale, Serving
from tests.components.cluster.recording import registered_by
from tests.components.serving.pods.pod_builders import a_group, a_home, a_plan, an_access, only


def an_inference_group(**fields: Any) -> Serving:
    return a_group(**{"platform": "kserve", **fields})


def a_knative_group(**fields: Any) -> Serving:
    return an_inference_group(mode="knative", exclusive=False, **fields)


def manifests(serving: Serving, around: Surroundings | None = None, **access: Any) -> list[Mapping[str, Any]]:
    plan, around = a_plan(serving), around or Surroundings()
    first, service, after = kserve.objects(serving, plan, an_access(**access), a_home(), around)
    return [*first, service, *after]


def predictor_of(serving: Serving, **access: Any) -> Any:
    return only(manifests(serving, **access), "InferenceService")["spec"]["predictor"]


def as_yaml(found: list[Mapping[str, Any]]) -> str:
    return yaml.safe_dump_all(json.loads(json.dumps(found)), sort_keys=True, width=110)


def test_a_group_in_standard_mode_is_these_objects(golden: Callable[[str, str], None]) -> None:
    golden("kserve.yaml", as_yaml(manifests(an_inference_group())))


def test_a_group_in_knative_mode_is_these_objects(golden: Callable[[str, str], None]) -> None:
    serving = a_knative_group(canary=10, autoscale=Autoscale(max=4, metric="requests", average=50))
    golden("kserve-knative.yaml", as_yaml(manifests(serving)))


def test_no_storage_initializer_takes_the_cores_away() -> None:
    predictor = predictor_of(an_inference_group())
    assert "storageUri" not in predictor["model"]
    for one in [predictor["model"], *predictor["initContainers"]]:
        assert one["resources"]["requests"] == one["resources"]["limits"] == {"cpu": "1", "memory": "2Gi"}
    assert predictor["annotations"]["sidecar.istio.io/inject"] == "false"


def test_the_inference_service_names_the_runtime_of_the_group() -> None:
    found = manifests(an_inference_group(runtime="ovms"))
    runtime = only(found, "ServingRuntime")
    assert predictor_of(an_inference_group(runtime="ovms"))["model"]["runtime"] == runtime["metadata"]["name"]
    (container,) = runtime["spec"]["containers"]
    assert (container["name"], container["image"]) == ("kserve-container", "docker.io/openvino/model_server:2026.2")


def test_another_image_is_another_runtime_and_another_model_is_not() -> None:
    def runtime_of(serving: Serving, **access: Any) -> Any:
        return only(manifests(serving, **access), "ServingRuntime")["metadata"]["name"]

    first = runtime_of(an_inference_group(runtime="ovms"))
    assert runtime_of(an_inference_group(runtime="ovms", version="2026.3")) != first
    assert runtime_of(an_inference_group(runtime="ovms"), key="89abcdef", path="/models/89abcdef/digits") == first


def test_another_model_rolls_the_pods_over() -> None:
    assert predictor_of(an_inference_group()) != predictor_of(an_inference_group(), key="89abcdef")


def test_a_fixed_number_of_replicas_is_left_to_no_autoscaler() -> None:
    service = only(manifests(an_inference_group(replicas=2)), "InferenceService")
    assert service["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "none"
    assert service["spec"]["predictor"]["minReplicas"] == 2


def test_an_average_of_cpu_is_scaled_by_an_autoscaler_of_our_own() -> None:
    found = manifests(an_inference_group(autoscale=Autoscale(max=4, average=0.8)))
    annotations = only(found, "InferenceService")["metadata"]["annotations"]
    assert annotations["serving.kserve.io/autoscalerClass"] == "external"
    spec = only(found, "HorizontalPodAutoscaler")["spec"]
    assert spec["scaleTargetRef"]["name"] == "digits-predictor"
    assert spec["metrics"][0]["resource"]["target"] == {"type": "AverageValue", "averageValue": "800m"}


def test_pods_are_replaced_as_those_of_other_platforms() -> None:
    serving = an_inference_group()
    full = replace(a_plan(serving), surge=False)
    tight = kserve.objects(serving, full, an_access(), a_home(), Surroundings())[1]
    assert tight["spec"]["predictor"]["deploymentStrategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_knative_gets_nothing_that_it_refuses() -> None:
    serving = a_knative_group()
    predictor = predictor_of(serving)
    assert not {"deploymentStrategy", "terminationGracePeriodSeconds"} & set(predictor)
    (container,) = only(manifests(serving), "ServingRuntime")["spec"]["containers"]
    assert container["ports"] == [{"name": "http1", "containerPort": 8000}]
    assert "lifecycle" not in container
    assert "fsGroupChangePolicy" not in predictor["securityContext"]


def test_knative_lets_a_replica_go_once_fewer_were_enough_for_as_long_as_the_spec_says() -> None:
    delay = "autoscaling.knative.dev/scale-down-delay"
    scale = Autoscale(max=4, metric="requests", average=50, stabilization_s=60.0)
    assert predictor_of(a_knative_group(autoscale=scale))["annotations"][delay] == "60s"
    assert delay not in predictor_of(a_knative_group())["annotations"]
    assert delay not in predictor_of(an_inference_group(autoscale=replace(scale, metric="cpu")))["annotations"]


def test_requests_come_in_by_the_proxy_of_knative() -> None:
    policy = only(manifests(a_knative_group()), "NetworkPolicy")
    assert policy["spec"]["ingress"][0]["ports"] == [{"protocol": "TCP", "port": 8012}]


def test_knative_itself_reaches_its_proxies_and_metrics_are_asked_of_the_server() -> None:
    around = Surroundings(scraping="pod-monitor", monitoring=("monitoring",))
    found = manifests(a_knative_group(), around)
    itself, metrics = only(found, "NetworkPolicy")["spec"]["ingress"][1:]
    assert itself["from"] == [{"namespaceSelector": {"matchLabels": {NAMESPACE: "knative-serving"}}}]
    assert [port["port"] for port in itself["ports"]] == [8012, 8112, 8022, 9090, 9091]
    assert [port["port"] for port in metrics["ports"]] == [8000]
    assert only(found, "PodMonitor")["spec"]["podMetricsEndpoints"][0]["port"] == "user-port"


def test_clients_find_the_service_that_kserve_makes() -> None:
    served = []
    serving = an_inference_group()
    registered = registered_by(
        lambda: served.append(kserve.serve(serving, a_plan(serving), an_access(), a_home(), Surroundings()))
    )
    assert served[0].url == "http://digits-predictor.team-a.svc:80"
    assert (served[0].grpc_port, served[0].container) == (9000, "kserve-container")
    assert "kubernetes:serving.kserve.io/v1beta1:InferenceService" in {one.type for one in registered}

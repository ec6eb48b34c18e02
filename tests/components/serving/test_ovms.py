"""OVMS as a Deployment: what the API server and kubelet's static CPU manager ask of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.serving.placement_pods import plan_pods
from components.serving.platforms.ovms import OvmsGroup
from schemas.spec import Instances, NodePool, Serving, Taint
from tests.components.cluster.gke_builders import a_cluster, a_numa_pool, a_pool
from tests.components.cluster.recording import Registered, registered_by
from tests.components.cluster.sdk_shapes import mismatches

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SERVICE = "kubernetes:core/v1:Service"


def declared(pool: NodePool | None = None, **fields: Any) -> list[Registered]:
    serving = Serving(**{"name": "digits-ovms", "model": "digits", "platform": "ovms", **fields})
    pods = plan_pods(a_cluster(pool or a_numa_pool()), serving)
    return registered_by(lambda: OvmsGroup(serving, pods, model_uri="gs://models/digits", namespace="digits"))


def deployment(pool: NodePool | None = None, **fields: Any) -> dict[str, Any]:
    return next(r.props for r in declared(pool, **fields) if r.type == DEPLOYMENT)


def pod(pool: NodePool | None = None, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = deployment(pool, **fields)["spec"]["template"]["spec"]
    return found


def options(pool: NodePool | None = None, **fields: Any) -> dict[str, str]:
    words = pod(pool, **fields)["containers"][0]["args"]
    return {word: after for word, after in zip(words, [*words[1:], ""], strict=True) if word.startswith("--")}


def test_every_property_is_known_to_the_kubernetes_sdk() -> None:
    pytest.importorskip("pulumi_kubernetes")
    from pulumi_kubernetes.apps.v1 import DeploymentInitArgs
    from pulumi_kubernetes.core.v1 import ServiceInitArgs

    args = {DEPLOYMENT: DeploymentInitArgs, SERVICE: ServiceInitArgs}
    made = declared(a_numa_pool(taints=(Taint(key="model", value="active"),)), env={"A": "b"})
    found = {r.type: list(mismatches(args[r.type], r.props)) for r in made if r.type in args}
    assert found == {DEPLOYMENT: [], SERVICE: []}


def test_the_pod_is_guaranteed_with_whole_cpus() -> None:
    containers = pod(instances=Instances(per_numa_node=1, cores=7))["containers"]
    resources = containers[0]["resources"]
    assert len(containers) == 1
    assert resources["requests"] == resources["limits"] == {"cpu": "7", "memory": "7168Mi"}
    assert "initContainers" not in pod()


def test_no_sidecar_may_take_the_exclusive_cores_away() -> None:
    metadata = deployment()["spec"]["template"]["metadata"]
    assert metadata["labels"]["sidecar.istio.io/inject"] == "false"
    assert metadata["annotations"]["sidecar.istio.io/inject"] == "false"


def test_streams_threads_and_requests_agree() -> None:
    found = options(instances=Instances(per_numa_node=1, cores=6), streams=3)
    assert json.loads(found["--plugin_config"]) == {
        "NUM_STREAMS": "3",
        "INFERENCE_NUM_THREADS": "6",
        "ENABLE_CPU_PINNING": "YES",
    }
    assert int(found["--nireq"]) >= 3
    assert "--metrics_enable" in found


def test_threads_are_not_pinned_where_cores_are_shared() -> None:
    assert json.loads(options(a_pool())["--plugin_config"])["ENABLE_CPU_PINNING"] == "NO"


def test_the_ports_of_server_probes_and_service_are_the_same() -> None:
    container = pod()["containers"][0]
    service = next(r.props for r in declared() if r.type == SERVICE)
    by_name = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert (options()["--rest_port"], options()["--port"]) == (str(int(by_name["http"])), str(int(by_name["grpc"])))
    assert {port["targetPort"]: port["port"] for port in service["spec"]["ports"]} == by_name
    assert service["spec"]["selector"].items() <= deployment()["spec"]["template"]["metadata"]["labels"].items()


def test_readiness_asks_for_the_model_and_not_for_the_server() -> None:
    assert pod()["containers"][0]["readinessProbe"]["httpGet"]["path"] == "/v2/models/digits/ready"


def test_the_pods_go_to_their_pool_and_tolerate_its_taints() -> None:
    found = pod(a_numa_pool(taints=(Taint(key="model", value="active"),)))
    assert found["nodeSelector"] == {"cloud.google.com/gke-nodepool": "serving"}
    expected = {"key": "model", "operator": "Equal", "value": "active", "effect": "NoSchedule"}
    assert found["tolerations"] == [expected]


def test_a_surplus_pod_is_never_asked_for_while_updating() -> None:
    assert deployment()["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_the_image_is_the_last_with_v1_unless_the_spec_names_one() -> None:
    assert pod()["containers"][0]["image"] == "openvino/model_server:2026.2"
    assert pod(version="2026.3")["containers"][0]["image"] == "openvino/model_server:2026.3"

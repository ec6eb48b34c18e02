"""What each platform's server is told: consistent in itself, and asked whether it can use the model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.serving.pods.ovms import config, plugin_config
from components.serving.pods.server import FILES
from schemas.spec import Instances, Platform
from tests.components.cluster.gke_builders import a_cluster, a_numa_pool, a_pool
from tests.components.serving.pods.pod_builders import (
    a_group,
    a_node,
    a_plan,
    an_access,
    container_of,
    manifests,
    only,
    pod_of,
)

MLSERVER = "registry/inferstack-mlserver:1.7.1"


def an_ovms_group(**fields: Any) -> Any:
    return a_group(platform="ovms", **fields)


def told(platform: Platform, **fields: Any) -> Any:
    """The file that the server reads."""
    image = MLSERVER if platform == "mlserver" else None
    (text,) = only(manifests(a_group(platform=platform, image=image, **fields)), "ConfigMap")["data"].values()
    return json.loads(text)


def test_ovms_has_streams_threads_and_requests_that_agree_and_no_hint_beside_them() -> None:
    serving = an_ovms_group(instances=Instances(count=1, cores=6), streams=3)
    model = config(serving, a_plan(serving), an_access())["model_config_list"][0]["config"]
    assert model["plugin_config"] == {
        "NUM_STREAMS": "3",
        "INFERENCE_NUM_THREADS": "6",
        "ENABLE_CPU_PINNING": "YES",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    assert model["nireq"] >= 3


def test_ovms_pins_no_threads_where_cpus_are_shared() -> None:
    serving = an_ovms_group(exclusive=False, execution="auto")
    found = plugin_config(serving, a_plan(serving))
    assert found["ENABLE_CPU_PINNING"] == "NO"
    assert "INFERENCE_PRECISION_HINT" not in found


def test_ovms_reads_numbered_versions_below_the_models_folder_and_counts_requests() -> None:
    found = told("ovms")
    assert found["model_config_list"][0]["config"]["base_path"] == an_access().path
    assert found["monitoring"] == {"metrics": {"enable": True}}
    args = container_of(an_ovms_group())["args"]
    assert args[args.index("--config_path") + 1].startswith(f"{FILES}/")


def test_ovms_is_the_last_version_with_v1_unless_the_spec_names_one() -> None:
    assert container_of(an_ovms_group())["image"].endswith("model_server:2026.2")
    assert container_of(an_ovms_group(version="2026.3"))["image"].endswith("model_server:2026.3")
    assert container_of(an_ovms_group(image="mirror/ovms:1"))["image"] == "mirror/ovms:1"


def test_a_model_that_ovms_fetches_from_a_bucket_finds_room() -> None:
    serving = an_ovms_group()
    access = an_access(path="gs://models/digits", uri="gs://models/digits", init_containers=lambda _: ())
    spec = pod_of(serving, access=access)["spec"]
    assert "initContainers" not in spec
    assert next(one for one in spec["volumes"] if one["name"] == "scratch")["emptyDir"] == {}


@pytest.mark.parametrize("platform", ["openvino", "ovms", "mlserver"])
def test_a_pod_is_ready_once_its_model_is(platform: Platform) -> None:
    container = container_of(a_group(platform=platform, image=MLSERVER if platform == "mlserver" else None))
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] == "/v2/models/digits/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/v2/health/live"


def test_our_server_learns_how_many_cpus_it_asked_for_and_chooses_none() -> None:
    found = told("openvino", instances=Instances(count=1, cores=2), threads=2)
    assert (found["whole_cpus"], found["threads"]) == (2, 2)
    assert "cpus" not in found
    assert told("openvino", exclusive=False)["whole_cpus"] == 0


def test_our_server_is_told_a_digest_that_is_known_already() -> None:
    serving = a_group()
    found = only(manifests(serving, access=an_access(digest="0" * 64)), "ConfigMap")["data"]["server.json"]
    assert json.loads(found)["model"]["digest"] == "0" * 64
    assert told("openvino")["model"]["digest"] is None


def test_mlserver_runs_our_runtime_on_the_ports_of_all_pods() -> None:
    found = told("mlserver")
    assert (found["host"], found["rest_port"], found["grpc_port"]) == ("0.0.0.0", 8000, 9000)
    container = container_of(a_group(platform="mlserver", image=MLSERVER))
    assert container["command"][-1] == "components.serving.platforms.mlserver_runtime"
    assert container["image"] == MLSERVER


def test_pods_of_a_pool_go_there_and_tolerate_its_taints() -> None:
    from components.serving.placement_pods import plan_pods
    from schemas.spec import Taint

    serving = an_ovms_group(instances=Instances(per_numa_node=1, cores=7))
    plan = plan_pods(a_cluster(a_numa_pool(taints=(Taint(key="model", value="active"),))), serving)
    spec = pod_of(serving, plan=plan)["spec"]
    assert spec["nodeSelector"] == {"cloud.google.com/gke-nodepool": "serving"}
    assert spec["tolerations"] == [{"key": "model", "operator": "Equal", "value": "active", "effect": "NoSchedule"}]
    assert spec["topologySpreadConstraints"][0]["whenUnsatisfiable"] == "DoNotSchedule"


def test_threads_are_pinned_only_where_nodes_are_known_to_pin() -> None:
    from components.serving.placement_pods import plan_pods

    serving = an_ovms_group()
    assert plugin_config(serving, plan_pods(a_cluster(a_pool()), serving))["ENABLE_CPU_PINNING"] == "NO"
    assert plugin_config(serving, a_plan(serving, a_node(kubelet=None)))["ENABLE_CPU_PINNING"] == "NO"

"""The pods of a group, whatever the platform: pinned, restricted, replaced without a lost request."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml

from components.benchmarks.on_cluster.benchmark import COMPONENT as LOAD
from components.serving.pods.group import serve
from components.serving.pods.pod import version
from components.serving.pods.server import DRAIN_DELAY_S
from components.serving.pods.surroundings import Surroundings
from schemas.spec import Autoscale, Disruption, Platform, Serving, Taint
from tests.components.cluster.recording import Registered, registered_by
from tests.components.serving.pods.pod_builders import (
    a_group,
    a_home,
    a_node,
    a_plan,
    an_access,
    container_of,
    manifests,
    only,
    pod_of,
)

PLATFORMS: tuple[Platform, ...] = ("openvino", "ovms", "mlserver")
IMAGE = {"mlserver": "registry/inferstack-mlserver:1.7.1"}


def a_platform(platform: Platform, **fields: Any) -> Serving:
    return a_group(platform=platform, image=IMAGE.get(platform), **fields)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_group_of_each_platform_is_these_objects(platform: Platform, golden: Callable[[str, str], None]) -> None:
    found = manifests(a_platform(platform))
    golden(f"{platform}.yaml", yaml.safe_dump_all(map(_plain, found), sort_keys=True, width=110))


def _plain(manifest: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(manifest))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_container_of_a_pinned_pod_has_the_same_whole_cpus(platform: Platform) -> None:
    spec = pod_of(a_platform(platform))["spec"]
    for one in [*spec["containers"], *spec["initContainers"]]:
        assert one["resources"]["requests"] == one["resources"]["limits"] == {"cpu": "1", "memory": "2Gi"}
    assert len(spec["containers"]) == 1


def test_hyper_threads_make_a_core_two_cpus_of_one_thread() -> None:
    serving = a_group()
    plan = a_plan(serving, a_node(threads_per_core=2))
    assert container_of(serving, plan=plan)["resources"]["limits"]["cpu"] == "2"
    assert (plan.cpus, plan.threads) == (2, 1)
    assert a_plan(a_group(hyperthreads=True), a_node(threads_per_core=2)).threads == 2


def test_pods_that_share_cores_have_no_quota() -> None:
    resources = container_of(a_group(exclusive=False))["resources"]
    assert resources == {"requests": {"cpu": "250m", "memory": "2Gi"}, "limits": {"memory": "2Gi"}}


def test_no_sidecar_may_take_the_exclusive_cores_away() -> None:
    metadata = pod_of(a_group())["metadata"]
    assert (
        metadata["labels"]["sidecar.istio.io/inject"] == metadata["annotations"]["sidecar.istio.io/inject"] == "false"
    )


def test_a_model_is_fetched_once_the_proxy_of_the_mesh_is_there() -> None:
    annotation = "sidecar.istio.io/nativeSidecar"
    assert pod_of(a_group(mesh=True, exclusive=False))["metadata"]["annotations"][annotation] == "true"
    assert annotation not in pod_of(a_group())["metadata"]["annotations"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_pods_keep_the_restricted_standard(platform: Platform) -> None:
    spec = pod_of(a_platform(platform))["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    context = spec["containers"][0]["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["readOnlyRootFilesystem"] is True


def test_another_model_is_another_pod() -> None:
    one, other = (pod_of(a_group(), access=an_access(key=key)) for key in ("0123abcd", "4567cdef"))
    assert one["metadata"]["annotations"] != other["metadata"]["annotations"]


def test_other_arguments_are_another_immutable_file() -> None:
    one, other = (only(manifests(a_group(threads=n)), "ConfigMap") for n in (1, 2))
    assert one["metadata"]["name"] != other["metadata"]["name"]
    assert one["immutable"] is True


def test_our_server_waits_itself_before_it_refuses_connections() -> None:
    serving = a_group(drain_s=20.0)
    told = json.loads(only(manifests(serving), "ConfigMap")["data"]["server.json"])
    assert (told["drain_delay_s"], told["drain_s"]) == (DRAIN_DELAY_S, 20.0)
    assert "lifecycle" not in container_of(serving)
    assert pod_of(serving)["spec"]["terminationGracePeriodSeconds"] > DRAIN_DELAY_S + 20


@pytest.mark.parametrize("platform", ["ovms", "mlserver"])
def test_the_pods_of_others_wait_before_they_tell_their_server_to_end(platform: Platform) -> None:
    serving = a_platform(platform, drain_s=20.0)
    assert container_of(serving)["lifecycle"]["preStop"] == {"sleep": {"seconds": DRAIN_DELAY_S}}
    assert pod_of(serving)["spec"]["terminationGracePeriodSeconds"] > DRAIN_DELAY_S + 20


def test_the_service_has_the_ports_that_the_spec_names() -> None:
    spec = only(manifests(a_group(port=80, grpc_port=81)), "Service")["spec"]
    assert {port["name"]: (port["port"], port["targetPort"]) for port in spec["ports"]} == {
        "http": (80, "http"),
        "grpc": (81, "grpc"),
    }
    labels = pod_of(a_group())["metadata"]["labels"]
    assert spec["selector"].items() <= labels.items()


def test_a_new_pod_starts_first_where_there_is_room_for_it() -> None:
    roomy = only(manifests(a_group()), "Deployment")["spec"]["strategy"]["rollingUpdate"]
    full = a_plan(a_group(replicas=2), a_node(free_millicpus=2000))
    crowded = only(manifests(a_group(replicas=2), plan=full), "Deployment")["spec"]["strategy"]["rollingUpdate"]
    assert roomy == {"maxSurge": 1, "maxUnavailable": 0}
    assert crowded == {"maxSurge": 0, "maxUnavailable": 1}


def test_an_autoscaled_deployment_leaves_its_replicas_to_the_autoscaler() -> None:
    serving = a_group(autoscale=Autoscale(min=2, max=4))
    assert "replicas" not in only(manifests(serving), "Deployment")["spec"]
    assert only(manifests(a_group(replicas=3)), "Deployment")["spec"]["replicas"] == 3


def test_pods_that_fill_a_numa_node_are_spread_strictly_and_others_where_it_can_be() -> None:
    large = a_group(instances=a_group().instances.__class__(count=2, cores=5))
    strict = pod_of(large, plan=a_plan(large, a_node(), a_node(name="node-2")))["spec"]["topologySpreadConstraints"]
    loose = pod_of(a_group())["spec"]["topologySpreadConstraints"]
    assert [one["whenUnsatisfiable"] for one in (*strict, *loose)] == ["DoNotSchedule", "ScheduleAnyway"]
    assert "topologySpreadConstraints" not in pod_of(a_group(spread="none"))["spec"]
    assert len(pod_of(a_group(spread="zone"))["spec"]["topologySpreadConstraints"]) == 2


def test_pods_go_where_the_spec_sends_them() -> None:
    serving = a_group(node_selector={"tier": "serving"}, tolerations=(Taint(key="model", value="active"),))
    plan = a_plan(serving, a_node(labels={"tier": "serving"}))
    spec = pod_of(serving, plan=plan)["spec"]
    assert spec["nodeSelector"] == {"tier": "serving"}
    assert spec["tolerations"] == [{"key": "model", "operator": "Equal", "value": "active", "effect": "NoSchedule"}]


def test_a_number_of_priority_makes_a_class_and_a_name_does_not() -> None:
    numbered, named = manifests(a_group(priority=1000)), manifests(a_group(priority_class="high"))
    made = only(numbered, "PriorityClass")
    assert made["value"] == 1000
    spec = only(numbered, "Deployment")["spec"]["template"]["spec"]
    assert spec["priorityClassName"] == made["metadata"]["name"] == "demo-digits"
    assert only(named, "Deployment")["spec"]["template"]["spec"]["priorityClassName"] == "high"
    assert "PriorityClass" not in {one["kind"] for one in named}


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"replicas": 1}, None),
        ({"replicas": 2}, {"maxUnavailable": 1}),
        ({"autoscale": Autoscale(max=4)}, {"maxUnavailable": 1}),
        ({"replicas": 3, "disruption": Disruption(min_available=2)}, {"minAvailable": 2}),
        ({"replicas": 3, "disruption": Disruption(max_unavailable=2)}, {"maxUnavailable": 2}),
    ],
)
def test_a_budget_lets_nodes_be_drained(fields: dict[str, Any], limit: dict[str, int] | None) -> None:
    found = [one for one in manifests(a_group(**fields)) if one["kind"] == "PodDisruptionBudget"]
    assert [{k: v for k, v in one["spec"].items() if "vailable" in k} for one in found] == ([limit] if limit else [])


def test_a_store_identity_is_used_instead_of_one_of_our_own() -> None:
    found = manifests(a_group(), access=an_access(service_account="models"))
    assert "ServiceAccount" not in {one["kind"] for one in found}
    assert only(found, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == "models"


def test_a_foreign_prometheus_is_told_of_the_pods_and_our_own_need_not_be() -> None:
    told = manifests(a_group(), Surroundings(scraping="pod-monitor"))
    assert only(told, "PodMonitor")["spec"]["podMetricsEndpoints"][0]["path"] == "/metrics"
    assert only(manifests(a_group(), Surroundings(scraping="pod-monitoring")), "PodMonitoring")
    assert not {one["kind"] for one in manifests(a_group())} & {"PodMonitor", "PodMonitoring", "ServiceMonitor"}


def test_a_proxy_of_the_mesh_has_the_metrics_whoever_asks_for_them() -> None:
    group = a_group(mesh=True, exclusive=False)
    told = only(manifests(group, Surroundings(scraping="pod-monitoring")), "PodMonitoring")
    assert told["spec"]["endpoints"] == [{"port": 15020, "path": "/stats/prometheus", "interval": "15s"}]
    # A proxy merges them where the pod says so, even if it is not usual in its mesh.
    merging = "prometheus.istio.io/merge-metrics"
    assert pod_of(group)["metadata"]["annotations"][merging] == "true"
    assert merging not in pod_of(a_group())["metadata"]["annotations"]


def test_a_foreign_prometheus_finds_its_monitors_by_their_labels() -> None:
    around = Surroundings(scraping="pod-monitor", monitors={"release": "prometheus"})
    labels = only(manifests(a_group(), around), "PodMonitor")["metadata"]["labels"]
    assert labels == {**a_home().labels("digits", "serving"), "inferstack/group": "digits", "release": "prometheus"}


def declared(serving: Serving) -> list[Registered]:
    import pulumi

    def program() -> None:
        home = a_home(provider=pulumi.ProviderResource("kubernetes", "demo", {}))
        served = serve(serving, a_plan(serving), an_access(), home, Surroundings())
        assert (served.url, served.grpc_port) == ("http://digits.team-a.svc:8000", 9000)
        assert (served.container, served.model, served.replicas) == (serving.platform, "digits", 1)

    return registered_by(program)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_group_is_declared_under_its_own_names(platform: Platform) -> None:
    found = {(one.type.rpartition(":")[2], one.name) for one in declared(a_platform(platform))}
    kinds = {"Pods", "Deployment", "Service", "ConfigMap", "NetworkPolicy", "ServiceAccount"}
    assert found >= {(kind, "digits") for kind in kinds}


@pytest.mark.parametrize("kind", ["Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget"])
def test_a_group_is_never_the_pods_of_a_benchmark_of_its_name(kind: str) -> None:
    spec = only(manifests(a_group(replicas=2)), kind)["spec"]
    found = spec.get("podSelector") or spec["selector"]
    load = a_home().labels("digits", LOAD)
    assert not (found.get("matchLabels") or found).items() <= load.items()


def test_a_template_is_known_by_its_key_before_the_model_is_made() -> None:
    def waiting(unknown: object) -> str:
        order = {"name": "fetch", "args": [unknown]}
        return version(pod_of(a_group(), access=an_access(init_containers=lambda _: (order,))))

    assert waiting(object()) == waiting(object())
    assert waiting("another order") != waiting(object())

"""Groups as SeldonDeployments: with the executor and without it, alone and as predictors of one split."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from components.serving.placement_misfit import Misfit
from components.serving.pods import seldon
from components.serving.pods.surroundings import Surroundings
from components.serving.pods.workload import metadata
from schemas.spec import Autoscale, Instances, Traffic
from tests.components.cluster.recording import registered_by
from tests.components.serving.pods.pod_builders import a_group, a_home, a_node, a_plan, an_access, only


def a_part(**fields: Any) -> seldon.Part:
    serving = a_group(**{"platform": "seldon", **fields})
    return seldon.Part(serving, a_plan(serving), an_access())


def manifests(part: seldon.Part) -> list[Mapping[str, Any]]:
    home = a_home()
    predictor = seldon.predictor(part, home, "model")
    whole = seldon.deployment(metadata(part.serving, home), [predictor], part.serving.protocol)
    return [*seldon.needed(part, home, Surroundings()), whole, *seldon.after(part, home, Surroundings())]


def predictor_of(part: seldon.Part) -> Any:
    (one,) = only(manifests(part), "SeldonDeployment")["spec"]["predictors"]
    return one


def as_yaml(found: list[Mapping[str, Any]]) -> str:
    return yaml.safe_dump_all(json.loads(json.dumps(found)), sort_keys=True, width=110)


def test_a_group_with_the_executor_is_these_objects(golden: Callable[[str, str], None]) -> None:
    golden("seldon.yaml", as_yaml(manifests(a_part())))


def test_a_group_without_the_executor_says_so_in_its_predictor() -> None:
    predictor = predictor_of(a_part(executor=False))
    assert predictor["annotations"] == {"seldon.io/svc-name": "digits", "seldon.io/no-engine": "true"}
    assert "svcOrchSpec" not in predictor


def test_the_executor_gets_as_much_as_it_requests_and_the_figures_say_how_much() -> None:
    resources = predictor_of(a_part())["svcOrchSpec"]["resources"]
    assert resources["requests"] == resources["limits"] == {"cpu": "500m", "memory": "512Mi"}
    assert "each request passes Seldon's executor, which may use 500m of a CPU" in seldon.notes(a_part())
    assert "without Seldon's executor" in seldon.notes(a_part(executor=False))


def test_the_server_leaves_the_usual_ports_to_the_executor() -> None:
    part = a_part()
    (container,) = predictor_of(part)["componentSpecs"][0]["spec"]["containers"]
    assert [port["containerPort"] for port in container["ports"]] == [9000, 9500]
    told = json.loads(only(manifests(part), "ConfigMap")["data"]["server.json"])
    assert (told["rest_port"], told["grpc_port"]) == (9000, 9500)


def test_the_graph_and_the_container_are_named_after_the_model() -> None:
    predictor = predictor_of(a_part(name="fast"))
    assert predictor["graph"]["name"] == predictor["componentSpecs"][0]["spec"]["containers"][0]["name"] == "digits"


def test_each_protocol_is_one_that_seldon_knows() -> None:
    def spoken(**fields: Any) -> tuple[str, str]:
        spec = only(manifests(a_part(**fields)), "SeldonDeployment")["spec"]
        return spec["protocol"], spec["transport"]

    assert spoken(protocol="v1") == ("tensorflow", "rest")
    assert spoken(protocol="v2") == ("v2", "rest")
    assert spoken(protocol="grpc") == ("v2", "grpc")


def test_an_autoscaled_group_has_no_fixed_replicas() -> None:
    predictor = predictor_of(a_part(autoscale=Autoscale(min=2, max=4, utilization=70)))
    assert "replicas" not in predictor
    hpa = predictor["componentSpecs"][0]["hpaSpec"]
    assert (hpa["minReplicas"], hpa["maxReplicas"]) == (2, 4)
    assert hpa["metricsv2"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 70}


def test_a_container_that_waits_by_itself_is_not_kept_by_the_operator() -> None:
    (ours,) = predictor_of(a_part())["componentSpecs"][0]["spec"]["containers"]
    (ovms,) = predictor_of(a_part(runtime="ovms"))["componentSpecs"][0]["spec"]["containers"]
    assert ours["lifecycle"]["preStop"] == {"exec": {"command": ["true"]}}
    assert ovms["lifecycle"]["preStop"] == {"exec": {"command": ["sleep", "5"]}}


def test_a_group_that_leaves_no_room_is_told_what_its_changes_wait_for() -> None:
    serving = a_group(platform="seldon")
    tight = seldon.Part(serving, replace(a_plan(serving), surge=False), an_access())
    assert any("room for one pod more" in note for note in seldon.notes(tight))


def test_the_executor_needs_room_beside_the_server() -> None:
    node, size = a_node(free_millicpus=7400), Instances(count=1, cores=7)
    assert a_plan(a_group(platform="seldon", executor=False, instances=size), node).millicpus == 7000
    with pytest.raises(Misfit):
        a_plan(a_group(platform="seldon", instances=size), node)


def test_a_plan_says_what_a_change_without_room_waits_for() -> None:
    plan = a_plan(a_group(platform="seldon", instances=Instances(count=1, cores=6)), a_node())
    assert any("Seldon Core, which starts the new one first, waits" in line for line in plan.fit)


def test_groups_of_a_split_are_predictors_with_shares() -> None:
    traffic = Traffic(name="both", via="platform", split={"old": 90, "new": 10}, hostnames=("models.example.org",))
    manifest = seldon.split(traffic, [a_part(name="old"), a_part(name="new", executor=False)], a_home())
    assert [(one["name"], one["traffic"]) for one in manifest["spec"]["predictors"]] == [("old", 90), ("new", 10)]
    assert manifest["spec"]["annotations"] == {
        "seldon.io/istio-host": "models.example.org",
        "seldon.io/istio-gateway": "team-a/both",
    }


def test_groups_of_a_split_keep_services_of_their_own() -> None:
    traffic = Traffic(name="both", via="platform", split={"old": 90, "new": 10})
    served: list[Any] = []
    parts = [a_part(name="old"), a_part(name="new", executor=False)]
    registered = registered_by(lambda: served.extend(seldon.serve_together(traffic, parts, a_home(), Surroundings())))
    assert [(one.service, one.rest_port, one.grpc_port) for one in served] == [("old", 8000, 5001), ("new", 9000, 9500)]
    assert [one.name for one in registered if one.type.endswith(":SeldonDeployment")] == ["both"]


def test_a_group_alone_is_a_deployment_of_its_name() -> None:
    part = a_part(protocol="grpc")
    served: list[Any] = []
    registered_by(lambda: served.append(seldon.serve(part.serving, part.plan, part.access, a_home(), Surroundings())))
    assert (served[0].host, served[0].health) == ("digits.team-a.svc", "/ready")

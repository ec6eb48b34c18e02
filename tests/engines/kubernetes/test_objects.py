"""Manifests as resources: names, ids and the shape that the state keeps, where secrets stand in it."""

from __future__ import annotations

import pytest

from stack.engines.kubernetes import objects, trees
from stack.engines.values import UNKNOWN, Secret

URN = "urn:pulumi:test::project::kubernetes:core/v1:ConfigMap::web"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"


@pytest.mark.parametrize(
    ("type_", "id_", "version", "kind", "namespace"),
    [
        (CONFIG_MAP, "demo/a", "v1", "ConfigMap", "demo"),
        ("kubernetes:apps/v1:Deployment", "demo/a", "apps/v1", "Deployment", "demo"),
        ("kubernetes:core/v1:Namespace", "a", "v1", "Namespace", None),
    ],
)
def test_a_type_and_an_id_name_an_object(type_: str, id_: str, version: str, kind: str, namespace: str | None) -> None:
    obj = objects.named(type_, id_)

    assert (obj["apiVersion"], obj["kind"], obj["metadata"].get("namespace")) == (version, kind, namespace)
    assert objects.id_of(obj) == id_


def test_a_name_that_nobody_chose_follows_from_the_resource_and_stays() -> None:
    first = objects.checked(URN, CONFIG_MAP, {}, {"data": {"x": "1"}})
    again = objects.checked(URN, CONFIG_MAP, {}, {"data": {"x": "1"}})
    kept = objects.checked(URN, CONFIG_MAP, {**first, "metadata": {**first["metadata"], "name": "web-other"}}, {})
    named = objects.checked(URN, CONFIG_MAP, first, {"metadata": {"name": "chosen"}})

    assert first == again
    assert first["metadata"]["name"].startswith("web-")
    assert first["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
    assert (kept["metadata"]["name"], named["metadata"]) == ("web-other", {"name": "chosen"})


def test_a_manifest_is_kept_without_what_the_server_keeps_and_with_its_kind() -> None:
    given = {"metadata": {"name": "a", "creationTimestamp": None, "uid": "1", "labels": {"a": "b"}}}

    assert objects.checked(URN, CONFIG_MAP, {}, given, "demo") == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "labels": {"a": "b"}, "namespace": "demo"},
    }


def test_the_text_of_a_secret_is_kept_encoded() -> None:
    given = {"metadata": {"name": "a"}, "data": {"x": "AQ=="}, "stringData": {"y": "word", "z": UNKNOWN}}

    checked = objects.checked(URN, "kubernetes:core/v1:Secret", {}, given)

    assert checked["data"] == {"x": "AQ==", "y": "d29yZA==", "z": UNKNOWN}
    assert "stringData" not in checked


@pytest.mark.parametrize(
    ("type_", "kind", "place"),
    [
        ("kubernetes:core/v1:ConfigMapPatch", "ConfigMap", "kind"),
        ("kubernetes:core/v1:ConfigMapList", "ConfigMapList", "kind"),
    ],
)
def test_what_is_no_object_is_refused(type_: str, kind: str, place: str) -> None:
    (failure,) = objects.failures(type_, {"kind": kind, "items": [], "metadata": {}})

    assert failure.property == place


def test_the_state_keeps_the_whole_object_and_how_it_came_about() -> None:
    inputs = {
        "apiVersion": "v1",
        "kind": "Thing",
        "metadata": {"name": "a"},
        "spec": {"x-kubernetes-map-type": "atomic"},
    }
    live = {**inputs, "metadata": {"name": "a", "uid": "1"}, "status": {"phase": "x"}}

    kept = objects.kept(live, inputs, "pulumi-kubernetes-12345678")

    assert kept["metadata"] == {"name": "a", "uid": "1"}
    assert kept["status"] == {"phase": "x"}
    assert (kept["__fieldManager"], kept["__initialApiVersion"]) == ("pulumi-kubernetes-12345678", "v1")
    assert kept["__inputs"]["spec"] == kept["spec"] == {"x_kubernetes_map_type": "atomic"}
    assert trees.on_the_wire(kept["spec"]) == inputs["spec"]


def test_what_a_cluster_will_choose_is_unknown_beforehand() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}}

    told = objects.foretold(service)

    assert told["spec"] == {"ports": [{"port": 80}], "clusterIP": UNKNOWN, "clusterIPs": UNKNOWN}
    assert told["status"] == UNKNOWN
    assert objects.foretold({**service, "spec": {"clusterIP": "None"}})["spec"]["clusterIP"] == "None"


def test_a_secret_stands_where_the_input_has_it_and_nowhere_else() -> None:
    like = {"kind": "Thing", "spec": {"open": "a", "env": [{"name": "A"}, {"name": "B", "value": Secret("hidden")}]}}
    live = {
        "kind": "Thing",
        "metadata": {"annotations": {trees.LAST_APPLIED: "{hidden}", "other": "seen"}},
        "spec": {"open": "a", "env": [{"name": "A"}, {"name": "B", "value": "hidden"}], "more": 1},
        "__inputs": {"kind": "Thing", "spec": {"env": [{"name": "A"}, {"name": "B", "value": "hidden"}]}},
    }

    hidden = trees.hide(live, like)

    assert hidden["spec"] == {"open": "a", "env": [{"name": "A"}, {"name": "B", "value": Secret("hidden")}], "more": 1}
    assert hidden["__inputs"]["spec"]["env"][1]["value"] == Secret("hidden")
    assert hidden["metadata"]["annotations"] == {trees.LAST_APPLIED: Secret("{hidden}"), "other": "seen"}


def test_a_list_of_another_length_is_hidden_as_a_whole() -> None:
    like = {"kind": "Thing", "env": [{"value": Secret("hidden")}]}

    assert trees.hide({"kind": "Thing", "env": [{"value": "x"}, {"value": "hidden"}]}, like)["env"] == Secret(
        [{"value": "x"}, {"value": "hidden"}]
    )


def test_all_data_of_a_secret_is_hidden_whatever_the_program_says() -> None:
    values = {"kind": "Secret", "data": {"a": "eA=="}, "__inputs": {"kind": "Secret", "data": {"a": "eA=="}}}

    hidden = trees.hide(values, {})

    assert hidden["data"] == hidden["__inputs"]["data"] == Secret({"a": "eA=="})


def test_what_was_asked_for_is_told_from_what_the_cluster_filled_in() -> None:
    shape = {"spec": {"replicas": 1, "absent": None, "containers": [{"name": "b", "image": "x"}], "args": ["1", "2"]}}
    injected = {"name": "a", "image": "sidecar"}
    live = {
        "spec": {
            "replicas": 3,
            "paused": False,
            "absent": "filled in",
            "containers": [injected, {"name": "b", "image": "y", "policy": "Always"}],
            "args": ["1"],
        },
        "status": {},
    }

    assert trees.asked_for(live, shape) == {
        "spec": {"replicas": 3, "containers": [{"name": "b", "image": "y"}], "args": ["1"]}
    }

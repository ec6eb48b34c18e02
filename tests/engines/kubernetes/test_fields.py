"""Who owns which field of an object, and how ownership is handed over."""

from __future__ import annotations

from typing import Any

from stack.engines.kubernetes import fields

OURS = "pulumi-kubernetes-12345678"


def an_entry(manager: str, owned: dict[str, Any], operation: str = "Apply", **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": owned, **more}


def an_object(*entries: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a", "managedFields": list(entries)}, "spec": spec}


def test_what_pulumis_plain_create_owned_becomes_ours() -> None:
    theirs = an_entry("pulumi-kubernetes", {"f:data": {".": {}, "f:x": {}}}, "Update", time="then")
    ours = an_entry(OURS, {"f:data": {"f:y": {}}})
    status = an_entry("pulumi-kubernetes", {"f:status": {}}, "Update", subresource="status")

    entries = fields.inherited(an_object(theirs, status, ours), OURS)

    merged = {"f:data": {".": {}, "f:x": {}, "f:y": {}}}
    assert entries == [status, {**an_entry(OURS, merged), "time": "then"}]


def test_an_object_that_was_always_ours_has_nothing_to_inherit() -> None:
    assert fields.inherited(an_object(an_entry(OURS, {"f:data": {}})), OURS) is None


def test_replicas_that_are_no_longer_stated_are_given_up() -> None:
    live = an_object(an_entry(OURS, {"f:spec": {"f:replicas": {}, "f:paused": {}}}), replicas=3, paused=True)

    assert fields.given_up(live, OURS, {"spec": {"replicas": 1}}) == ()
    assert fields.given_up(live, "pulumi-kubernetes-other", {"spec": {}}) == ()
    assert fields.given_up(live, OURS, {"spec": {"paused": True}}) == ("spec.replicas",)
    assert fields.released(live, OURS, ("spec.replicas",)) == [an_entry(OURS, {"f:spec": {"f:paused": {}}})]
    assert fields.released(live, OURS, ("spec.other",)) is None


def test_a_place_in_a_list_is_owned_by_the_items_keys() -> None:
    containers = [{"name": "main", "image": "a"}, {"name": "side", "image": "b"}]
    side = {"f:spec": {"f:containers": {'k:{"name":"side"}': {"f:image": {}}}}}
    live = an_object(an_entry("other", side, "Update"), containers=containers)

    assert fields.owned_by_others(live, OURS, "spec.containers[1].image")
    assert fields.owned_by_others(live, OURS, "spec.containers[1]")
    assert fields.owned_by_others(live, OURS, "spec.containers[*].image")
    assert not fields.owned_by_others(live, OURS, "spec.containers[0].image")
    assert not fields.owned_by_others(live, "other", "spec.replicas")


def test_a_place_inside_something_owned_as_a_whole_is_owned() -> None:
    live = an_object(an_entry("other", {"f:spec": {"f:selector": {}}}), selector={"app": "a"})

    assert fields.owned_by_others(live, OURS, "spec.selector.app")


def test_what_is_left_to_others_is_sent_as_it_is_or_not_at_all() -> None:
    inputs = {"metadata": {"name": "a"}, "spec": {"replicas": 1, "paused": False, "size": 1}}
    live = an_object(an_entry("other", {"f:spec": {"f:replicas": {}}}), replicas=7, paused=True, size=2)

    body = fields.applied(inputs, live, OURS, ("spec.replicas", "spec.paused"))

    assert body["spec"] == {"paused": True, "size": 1}
    assert inputs["spec"] == {"replicas": 1, "paused": False, "size": 1}

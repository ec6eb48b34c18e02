"""A plan for scripts, and as it is stored."""

from __future__ import annotations

import json

from stack import plan as plans
from stack.render.plan_json import plan_json
from tests.builders.plans import a_plan, a_rich_plan


def test_a_plan_comes_back_from_its_json() -> None:
    plan = a_rich_plan()
    assert plans.from_json(json.loads(json.dumps(plans.as_json(plan)))) == plan


def test_the_json_names_changes_and_their_causes() -> None:
    data = json.loads(json.dumps(plan_json(a_rich_plan())))

    first = next(change for change in data["changes"] if change["name"] == "digits-latency-0")
    assert first["op"] == "update"
    assert first["properties"][0] == {
        "path": "threads",
        "kind": "update",
        "old": 2,
        "new": 4,
        "secret": False,
        "unknown": False,
        "forcesReplacement": False,
        "why": "",
        "source": {"text": "environments/local.yaml:14:7", "layer": "file", "overrides": ["base.yaml:9:5"]},
    }
    assert data["counts"] == {"create": 11, "update": 2, "replace": 1, "delete": 3, "read": 0, "same": 2}
    assert data["impact"]["groups"][0]["restarts"] == ["digits-latency-0", "digits-latency-1"]
    assert data["impact"]["benchmarks"] == ["steady"]
    assert data["blocked"] == ["precious is protected and would be deleted"]
    assert data["plansOnly"] == ["gcp:container/nodePool:NodePool"]


def test_what_stays_is_left_out_unless_asked_for() -> None:
    assert not [change for change in plan_json(a_rich_plan())["changes"] if change["op"] == "same"]
    assert [change for change in plan_json(a_rich_plan(), everything=True)["changes"] if change["op"] == "same"]


def test_an_empty_plan_says_so() -> None:
    data = plan_json(a_plan())
    assert (data["empty"], data["changes"]) == (True, [])

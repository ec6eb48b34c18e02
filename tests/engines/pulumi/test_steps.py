"""Recorded previews of the real command line become plans: `streams/`, one file a run.

`preview-change` updates, replaces both ways, creates, deletes and leaves alone; `kubernetes-change` is told path by
path by pulumi-kubernetes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from stack.engines.pulumi.drift import drift_of
from stack.engines.pulumi.narration import Narration
from stack.engines.pulumi.steps import plan_of
from stack.plan import Change, Plan, Source
from stack.render.plan_text import render_plan
from tests.builders.pulumi_events import a_step, begins, recorded


class Somewhere(NamedTuple):
    """A place in a spec, as plans want to know it."""

    layer: str
    text: str
    overrides: None = None


def a_plan(name: str, **options: object) -> Plan:
    """The plan of a recorded preview."""
    return plan_of(recorded(name), project="project", stack="test", **options)  # type: ignore[arg-type]


def of(plan: Plan, name: str) -> Change:
    """What happens to a resource."""
    (found,) = (change for change in plan.changes if change.name == name)
    return found


def test_a_first_preview_creates_everything_and_shows_no_default_provider() -> None:
    plan = a_plan("preview-create")

    assert {change.name: change.op for change in plan.changing} == dict.fromkeys(
        ("stays", "changes", "moves", "first", "goes", "hidden", "uses"), "create"
    )
    assert plan.lineage == ""
    assert not [change for change in plan.changes if "default" in change.name]
    assert [found.path for found in plan.outputs] == ["changes"]


def test_each_operation_comes_once_whatever_steps_it_takes() -> None:
    plan = a_plan("preview-change")

    assert {change.name: change.op for change in plan.changes if not change.component} == {
        "stays": "same",
        "changes": "update",
        "moves": "replace",
        "first": "replace",
        "goes": "delete",
        "hidden": "update",
        "uses": "update",
        "new": "create",
    }


def test_the_order_of_the_work_tells_which_replacement_deletes_first() -> None:
    plan = a_plan("preview-change")

    assert (of(plan, "first").delete_first, of(plan, "moves").delete_first) == (True, False)
    (forcing,) = of(plan, "moves").properties
    assert (forcing.path, forcing.old, forcing.new, forcing.forces_replacement) == ("kind", "old", "new", True)


def test_what_depends_on_a_change_is_known_after_it() -> None:
    (found,) = of(a_plan("preview-change"), "uses").properties

    assert (found.path, found.unknown, found.new) == ("content", True, None)


def test_a_changed_secret_is_told_and_never_shown() -> None:
    plan = a_plan("preview-change")

    assert of(plan, "hidden").properties == ()
    assert of(plan, "hidden").reasons == ("a secret changes, or the provider finds it other than it was left",)
    password = of(a_plan("kubernetes-change"), "secret").properties[0]
    assert (password.path, password.secret, password.old, password.new) == ("data.password", True, None, None)


def test_parents_stand_before_their_children_and_deletions_last() -> None:
    names = [change.name for change in a_plan("preview-change").changes]

    assert names.index("g") + 1 == names.index("changes")
    assert names[-1] == "goes"


def test_a_provider_that_tells_paths_is_taken_at_its_word() -> None:
    plan = a_plan("kubernetes-change")

    (data,) = of(plan, "config").properties
    assert (data.path, data.kind, data.old, data.new) == ("data.x", "update", "1", "2")
    (address,) = of(plan, "service").properties
    assert (address.path, address.kind, address.old, address.new) == ("spec.clusterIP", "add", None, "None")
    assert all(change.op == "replace" and change.delete_first for change in plan.changing)


def test_values_know_where_they_come_from() -> None:
    def origins(_type: str, _name: str, path: str) -> Somewhere | None:
        return Somewhere("spec.yaml", "spec.yaml:7:3") if path == "data.x" else None

    plan = a_plan("kubernetes-change", origins=origins)

    assert of(plan, "config").properties[0].source == Source("spec.yaml:7:3", "spec.yaml")
    assert of(plan, "service").properties[0].source is None


def test_the_same_preview_is_the_same_plan_and_another_state_or_program_is_not() -> None:
    plan = a_plan("preview-change")

    assert a_plan("preview-change").digest == plan.digest
    assert a_plan("preview-create").digest != plan.digest
    assert (a_plan("preview-create").inputs_digest, "") != (plan.inputs_digest, plan.lineage)


def test_a_name_that_a_provider_makes_up_does_not_make_another_plan() -> None:
    def made(suffix: str, content: str = "1") -> str:
        step = a_step("create", "logs")
        step["new"] = {**step["new"], "inputs": {"name": f"logs-{suffix}", "content": content}}
        return plan_of([begins(step)], project="project", stack="test").digest

    assert made("1a2b3c4") == made("5d6e7f8")
    assert made("1a2b3c4") != made("1a2b3c4", content="2")


def test_destroying_deletes_everything_and_takes_the_outputs_along() -> None:
    plan = a_plan("preview-destroy", destroy=True)

    assert plan.destroy
    assert {change.op for change in plan.changes} == {"delete"}
    assert [(found.path, found.kind) for found in plan.outputs] in ([], [("changes", "delete")])


def test_a_refresh_tells_what_is_gone_and_what_is_other_than_it_was_left() -> None:
    here, there = drift_of(recorded("refresh"), (), 1.0), drift_of(recorded("kubernetes-refresh"), (), 1.0)

    assert [subject.name for subject in here.gone] == ["stays"]
    assert [drifted.subject.name for drifted in here.changed] == ["uses"]
    assert here.checked == 7
    assert [subject.name for subject in there.gone] == ["service"]
    (found,) = there.changed[0].properties
    assert (found.path, found.old, found.new) == ("data.x", "1", "by hand")


def test_an_update_is_narrated_to_its_end() -> None:
    narration = Narration(lambda event: None, a_plan("preview-create"))
    for event in recorded("up"):
        narration.hear(event)

    assert sorted(done.subject.name for done in narration.done) == [
        "changes",
        "first",
        "goes",
        "hidden",
        "moves",
        "stays",
        "uses",
    ]
    assert narration.missing(interrupted=False) == ((), ())


def test_a_failing_update_is_narrated_with_the_error_and_not_its_trace() -> None:
    narration = Narration(lambda event: None, plan_of((), project="project", stack="test"))
    for event in recorded("up-failing"):
        narration.hear(event)

    (failed,) = narration.failed
    assert (failed.subject.name, failed.message) == ("bad", "RuntimeError: cannot create bad")


def test_a_plan_of_pulumis_reads_as_ours(golden: Callable[[str, str], None]) -> None:
    golden("preview-change.txt", render_plan(a_plan("preview-change"), colour=False))
    golden("kubernetes-change.txt", render_plan(a_plan("kubernetes-change"), colour=False))


def test_what_is_left_to_the_cloud_is_neither_shown_nor_a_reason() -> None:
    told = {
        "size": {"diffKind": "update-replace", "inputDiff": False},
        "labels": {"diffKind": "add-replace", "inputDiff": False},
    }
    step = a_step("replace", "pool", detailedDiff=told)
    step["old"] = {**step["old"], "inputs": {"size": 1}, "outputs": {"size": 1}}
    step["new"] = {**step["new"], "inputs": {"size": 2}}

    change = of(plan_of([begins(step)], project="project", stack="test"), "pool")

    assert [(found.path, found.old, found.new) for found in change.properties] == [("size", 1, 2)]
    assert change.reasons == ()


def test_notes_that_a_provider_makes_for_itself_are_not_shown() -> None:
    step = a_step("create", "pool")
    step["new"] = {**step["new"], "inputs": {"__defaults": [], "disk": {"__defaults": ["type"], "type": "ssd"}}}

    change = of(plan_of([begins(step)], project="project", stack="test"), "pool")

    assert [(found.path, found.new) for found in change.properties] == [("disk", {"type": "ssd"})]

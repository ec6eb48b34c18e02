"""Resource options of Pulumi: what each of them does to real files and to the state."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest

from schemas.errors import PreflightError
from tests.fakes import File, FileResource, Group, a_program, an_engine, files_in, logged


def test_retained_resources_are_forgotten_and_left(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File(opts={"retain_on_delete": True})}))

    outcome = engine.up(a_program(out, {}))

    assert [done.op for done in outcome.done] == ["delete"]
    assert files_in(out) == {"a": "text"}


def test_what_goes_with_another_is_not_deleted_on_its_own(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"

    def program() -> None:
        a = FileResource("a", {"folder": str(out), "name": "a", "content": "a"})
        opts = pulumi.ResourceOptions(deleted_with=a)
        FileResource("b", {"folder": str(out), "name": "b", "content": "b"}, opts)

    engine.up(program)
    engine.destroy()

    assert logged(out)[2:] == ["delete a"]


def test_ignored_changes_are_no_changes(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File("one")}))

    assert engine.preview(a_program(out, {"a": File("two", opts={"ignore_changes": ["content"]})})).empty


def test_replace_on_changes_turns_an_update_into_a_replacement(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File("one")}))

    plan = engine.preview(a_program(out, {"a": File("two", opts={"replace_on_changes": ["content"]})}))

    (change,) = plan.changing
    assert change.op == "replace"
    assert change.properties[0].why == "the program replaces the resource when it changes"


def test_a_new_replacement_trigger_replaces(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File(opts={"replacement_trigger": 1})}))

    assert engine.preview(a_program(out, {"a": File(opts={"replacement_trigger": 1})})).empty
    (change,) = engine.preview(a_program(out, {"a": File(opts={"replacement_trigger": 2})})).changing
    assert change.op == "replace"


def test_one_with_the_same_id_takes_the_place_of_the_old(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File("one")}))

    engine.up(a_program(out, {"a": File("two", opts={"replace_on_changes": ["content"]})}))

    assert logged(out) == ["create a", "create a"]
    assert files_in(out) == {"a": "two"}


def test_delete_before_replace_deletes_first(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File()}))

    changed = a_program(out, {"a": File(props={"kind": "other"}, opts={"delete_before_replace": True})})
    (change,) = engine.preview(changed).changing
    engine.up(changed)

    assert change.delete_first
    assert logged(out)[1:] == ["delete a", "create a"]
    assert engine.up(changed).plan.empty


def chain(out: Path, kind: str, *, last: bool = True) -> None:
    """a <- b <- c, where b is replaced when it gets another `kind` from a, and c only updated."""
    common = {"folder": str(out)}
    first = pulumi.ResourceOptions(delete_before_replace=True)
    a = FileResource("a", {**common, "name": "a", "content": "a", "kind": kind}, first)
    b = FileResource("b", {**common, "name": "b", "content": "b", "kind": a.digest})
    FileResource("c", {**common, "name": "c", "content": pulumi.Output.concat("from ", b.digest)})
    if last:
        FileResource("d", {**common, "name": "d", "content": "d", "kind": b.place})


def test_dependents_that_must_be_replaced_go_before_what_is_deleted_first(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(lambda: chain(out, "one"))

    plan = engine.preview(lambda: chain(out, "two"))
    outcome = engine.up(lambda: chain(out, "two"), expected=plan)

    assert outcome.error is None
    assert {change.name: change.op for change in plan.changing} == {
        "a": "replace",
        "b": "replace",
        "c": "update",
        "d": "replace",
    }
    b = next(change for change in plan.changes if change.name == "b")
    assert "a, which it depends on, is deleted before it is made again" in b.reasons
    done = logged(out)[4:]
    assert done[:3] == ["delete d", "delete b", "delete a"]
    assert sorted(done[3:]) == ["create a", "create b", "create d"]
    assert engine.up(lambda: chain(out, "two")).plan.empty


def test_a_dependent_that_is_dropped_goes_with_what_is_deleted_first(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(lambda: chain(out, "one"))

    outcome = engine.up(lambda: chain(out, "two", last=False))

    assert outcome.error is None
    assert logged(out).count("delete d") == 1
    assert "d" not in files_in(out)
    assert [record.name for record in engine.resources() if record.name == "d"] == []


def test_a_renamed_resource_is_found_by_its_alias(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"old": File(), "user": File("from", uses="old")}))

    alias = File(props={"name": "old"}, opts={"aliases": [pulumi.Alias(name="old")]})
    outcome = engine.up(a_program(out, {"new": alias, "user": File("from", uses="new")}))

    assert outcome.plan.empty
    assert len(logged(out)) == 2
    user = next(record for record in engine.resources() if record.name == "user")
    assert [urn.rpartition("::")[2] for urn in user.dependencies] == ["new"]
    assert engine.preview(a_program(out, {"new": alias, "user": File("from", uses="new")})).bookkeeping is False


def test_children_follow_the_alias_of_their_parent(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"

    def program(group: str, *aliases: str) -> None:
        parent = Group(group, pulumi.ResourceOptions(aliases=[pulumi.Alias(name=name) for name in aliases]))
        inner = pulumi.ResourceOptions(parent=parent)
        FileResource(f"{group}-file", {"folder": str(out), "name": "f", "content": "text"}, inner)

    engine.up(lambda: program("old"))
    assert engine.up(lambda: program("new", "old")).plan.empty
    assert logged(out) == ["create f"]


def test_a_resource_moved_under_another_parent_is_found_by_its_alias(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File()}))

    moved = File(group="g", opts={"aliases": [pulumi.Alias(parent=None)]})
    assert {c.name: c.op for c in engine.up(a_program(out, {"a": moved})).plan.changing} == {}
    assert logged(out) == ["create a"]


def test_secret_inputs_and_outputs_are_hidden_in_plans(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"

    def program(token: str) -> None:
        opts = pulumi.ResourceOptions(additional_secret_outputs=["digest"])
        props = {"folder": str(out), "name": "a", "content": "x", "token": pulumi.Output.secret(token)}
        a = FileResource("a", props, opts)
        pulumi.export("digest", a.digest)

    engine.up(lambda: program("hunter2"))
    plan = engine.preview(lambda: program("hunter3"))

    (change,) = plan.changing
    (found,) = change.properties
    assert (found.path, found.secret, found.old, found.new) == ("token", True, None, None)
    assert "hunter" not in repr(plan)
    record = next(record for record in engine.resources() if record.name == "a")
    assert "hunter" not in repr(record)
    assert repr(record.outputs["digest"]) == "Secret(...)"
    assert engine.outputs()["digest"]


def test_custom_timeouts_are_recorded_in_seconds(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File(opts={"custom_timeouts": pulumi.CustomTimeouts(create="1m30s")})}))

    exported = engine.export()["deployment"]["resources"]
    assert [r["customTimeouts"] for r in exported if "customTimeouts" in r] == [{"create": 90.0}]


def test_an_explicit_provider_is_a_resource_of_the_state(tmp_path: Path) -> None:
    def program() -> None:
        provider = pulumi.ProviderResource("gcp", "mine", {"project": "p"})
        opts = pulumi.ResourceOptions(provider=provider)
        pulumi.CustomResource("gcp:storage/bucket:Bucket", "b", {"location": "EU"}, opts)

    plan = an_engine(tmp_path).preview(program)
    assert {change.name: change.op for change in plan.changes if change.component} == {
        "project-test": "create",
        "mine": "create",
    }


def test_an_import_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="a shall be imported"):
        an_engine(tmp_path).preview(a_program(tmp_path / "out", {"a": File(opts={"import_": "x"})}))


def test_the_old_copy_belongs_to_its_replacement(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File()}))
    outcome = engine.up(a_program(out, {"a": File(props={"name": "z"})}))
    assert [(done.op, done.subject.name) for done in outcome.done] == [("replace", "a")]
    assert files_in(out) == {"z": "text"}


def test_an_old_copy_that_could_not_be_deleted_is_deleted_later(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File(props={"fail": ["delete"]})}))
    changed = a_program(out, {"a": File(props={"name": "z"})})
    failed = engine.up(changed)
    (change,) = engine.preview(changed).changing

    assert [(f.op, f.message) for f in failed.failed] == [("delete", "RuntimeError: cannot delete a")]
    assert (change.op, change.reasons) == ("delete", ("a replacement has taken its place",))
    assert [record.delete for record in engine.resources() if record.type.endswith(":File")] == [False, True]

"""Planning and applying programs whose resources are real files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from schemas.errors import InferstackError, PolicyError, PreflightError
from stack.engines.about import About
from stack.engines.events import Event, Finished, Planned, Progress, Said, Started
from stack.engines.providers import Checked, Live, Provider, ProviderDiff
from stack.engines.values import difference
from stack.plan import Plan, as_json
from tests.fakes import File, a_program, an_engine, digest, files_in, logged


def ops(plan: Plan) -> dict[str, str]:
    """Names of what changes, with the operation."""
    return {change.name: change.op for change in plan.changing}


def test_up_makes_what_the_preview_said(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    program = a_program(out, {"a": File("one"), "b": File("from", uses="a")}, exports=["b"])

    plan = engine.preview(program)
    outcome = engine.up(program, expected=plan)

    assert ops(plan) == {"a": "create", "b": "create"}
    assert outcome.error is None
    assert files_in(out) == {"a": "one", "b": f"from {digest('one')}"}
    assert outcome.outputs == engine.outputs() == {"b": digest(f"from {digest('one')}")}


def test_a_second_up_does_nothing_and_writes_nothing(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    program = a_program(out, {"a": File("one"), "b": File("from", uses="a", group="g")}, exports=["b"])
    engine.up(program)
    before = (tmp_path / "state" / "checkpoint.json").stat()

    outcome = engine.up(program)

    assert outcome.plan.empty
    assert not outcome.plan.bookkeeping
    assert outcome.done == ()
    assert (tmp_path / "state" / "checkpoint.json").stat() == before
    assert len(logged(out)) == 2


def test_a_change_reaches_those_that_use_it_and_no_others(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File("one"), "b": File("from", uses="a"), "c": File("alone")}))

    changed = a_program(out, {"a": File("two"), "b": File("from", uses="a"), "c": File("alone")})
    plan = engine.preview(changed)
    engine.up(changed)

    assert ops(plan) == {"a": "update", "b": "update"}
    b = next(change for change in plan.changes if change.name == "b")
    assert [(found.path, found.unknown) for found in b.properties] == [("content", True)]
    assert files_in(out) == {"a": "two", "b": f"from {digest('two')}", "c": "alone"}
    assert sorted(logged(out)[3:]) == ["update a", "update b"]


def test_a_stable_output_spares_those_that_use_it(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"

    def program(text: str) -> None:
        from tests.fakes import FileResource

        a = FileResource("a", {"folder": str(out), "name": "a", "content": text})
        FileResource("b", {"folder": str(out), "name": "b", "content": a.place})

    engine.up(lambda: program("one"))
    assert ops(engine.preview(lambda: program("two"))) == {"a": "update"}


def test_what_the_program_no_longer_has_is_deleted_after_what_needs_it(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File(), "b": File(needs=["a"]), "c": File(needs=["b"]), "d": File()}))

    outcome = engine.up(a_program(out, {"d": File()}))

    assert outcome.error is None
    assert logged(out)[4:] == ["delete c", "delete b", "delete a"]
    assert files_in(out) == {"d": "text"}


def test_destroy_leaves_neither_files_nor_state(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File(), "b": File(needs=["a"], group="g")}, exports=["a"]))

    plan = engine.preview_destroy()
    outcome = engine.destroy(expected=plan)

    assert ops(plan) == {"a": "delete", "b": "delete"}
    assert outcome.error is None
    assert files_in(out) == {}
    assert not (tmp_path / "state").exists()


def test_another_name_of_the_file_replaces_the_resource(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File()}))

    renamed = a_program(out, {"a": File(props={"name": "z"})})
    plan = engine.preview(renamed)
    engine.up(renamed)

    (change,) = plan.changing
    assert change.op == "replace"
    assert [(p.path, p.old, p.new, p.forces_replacement) for p in change.properties] == [("name", "a", "z", True)]
    assert logged(out)[1:] == ["create z", "delete a"]
    assert files_in(out) == {"z": "text"}
    assert engine.up(renamed).plan.empty


def test_events_tell_the_work_in_order(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    told: list[Event] = []

    def program() -> None:
        a_program(out, {"a": File()})()
        pulumi.log.info("hello")

    engine.up(program, on_event=told.append)

    kinds = [type(event) for event in told if not isinstance(event, Said)]
    assert kinds == [Planned, Started, Progress, Finished]
    assert told[0] == Planned(1)
    assert Said("info", "hello") in told


def test_a_plan_is_refused_when_the_state_has_moved(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    program = a_program(out, {"a": File()})
    plan = engine.preview(program)
    engine.up(a_program(out, {"b": File()}))

    with pytest.raises(PreflightError) as refused:
        engine.up(program, expected=plan)

    assert "b: nothing then, delete now" in refused.value.why
    assert logged(out) == ["create b"]


def test_a_plan_is_refused_when_the_program_has_moved(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    plan = engine.preview(a_program(out, {"a": File("one")}))

    with pytest.raises(PreflightError, match="cannot be carried out as it was made") as refused:
        engine.up(a_program(out, {"a": File("two")}), expected=plan)

    assert "the spec, or a file that it names, has changed" in refused.value.why
    assert not out.exists()


class Shelf(Provider):
    """Keeps one thing, which others change as well: a plan tells what is there now, not what was put there."""

    def __init__(self) -> None:
        self.there: dict[str, Any] = {}

    def check(self, about: About, old: dict[str, Any], new: dict[str, Any]) -> Checked:
        return Checked(new)

    def diff(self, about: About, id_: str, old: dict[str, Any], new: dict[str, Any]) -> ProviderDiff:
        return ProviderDiff(differences=difference(self.there, new))

    def create(self, about: About, new: dict[str, Any]) -> Live:
        self.there = new
        return Live("thing", new)

    def update(self, about: About, id_: str, old: dict[str, Any], new: dict[str, Any]) -> Live:
        return self.create(about, new)

    def delete(self, about: About, id_: str, old: dict[str, Any]) -> None:
        self.there = {}

    def read(self, about: About, id_: str, old: dict[str, Any]) -> Live | None:
        return Live(id_, self.there)


def a_thing(value: str, *, secret: bool = False) -> Callable[[], None]:
    """A program with one thing."""

    def program() -> None:
        told = pulumi.Output.secret(value) if secret else value
        pulumi.CustomResource("shelf:index:Thing", "thing", {"a": told})

    return program


def test_a_plan_is_refused_when_a_value_in_the_world_has_moved(tmp_path: Path) -> None:
    shelf = Shelf()
    engine = an_engine(tmp_path, providers={"shelf:": shelf})
    engine.up(a_thing("one"))
    plan = engine.preview(a_thing("three"))
    shelf.there = {"a": "two"}

    with pytest.raises(PreflightError, match="cannot be carried out as it was made") as refused:
        engine.up(a_thing("three"), expected=plan)

    assert 'thing: a: "one" -> "three" then, "two" -> "three" now' in refused.value.why
    assert shelf.there == {"a": "two"}


def test_a_plan_is_refused_when_a_secret_in_the_world_has_moved_and_never_holds_it(tmp_path: Path) -> None:
    shelf = Shelf()
    engine = an_engine(tmp_path, providers={"shelf:": shelf})
    engine.up(a_thing("hunter1", secret=True))
    plan = engine.preview(a_thing("hunter3", secret=True))
    assert engine.preview(a_thing("hunter3", secret=True)).digest == plan.digest
    shelf.there = {"a": "hunter2"}

    with pytest.raises(PreflightError) as refused:
        engine.up(a_thing("hunter3", secret=True), expected=plan)

    assert "thing: a: the secret there is another one now" in refused.value.why
    assert "hunter" not in f"{as_json(plan)} {refused.value.why}"


def test_a_program_that_raises_is_told_with_its_place(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File()}))

    def broken() -> None:
        a_program(out, {"a": File("two")})()
        raise ZeroDivisionError("no such thing")

    with pytest.raises(InferstackError, match="ZeroDivisionError: no such thing") as raised:
        engine.up(broken)

    assert "test_engine_up.py" in raised.value.why
    assert files_in(out) == {"a": "text"}
    assert [record.name for record in engine.resources() if record.custom and not record.is_provider] == ["a"]


def test_a_program_that_raises_while_it_applies_keeps_what_was_done(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"

    def broken() -> None:
        from tests.fakes import FileResource

        a = FileResource("a", {"folder": str(out), "name": "a", "content": "one"})

        def fail(_digest: str) -> str:
            raise KeyError("later")

        pulumi.export("b", a.digest.apply(fail))

    with pytest.raises(InferstackError, match="KeyError"):
        engine.up(broken)

    assert files_in(out) == {"a": "one"}
    assert engine.up(a_program(out, {"a": File("one")})).plan.counts["create"] == 0


def test_two_resources_of_one_name_are_an_error(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def twice() -> None:
        a_program(out, {"a": File()})()
        a_program(out, {"a": File()})()

    with pytest.raises(InferstackError, match="two resources of type"):
        an_engine(tmp_path).preview(twice)


def test_inputs_that_the_provider_refuses_are_told_before_anything_is_done(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    program = a_program(out, {"good": File(), "bad": File(props={"name": ""})})

    with pytest.raises(PreflightError, match="bad cannot be made as it is written: name: it must not be empty"):
        engine.up(program)

    assert not out.exists()


def test_a_failing_listener_ends_the_run_in_order(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"

    def closed(event: Event) -> None:
        if isinstance(event, Started):
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        engine.up(a_program(out, {"a": File(), "b": File(needs=["a"])}), on_event=closed)

    assert engine.up(a_program(out, {"a": File(), "b": File(needs=["a"])})).error is None
    assert files_in(out) == {"a": "text", "b": "text"}


def test_what_is_protected_is_never_deleted(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File(), "b": File(opts={"protect": True})}))

    plan = engine.preview(a_program(out, {}))
    with pytest.raises(PolicyError) as refused:
        engine.up(a_program(out, {}))

    assert [change.name for change in plan.blocked] == ["b"]
    assert "b is protected and would be deleted" in refused.value.why
    assert files_in(out) == {"a": "text", "b": "text"}
    with pytest.raises(PolicyError):
        engine.destroy()
    with pytest.raises(PolicyError, match="protected"):
        engine.up(a_program(out, {"a": File(), "b": File(props={"kind": "other"}, opts={"protect": True})}))

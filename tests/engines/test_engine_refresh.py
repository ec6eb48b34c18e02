"""Refreshing: what is gone or altered is found, and the next `up` mends it."""

from __future__ import annotations

from pathlib import Path

from stack.engines import deployment
from tests.fakes import File, a_program, an_engine, digest, files_in


def test_nothing_has_drifted_after_an_up(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File(), "b": File(uses="a")}))
    before = (tmp_path / "state" / "checkpoint.json").read_bytes()

    drift = engine.refresh()

    assert (drift.found, drift.checked) == (False, 2)
    assert (tmp_path / "state" / "checkpoint.json").read_bytes() == before


def test_what_is_gone_is_made_again(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    program = a_program(out, {"a": File(), "b": File(uses="a", needs=["a"])})
    engine.up(program)
    (out / "a").unlink()

    drift = engine.refresh()
    plan = engine.preview(program)

    assert [subject.name for subject in drift.gone] == ["a"]
    assert not list(deployment.problems_of(engine.export()))
    assert {change.name: change.op for change in plan.changing}["a"] == "create"
    assert engine.up(program).error is None
    assert sorted(files_in(out)) == ["a", "b"]
    assert engine.preview(program).empty


def test_an_altered_output_is_told_with_old_and_new(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File("text")}))
    (out / "a").write_text("altered")

    dry = engine.refresh(dry_run=True)
    drift = engine.refresh()

    (changed,) = drift.changed
    assert [(p.path, p.old, p.new) for p in changed.properties] == [("digest", digest("text"), digest("altered"))]
    assert dry.changed == drift.changed
    record = next(record for record in engine.resources() if record.name == "a")
    assert record.outputs["digest"] == digest("altered")


def test_a_dry_refresh_leaves_the_state_alone(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File("text")}))
    (out / "a").unlink()

    assert engine.refresh(dry_run=True).found
    assert engine.preview(a_program(out, {"a": File("text")})).empty

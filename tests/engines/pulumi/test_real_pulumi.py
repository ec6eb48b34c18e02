"""The real command line, where INFERSTACK_TEST_PULUMI names it: dynamic resources that are files on this machine."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.site import Site
from schemas.errors import InferstackError, LockedError, PartlyAppliedError, PolicyError, PreflightError
from stack.engines import choice
from stack.engines.embedded import EmbeddedEngine
from stack.engines.events import Event, Finished, Planned, Started
from stack.engines.pulumi.command import command_in
from stack.engines.pulumi.engine import PulumiEngine
from stack.engines.pulumi.offline import OfflineEngine
from stack.engines.pulumi.workspace import keeping
from tests.builders.pulumi_cli import needed_pulumi, real_pulumi
from tests.fakes import File, a_program, files_in, until

pytestmark = pytest.mark.timeout(900)
WAIT_S = 240.0


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of the real command line."""
    return real_pulumi(needed_pulumi(), tmp_path / "home")


def an_engine(tmp_path: Path, environ: Mapping[str, str], **options: Any) -> PulumiEngine:
    """Pulumi's engine of a stack `test` that is kept below the folder."""
    kept = keeping(tmp_path / "state" / "pulumi", environ)
    return PulumiEngine("project", "test", command_in(environ), kept, **options)


def test_a_stack_is_planned_made_changed_and_destroyed(tmp_path: Path, environ: dict[str, str]) -> None:
    engine = an_engine(tmp_path, environ)
    program = a_program(tmp_path / "made", {"a": File("one", group="g"), "b": File(uses="a")}, exports=["b"])
    told: list[Event] = []

    plan = engine.preview(program, notes=("a note",))
    assert {change.name: change.op for change in plan.changing} == {"a": "create", "b": "create"}
    assert plan.notes[0] == "a note"
    assert "Pulumi's own" in plan.notes[1]
    assert not (tmp_path / "state").exists()

    outcome = engine.up(program, on_event=told.append, expected=plan)
    assert outcome.complete
    assert files_in(tmp_path / "made")["a"] == "one"
    assert (outcome.outputs or {})["b"] == engine.outputs()["b"]
    assert isinstance(told[0], Planned)
    assert [type(event) for event in told if isinstance(event, Started | Finished)] == [Started, Finished] * 2
    assert {"a", "b", "g"} <= {record.name for record in engine.resources()}
    assert engine.preview(program).empty

    changed = a_program(tmp_path / "made", {"a": File("two", group="g")})
    plan = engine.preview(changed)
    update, delete = plan.changing
    assert (update.op, delete.op, delete.name) == ("update", "delete", "b")
    assert [(found.path, found.old, found.new) for found in update.properties] == [("content", "one", "two")]
    assert engine.up(changed, expected=plan).complete
    assert files_in(tmp_path / "made") == {"a": "two"}

    plan = engine.preview_destroy()
    assert [(change.op, change.name) for change in plan.changing] == [("delete", "a")]
    assert engine.destroy(expected=plan).complete
    assert files_in(tmp_path / "made") == {}
    assert not (tmp_path / "state" / "pulumi").exists()
    assert engine.resources() == ()


def test_what_moved_since_a_plan_was_made_is_refused(tmp_path: Path, environ: dict[str, str]) -> None:
    engine = an_engine(tmp_path, environ)
    old = engine.preview(a_program(tmp_path / "made", {"a": File("one")}))
    assert engine.up(a_program(tmp_path / "made", {"a": File("one")}), expected=old).complete

    with pytest.raises(PreflightError, match="cannot be carried out as it was made"):
        engine.up(a_program(tmp_path / "made", {"a": File("one")}), expected=old)


def test_siblings_of_what_fails_are_made_and_the_error_says_what_was_not(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    engine = an_engine(tmp_path, environ)
    broken = {"bad": File(props={"fail": ["create"]}), "good": File("fine"), "after": File(needs=["bad"])}

    outcome = engine.up(a_program(tmp_path / "made", broken))

    assert isinstance(outcome.error, PartlyAppliedError)
    assert [failed.subject.name for failed in outcome.failed] == ["bad"]
    assert "cannot create bad" in f"{outcome.failed[0].message}\n{outcome.failed[0].why}"
    assert [(skipped.subject.name, skipped.because.name) for skipped in outcome.skipped] == [("after", "bad")]
    assert files_in(tmp_path / "made") == {"good": "fine"}


def test_what_is_protected_is_neither_deleted_nor_replaced(tmp_path: Path, environ: dict[str, str]) -> None:
    engine = an_engine(tmp_path, environ)
    engine.up(a_program(tmp_path / "made", {"a": File(opts={"protect": True})}))

    with pytest.raises(PolicyError, match="protected"):
        engine.preview(a_program(tmp_path / "made", {"a": File(props={"kind": "other"}, opts={"protect": True})}))


def test_a_program_that_raises_is_told_by_its_own_words_and_place(tmp_path: Path, environ: dict[str, str]) -> None:
    def program() -> None:
        raise ValueError("this program is wrong")

    with pytest.raises(InferstackError, match="ValueError: this program is wrong") as caught:
        an_engine(tmp_path, environ).preview(program)

    assert "test_real_pulumi.py" in caught.value.why


def test_secrets_stand_in_no_plan_and_need_the_passphrase(tmp_path: Path, environ: dict[str, str]) -> None:
    def program(secret: str = "hunter2") -> None:
        a_program(tmp_path / "made", {"a": File(pulumi.Output.secret(secret))})()  # type: ignore[arg-type]
        pulumi.export("password", pulumi.Output.secret(secret))

    engine = an_engine(tmp_path, {**environ, "PULUMI_CONFIG_PASSPHRASE": "right"})
    plan = engine.preview(program)
    assert "hunter2" not in repr(plan)
    engine.up(program, expected=plan)

    assert engine.outputs()["password"] == "hunter2"
    assert "hunter2" not in repr(engine.export())
    changed = engine.preview(lambda: program("hunter3"))
    assert [(found.path, found.secret) for found in changed.changing[0].properties] in ([], [("content", True)])
    assert "hunter" not in repr(changed)
    with pytest.raises(PreflightError, match="passphrase"):
        an_engine(tmp_path, {**environ, "PULUMI_CONFIG_PASSPHRASE": "wrong"}).preview(program)


def test_what_is_gone_is_found_and_made_again(tmp_path: Path, environ: dict[str, str]) -> None:
    engine = an_engine(tmp_path, environ)
    program = a_program(tmp_path / "made", {"a": File("one"), "b": File("two")})
    engine.up(program)
    (tmp_path / "made" / "a").unlink()

    looked = engine.refresh(dry_run=True)
    assert [subject.name for subject in looked.gone] == ["a"]
    assert looked.checked == 2
    assert engine.preview(program).empty

    assert [subject.name for subject in engine.refresh().gone] == ["a"]
    assert [(change.op, change.name) for change in engine.preview(program).changing] == [("create", "a")]
    assert engine.up(program).complete
    assert files_in(tmp_path / "made") == {"a": "one", "b": "two"}


def test_only_targets_are_touched(tmp_path: Path, environ: dict[str, str]) -> None:
    program = a_program(tmp_path / "made", {"a": File("one"), "b": File("two")})
    urn = "urn:pulumi:test::project::pulumi-python:dynamic/tests:File::a"

    an_engine(tmp_path, environ, targets=[urn]).up(program)

    assert files_in(tmp_path / "made") == {"a": "one"}


def test_another_pulumi_at_work_is_a_locked_stack(tmp_path: Path, environ: dict[str, str]) -> None:
    engine = an_engine(tmp_path, environ)
    program = a_program(tmp_path / "made", {"a": File("one")})
    engine.up(program)
    lock = tmp_path / "state/pulumi/.pulumi/locks/organization/project/test/other.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text('{"pid": 1, "username": "ada", "hostname": "elsewhere", "timestamp": "2026-01-01T00:00:00Z"}')

    with pytest.raises(LockedError, match="Another Pulumi") as caught:
        engine.up(a_program(tmp_path / "made", {"a": File("two")}))

    assert "ada@elsewhere" in caught.value.why


def test_stopping_ends_what_is_under_way_and_the_next_up_goes_on(tmp_path: Path, environ: dict[str, str]) -> None:
    engine = an_engine(tmp_path, environ)
    waiting = {"a": File("one", props={"wait": "create"}), "b": File("two", needs=["a"])}
    program = a_program(tmp_path / "made", waiting)

    def stop() -> None:
        until((tmp_path / "made" / "log").exists, limit_s=WAIT_S)
        engine.stop()
        (tmp_path / "made" / "go").touch()

    helper = threading.Thread(target=stop)
    helper.start()
    outcome = engine.up(program)
    helper.join()

    assert outcome.interrupted
    assert "b" not in files_in(tmp_path / "made")
    assert engine.up(program).complete
    assert files_in(tmp_path / "made") == {"a": "one", "b": "two"}


def test_a_stack_of_this_machine_is_handed_over_both_ways(tmp_path: Path, environ: dict[str, str]) -> None:
    site = Site("test", tmp_path / "state", tmp_path / "store")
    contents = {"a": File("one", group="g"), "b": File(uses="a"), "c": File("three", opts={"protect": True})}
    program = a_program(tmp_path / "made", contents, exports=["b"])
    assert choice.embedded(site, environ).up(program).complete

    assert choice.hand_over(site, environ, "pulumi") == len(choice.pulumi(None, site, environ).resources())
    assert choice.keeper_of(site) == "pulumi"
    taken = choice.pulumi(None, site, environ)
    assert _no_change(taken.preview(program))
    contents["a"] = File("two", group="g")
    assert taken.up(a_program(tmp_path / "made", contents, exports=["b"])).complete
    assert files_in(tmp_path / "made")["a"] == "two"

    choice.hand_over(site, environ, "embedded")
    assert choice.keeper_of(site) == "embedded"
    back = choice.embedded(site, environ)
    assert _no_change(back.preview(a_program(tmp_path / "made", contents, exports=["b"])))
    assert [record.protect for record in back.resources() if record.name == "c"] == [True]


def test_secrets_under_a_key_that_nobody_chose_are_handed_over(tmp_path: Path, environ: dict[str, str]) -> None:
    site = Site("test", tmp_path / "state", tmp_path / "store")

    def program() -> None:
        a_program(tmp_path / "made", {"a": File(pulumi.Output.secret("hunter2"))})()  # type: ignore[arg-type]

    assert choice.embedded(site, environ).up(program).complete
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("open sesame\n")
    environ |= {"PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase)}

    choice.hand_over(site, environ, "pulumi")

    assert _no_change(choice.pulumi(None, site, environ).preview(program))
    left = [path for path in (tmp_path / "state").rglob("*") if path.is_file() and "hunter2" in path.read_text()]
    assert left == []


def test_a_stack_without_a_passphrase_is_sealed_with_a_key_of_its_own(tmp_path: Path, environ: dict[str, str]) -> None:
    site = Site("test", tmp_path / "state", tmp_path / "store")

    def program() -> None:
        a_program(tmp_path / "made", {"a": File(pulumi.Output.secret("hunter2"))})()  # type: ignore[arg-type]

    assert choice.pulumi(None, site, environ).up(program).complete
    key = tmp_path / "state/pulumi/key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert _no_change(choice.pulumi(None, site, environ).preview(program))
    left = tmp_path / "state/pulumi/.pulumi/stacks/inferstack/test.json"
    assert _no_change(OfflineEngine("inferstack", "test", left, key=key).preview(program))
    with pytest.raises(PreflightError, match="passphrase"):
        choice.pulumi(None, site, environ | {"PULUMI_CONFIG_PASSPHRASE": ""}).preview(program)

    choice.hand_over(site, environ, "embedded")
    assert _no_change(choice.embedded(site, environ).preview(program))
    choice.hand_over(site, environ, "pulumi")
    assert _no_change(choice.pulumi(None, site, environ).preview(program))


def test_what_pulumi_left_is_planned_from_without_it(tmp_path: Path, environ: dict[str, str]) -> None:
    site = Site("test", tmp_path / "state", tmp_path / "store")
    engine = choice.pulumi(None, site, environ)
    assert engine.up(a_program(tmp_path / "made", {"a": File("one")})).complete
    left = tmp_path / "state/pulumi/.pulumi/stacks/inferstack/test.json"

    offline: EmbeddedEngine = OfflineEngine("inferstack", "test", left)

    assert _no_change(offline.preview(a_program(tmp_path / "made", {"a": File("one")})))
    assert [c.op for c in offline.preview(a_program(tmp_path / "made", {"a": File("two")})).changing] == ["update"]


def _no_change(plan: Any) -> bool:
    return bool(plan.empty and not plan.outputs)

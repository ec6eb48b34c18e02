"""The state on disk: journal, checkpoint, damage, export and import."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import resource
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InferstackError, PreflightError, UsageError
from stack.engines import deployment, store
from stack.engines.records import Record
from stack.engines.secrets import Vault
from stack.engines.state import Became, Begun, Gone, Renamed, Replaced, State
from stack.engines.values import SECRET_SIGNATURE, SIGNATURE
from tests.fakes import File, a_program, an_engine, files_in, logged

STACK = "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s"


def a_record(name: str, **fields: Any) -> Record:
    """A record below the stack `s` of the project `p`."""
    return Record(urn=f"urn:pulumi:s::p::t:m:T::{name}", type="t:m:T", id=name, **fields)


def a_crashed_run(folder: Path, *entries: Any) -> Path:
    """A journal of these facts that no checkpoint followed; its path."""
    with store.writing(folder, Vault()) as ledger:
        ledger.record(*entries)
        ledger.abandon()
    return folder / store.JOURNAL


def test_a_journal_is_replayed_after_a_crash(tmp_path: Path) -> None:
    a_crashed_run(tmp_path, Begun("creating", a_record("a")), Became(a_record("a")), Begun("creating", a_record("b")))

    state = store.read(tmp_path, Vault())

    assert [record.name for record in state.records.values()] == ["a"]
    assert [begun.work for begun in state.pending.values()] == ["creating"]
    assert state.serial == 3


def test_the_serial_is_the_same_before_and_after_recovery(tmp_path: Path) -> None:
    a_crashed_run(tmp_path, Became(a_record("a")), Became(a_record("b")))
    before = store.read(tmp_path, Vault())
    with store.writing(tmp_path, Vault()) as ledger:
        recovered = ledger.state

    assert (before.serial, before.lineage) == (recovered.serial, recovered.lineage)
    assert not (tmp_path / store.JOURNAL).exists()
    assert store.read(tmp_path, Vault()).records == before.records


@pytest.mark.parametrize("lost", [1, 5, 40])
def test_a_torn_last_line_is_left_out(tmp_path: Path, lost: int) -> None:
    journal = a_crashed_run(tmp_path, Became(a_record("a")), Became(a_record("b")))
    journal.write_bytes(journal.read_bytes()[:-lost])

    assert [record.name for record in store.read(tmp_path, Vault()).records.values()] == ["a"]


def test_a_damaged_line_in_the_middle_is_told_with_what_is_lost(tmp_path: Path) -> None:
    journal = a_crashed_run(tmp_path, *(Became(a_record(name)) for name in "abcd"))
    lines = journal.read_text().splitlines(keepends=True)
    lines[2] = lines[2].replace('"id":"b"', '"id":"x"')
    journal.write_text("".join(lines))

    with pytest.raises(PreflightError, match="damaged at line 3") as damaged:
        store.read(tmp_path, Vault())

    assert "the last 3 facts (of 4) cannot be trusted" in damaged.value.why
    assert "head -n 2" in damaged.value.remedy
    journal.write_text("".join(lines[:2]))
    assert [record.name for record in store.read(tmp_path, Vault()).records.values()] == ["a"]


def test_a_line_that_is_missing_is_noticed(tmp_path: Path) -> None:
    journal = a_crashed_run(tmp_path, *(Became(a_record(name)) for name in "abcd"))
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:2] + lines[3:]))

    with pytest.raises(PreflightError, match="damaged at line 3"):
        store.read(tmp_path, Vault())


def test_a_journal_that_the_checkpoint_already_holds_is_ignored(tmp_path: Path) -> None:
    journal = a_crashed_run(tmp_path, Became(a_record("a")))
    kept = journal.read_bytes()
    with store.writing(tmp_path, Vault()) as ledger:
        ledger.record(Gone(a_record("a").urn))
    journal.write_bytes(kept)

    assert store.read(tmp_path, Vault()).records == {}


def test_a_journal_of_another_checkpoint_is_refused(tmp_path: Path) -> None:
    a_crashed_run(tmp_path / "one", *(Became(a_record(name)) for name in "abc"))
    with store.writing(tmp_path / "one", Vault()):
        pass
    journal = a_crashed_run(tmp_path / "one", Became(a_record("d")))
    (tmp_path / "one" / store.CHECKPOINT).unlink()

    with pytest.raises(PreflightError, match="does not belong to the checkpoint"):
        store.read(tmp_path / "one", Vault())
    assert journal.exists()


@pytest.mark.parametrize("left", ['{"version": 3}', '{"version": 3, "depl', ""])
def test_a_damaged_checkpoint_is_told(tmp_path: Path, left: str) -> None:
    (tmp_path / store.CHECKPOINT).write_text(left)
    with pytest.raises(PreflightError, match=r"checkpoint\.json is damaged"):
        store.read(tmp_path, Vault())


def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    engine = an_engine(tmp_path)
    engine.up(a_program(tmp_path / "out", {"a": File()}))
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "state").iterdir() if p.is_file()}
    assert modes[store.CHECKPOINT] == 0o600


def test_a_replaced_record_is_kept_until_it_is_gone() -> None:
    state = State()
    state.apply(Became(a_record("a", inputs={"x": 1})))
    state.apply(Replaced(Record(urn=a_record("a").urn, type="t:m:T", id="new")))
    assert [(record.id, record.delete) for record in state.ordered()] == [("new", False), ("a", True)]

    state.apply(Gone(a_record("a").urn, "a", condemned=True))
    assert [record.id for record in state.ordered()] == ["new"]


def test_a_new_name_is_followed_everywhere() -> None:
    old, new = a_record("a").urn, a_record("z").urn
    state = State()
    state.apply(Became(a_record("a")))
    needs = {"x": (old,)}
    state.apply(Became(a_record("b", dependencies=(old,), property_dependencies=needs, parent=old, deleted_with=old)))
    state.apply(Renamed(old, new))
    assert set(state.records) == {new, a_record("b").urn}
    assert state.records[a_record("b").urn].needs() == {new}


def test_an_export_is_a_sound_deployment_and_comes_back_whole(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    program = a_program(out, {"a": File(), "b": File(uses="a", group="g", opts={"protect": True})}, exports=["b"])
    engine.up(program)

    exported = engine.export(show_secrets=True)
    other = an_engine(tmp_path / "elsewhere")
    count = other.import_(json.loads(json.dumps(exported)))

    assert not list(deployment.problems_of(exported))
    assert exported["version"] == 3
    assert count == len(exported["deployment"]["resources"])
    assert other.preview(program).empty
    assert other.up(program).done == ()
    assert other.outputs() == engine.outputs()


def spoiled(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """A deployment of a stack and two resources, with something wrong in it."""
    records = [
        Record(urn=STACK, type="pulumi:pulumi:Stack", custom=False),
        a_record("a", parent=STACK),
        a_record("b", parent=STACK, dependencies=(a_record("a").urn,)),
    ]
    data = deployment.exported(State(records={r.urn: r for r in records}), Vault(), "2026-01-01T00:00:00Z")
    assert not list(deployment.problems_of(data))
    data = copy.deepcopy(data)
    change(data["deployment"])
    return data


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["manifest"].update(version="v9"), "magic"),
        (lambda d: d["resources"].reverse(), "comes after it"),
        (lambda d: d["resources"].pop(1), "is missing"),
        (lambda d: d["resources"].append(d["resources"][2]), "stands in it 2 times"),
        (lambda d: d["resources"][1].pop("id"), "without an id"),
        (lambda d: d["resources"][0].update(id="x"), "is a component and has an id"),
        (lambda d: d["resources"][1].update(type="t:m:Other"), "no `urn` and `type` that fit each other"),
        (lambda d: d.update(resources={}), None),
        (lambda d: d.update(resources=[1]), "no list of resources"),
        (lambda d: d["resources"][1].update(inputs=["x"]), "Resource 2: `inputs` is of another kind"),
        (lambda d: d["resources"][1].update(id=7), "Resource 2: `id` is of another kind"),
        (lambda d: d["resources"][1].update(dependencies="urn"), "Resource 2: `dependencies` is of another kind"),
        (lambda d: d.update(pending_operations=7), "no list of operations"),
        (lambda d: d.update(pending_operations=[{}]), "The resource of a pending operation has no `urn`"),
        (lambda d: d.update(pending_operations=[{"resource": d["resources"][1], "type": "x"}]), "operation is 'x'"),
        (lambda d: d.update(secrets_providers={"type": "passphrase"}), "`secrets_providers` is not of the form"),
    ],
)
def test_a_deployment_that_does_not_hold_together_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], says: str | None
) -> None:
    data = spoiled(change)
    if says is None:
        assert not list(deployment.problems_of(data))
        return
    with pytest.raises(UsageError, match="no sound Pulumi deployment") as refused:
        deployment.imported(data, Vault())
    assert says in refused.value.why


@pytest.mark.parametrize("data", [None, [], {}, {"version": 3}, {"version": 2, "deployment": {}}, "x"])
def test_what_is_no_deployment_is_refused(tmp_path: Path, data: Any) -> None:
    with pytest.raises(UsageError):
        an_engine(tmp_path).import_(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def places_in(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place inside a JSON value: what holds it, and its key or index there."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places_in(value[key])


@given(st.data(), JSON)
def test_garbage_anywhere_in_a_deployment_is_taken_or_refused_in_words(data: st.DataObject, garbage: Any) -> None:
    secret = {SIGNATURE: SECRET_SIGNATURE, "plaintext": '"x"'}
    whole = spoiled(lambda d: d["resources"][1].update(inputs={"a": secret}, propertyDependencies={"a": [STACK]}))
    pending = {"resource": copy.deepcopy(whole["deployment"]["resources"][1]), "type": "creating"}
    provider = {"type": "passphrase", "state": {"salt": "v1:a:b"}}
    whole["deployment"] |= {"pending_operations": [pending], "secrets_providers": provider}
    holder, key = data.draw(st.sampled_from(list(places_in(whole))))
    holder[key] = garbage
    with contextlib.suppress(UsageError, PreflightError):
        deployment.imported(whole, Vault(rounds=1))


def test_the_state_of_another_stack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="of another stack"):
        an_engine(tmp_path).import_(spoiled(lambda _: None))


def test_what_a_newer_pulumi_says_is_kept(tmp_path: Path) -> None:
    data = spoiled(lambda d: d["resources"][1].update(sourcePosition="project:///x.py#1,2"))
    state = deployment.imported(data, Vault())
    assert deployment.exported(state, Vault(), "t")["deployment"]["resources"][1]["sourcePosition"]


def test_an_import_makes_older_plans_void(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File()}))
    changed = a_program(out, {"a": File("new")})
    plan = engine.preview(changed)
    engine.import_(engine.export())

    with pytest.raises(InferstackError, match="cannot be carried out"):
        engine.up(changed, expected=plan)
    assert files_in(out) == {"a": "text"}


def test_every_operation_is_in_the_journal_before_and_after(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    seen: list[str] = []

    def look(_event: Any) -> None:
        if (journal := tmp_path / "state" / store.JOURNAL).exists():
            seen.append(journal.read_text())

    engine.up(a_program(out, {"a": File()}), on_event=look)

    assert any('"work":"creating"' in text and '"fact":"became"' in text for text in seen)
    assert logged(out) == ["create a"]
    assert (
        os.listdir(tmp_path / "state") == ["checkpoint.json", "lock"]
        or not (tmp_path / "state" / store.JOURNAL).exists()
    )


@contextlib.contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_and_spoils_nothing(tmp_path: Path) -> None:
    with store.writing(tmp_path, Vault()) as ledger:
        ledger.record(Became(a_record("a")))
        with room_for(600), pytest.raises(PreflightError, match="The state cannot be written"):
            ledger.record(*(Became(a_record(f"r{index}")) for index in range(20)))
        held = set(ledger.state.records)
        ledger.record(Became(a_record("b")))
        ledger.abandon()

    assert set(store.read(tmp_path, Vault()).records) == {*held, a_record("b").urn}


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, no folder")
    with pytest.raises(PreflightError, match="The state cannot be written"):
        an_engine(tmp_path).up(a_program(tmp_path / "out", {"a": File()}))

"""What must hold for any values and any graph of resources."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stack.engines import deployment, journal, paths, wire
from stack.engines.records import Record
from stack.engines.secrets import Vault
from stack.engines.state import Became, State, in_order
from stack.engines.values import PROVIDER_KEY, Secret, difference, has_secret, plain
from tests.fakes import File, a_program, an_engine, files_in, logged

texts = st.text(max_size=8)
atoms = st.none() | st.booleans() | st.integers(-(2**52), 2**52) | st.floats(allow_nan=False) | texts
values = st.recursive(
    atoms | atoms.map(Secret),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)
properties = st.dictionaries(texts.filter(lambda key: key != PROVIDER_KEY), values, max_size=5)


@given(properties)
def test_nothing_differs_from_itself(these: dict[str, Any]) -> None:
    assert difference(these, these) == ()


@given(properties, properties)
def test_what_is_different_is_found_and_its_path_can_be_read(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = difference(old, new)
    assert bool(found) == (_without_none(old) != _without_none(new))
    for place in found:
        assert paths.parse(place.path)[0] in {*old, *new}


def _without_none(these: dict[str, Any]) -> dict[str, Any]:
    """A property that is null counts as one that is absent, at every depth."""

    def bare(value: Any) -> Any:
        match value:
            case dict():
                return {key: bare(item) for key, item in value.items() if bare(item) is not None}
            case list():
                return [bare(item) for item in value]
            case Secret():
                return bare(value.value)
        return value

    return {key: bare(value) for key, value in these.items() if bare(value) is not None}


@given(properties)
def test_values_come_back_from_the_wire(these: dict[str, Any]) -> None:
    assert wire.decode(wire.encode(these)) == these


@given(properties)
def test_values_come_back_from_the_vault(these: dict[str, Any]) -> None:
    stored = Vault().seal(these)
    assert plain(Vault().open(stored)) == plain(these)
    assert has_secret(Vault().open(stored)) == has_secret(these)


graphs = st.integers(0, 9).flatmap(
    lambda size: st.tuples(*(st.lists(st.integers(0, max(0, i - 1)), max_size=2) for i in range(size)))
)


@given(graphs, st.randoms(use_true_random=False))
def test_records_are_ordered_by_what_they_need(graph: tuple[list[int], ...], chance: Any) -> None:
    def urn(index: int) -> str:
        return f"urn:pulumi:s::p::t:m:T::r{index}"

    records = [
        Record(urn=urn(i), type="t:m:T", id="x", dependencies=tuple(urn(need) for need in needs if need != i))
        for i, needs in enumerate(graph)
    ]
    chance.shuffle(records)
    state = State(records={record.urn: record for record in records})
    ordered = [record.urn for record in in_order(records)]

    assert sorted(ordered) == sorted(record.urn for record in records)
    assert all(ordered.index(need) < ordered.index(r.urn) for r in records for need in r.dependencies)
    exported = deployment.exported(state, Vault(), "t")
    assert not list(deployment.problems_of(exported))
    assert deployment.imported(exported, Vault()).records == state.records


@given(st.lists(properties, max_size=5), st.integers(0, 10_000))
def test_a_journal_that_is_cut_anywhere_tells_a_beginning(inputs: list[dict[str, Any]], cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        written = journal.Journal(path, Vault())
        written.start("lineage", 0)
        entries = [
            Became(Record(urn=f"urn:pulumi:s::p::t:m:T::r{i}", type="t:m:T", id="x", inputs=these))
            for i, these in enumerate(inputs)
        ]
        for entry in entries:
            written.write(entry)
        written.sync()
        written.close()
        data = path.read_bytes()
    replay = journal.read(data[: min(cut, len(data))], path, Vault())
    told = list(replay.entries) if replay else []
    assert told == entries[: len(told)]
    if cut >= len(data):
        assert len(told) == len(entries)


names = ["a", "b", "c", "d", "e"]
files = st.builds(
    File,
    content=st.sampled_from(["one", "two"]),
    group=st.just(""),
    props=st.fixed_dictionaries({"kind": st.sampled_from(["x", "y"]), "delete_first": st.booleans()}),
)


@st.composite
def programs(draw: st.DrawFn) -> dict[str, File]:
    """Files that use and need any of those before them."""
    made: dict[str, File] = {}
    for name in draw(st.lists(st.sampled_from(names), unique=True)):
        file = draw(files)
        uses = draw(st.sampled_from(["", *made]))
        needs = draw(st.lists(st.sampled_from(sorted(made)), max_size=2)) if made else []
        made[name] = File(file.content, uses, needs, "", file.props, {})
    return made


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(programs(), min_size=1, max_size=3))
def test_after_any_programs_the_last_one_is_what_there_is(these: list[dict[str, File]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        engine, out = an_engine(place), place / "out"
        for program in these:
            plan = engine.preview(a_program(out, program))
            outcome = engine.up(a_program(out, program), expected=plan)
            assert outcome.error is None
            assert set(files_in(out)) == set(program)
            assert engine.preview(a_program(out, program)).empty
            assert not engine.preview(a_program(out, program)).bookkeeping
            assert not list(deployment.problems_of(engine.export()))
        before = len(logged(out))
        assert engine.destroy().error is None
        assert files_in(out) == {}
        gone = [line.removeprefix("delete ") for line in logged(out)[before:]]
        last = these[-1]
        for name, file in last.items():
            for need in {*file.needs, file.uses} - {""}:
                assert gone.index(name) < gone.index(need)

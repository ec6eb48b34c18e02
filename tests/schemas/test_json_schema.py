"""The JSON Schema is the committed one, is valid, and accepts exactly what the builder builds."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.build import Refused, build
from schemas.errors import SpecError
from schemas.json_schema import json_schema, schema_text
from schemas.overlay import settle
from schemas.shape import Choice, Either, ListOf, Quantity, Record, Shape, TableOf, Text, spec_shape
from schemas.structure import instance
from schemas.tree import Tree, plain
from tests.schemas.spec_texts import GOOD, a_tree

COMMITTED = Path(__file__).parents[2] / "schemas" / "stack.schema.json"
VALIDATOR = Draft202012Validator(json_schema())


def test_the_committed_schema_is_the_generated_one(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        COMMITTED.write_text(schema_text())
    assert COMMITTED.read_text() == schema_text(), "run pytest --update-golden, and look at the difference"


def test_the_schema_is_valid_and_describes_every_key() -> None:
    Draft202012Validator.check_schema(json_schema())

    def keys(schema: Any) -> list[dict[str, Any]]:
        if isinstance(schema, list):
            return [found for part in schema for found in keys(part)]
        if not isinstance(schema, dict):
            return []
        here = list(schema["properties"].values()) if isinstance(schema.get("properties"), dict) else []
        return here + [found for part in schema.values() for found in keys(part)]

    assert len(keys(json_schema())) > 120
    assert all(key["description"].endswith(".") for key in keys(json_schema()))


def test_what_design_md_shows_is_structurally_right() -> None:
    assert list(VALIDATOR.iter_errors(plain(a_tree(GOOD)))) == []


# Values of every shape, right and wrong, so that both judges see all of them.
_odd: st.SearchStrategy[Any] = st.sampled_from([None, True, "no", "", 0, -1, 1, 1.0, 1.5, 70000, "50ms", [], {}, ["a"]])


def _values(shape: Shape) -> st.SearchStrategy[Any]:
    match shape:
        case Choice():
            return st.sampled_from(shape.values)
        case Quantity():
            return st.sampled_from([f"1{suffix}" for suffix in shape.unit.factors if suffix] + [0])
        case Text():
            return (
                st.sampled_from(["digits", "a-1", "0-3"]) if not shape.pattern else st.sampled_from(["a", "0-1", "b1"])
            )
        case TableOf():
            return st.dictionaries(st.sampled_from(["A", "b.c"]), _values(shape.of), max_size=2)
        case ListOf():
            return st.lists(_values(shape.of), max_size=2) | (_values(shape.of) if shape.single else st.nothing())
        case Either():
            return st.one_of([_values(option) for option in shape.options])
        case Record():
            wanted = {f.key: _values(f.shape) for f in shape.fields.values() if f.required}
            others = {f.key: st.deferred(lambda f=f: _values(f.shape)) for f in shape.fields.values() if not f.required}
            return st.fixed_dictionaries(wanted, optional=others)
        case _:
            return st.sampled_from([1, 2, True, False])


_specs = _values(spec_shape())


@settings(max_examples=120, deadline=None)
@given(_specs, st.data())
def test_the_builder_accepts_what_the_schema_accepts(spec: Any, data: st.DataObject) -> None:
    spec = copy.deepcopy(spec)
    for _ in range(data.draw(st.integers(0, 2))):
        _spoil(spec, data)
    try:
        tree = Tree(settle(a_tree(json.dumps(spec)))[0])
    except SpecError:
        assume(False)
    try:
        build(tree)
        accepted = True
    except Refused:
        accepted = False
    assert accepted == VALIDATOR.is_valid(instance(tree.root, spec_shape())), spec


def _spoil(value: Any, data: st.DataObject) -> None:
    """Puts an odd value, or an odd key, somewhere into the value."""
    if isinstance(value, dict):
        key = data.draw(st.sampled_from(sorted({*value, "odd"})))
        if isinstance(value.get(key), dict | list) and data.draw(st.booleans()):
            _spoil(value[key], data)
        else:
            value[key] = copy.deepcopy(data.draw(_odd))
    elif value:
        index = data.draw(st.integers(0, len(value) - 1))
        if isinstance(value[index], dict | list):
            _spoil(value[index], data)
        else:
            value[index] = copy.deepcopy(data.draw(_odd))

"""What must always hold of decisions about changes, whatever the properties are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.cluster.gke_changes import decide
from components.cluster.gke_table import CLUSTER, POOL, Argument, arguments_of

PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "string": st.sampled_from(["", "one", "two"]),
    "int": st.integers(0, 2),
    "float": st.sampled_from([0.0, 0.5]),
    "bool": st.booleans(),
    "list": st.lists(st.sampled_from(["a", "b"]), max_size=2),
    "set": st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True),
    "map": st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["1", "2"]), max_size=2),
}


def properties(holder: Argument, depth: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    """Properties as a program may give them, some left out."""
    inner = {name: value(argument, depth) for name, argument in holder.inside.items() if depth or not argument.is_block}
    return st.fixed_dictionaries({}, optional=dict(list(inner.items())[:12]))


def value(argument: Argument, depth: int) -> st.SearchStrategy[Any]:
    if not argument.is_block:
        return PLAIN[argument.kind]
    block = properties(argument, depth - 1)
    return block if argument.kind == "block" else st.lists(block, max_size=2)


def of(type_: str) -> st.SearchStrategy[dict[str, Any]]:
    root = arguments_of(type_)
    assert root is not None
    return properties(root)


@pytest.mark.parametrize("type_", [POOL, CLUSTER])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_stays_as_it_is_is_no_change(type_: str, data: st.DataObject) -> None:
    props = data.draw(of(type_))
    decision = decide(type_, props, props)
    assert (decision.changed, decision.inputs) == ((), props)


@pytest.mark.parametrize("type_", [POOL, CLUSTER])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_was_decided_once_is_no_change_afterwards(type_: str, data: st.DataObject) -> None:
    old, new = data.draw(of(type_)), data.draw(of(type_))
    made = decide(type_, old, new).inputs
    assert decide(type_, made, new).changed == ()


@pytest.mark.parametrize("type_", [POOL, CLUSTER])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_replaces_is_among_what_changes(type_: str, data: st.DataObject) -> None:
    old, new = data.draw(of(type_)), data.draw(of(type_))
    decision = decide(type_, old, new)
    assert set(decision.replaces) <= {found.path for found in decision.changed}
    assert decision.rounds <= len(decision.recreates)

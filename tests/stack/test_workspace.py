"""A command means the same stack from every folder of a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import UsageError
from stack.workspace import Invocation, Workspace, find


def test_the_state_lies_beside_the_spec_when_there_is_no_project(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").touch()
    assert find(tmp_path / "spec.yaml", state_dir=None, environ={}).folder == tmp_path / ".inferstack"


@pytest.mark.parametrize("marker", [".git", ".inferstack"])
def test_the_nearest_project_above_holds_the_state(tmp_path: Path, marker: str) -> None:
    (tmp_path / marker).mkdir()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find(below, state_dir=None, environ={}).folder == tmp_path / ".inferstack"


def test_an_option_goes_before_the_variable_and_the_variable_before_the_project(tmp_path: Path) -> None:
    environ = {"INFERSTACK_STATE_DIR": str(tmp_path / "from-variable")}
    assert find(tmp_path, state_dir=None, environ=environ).folder == tmp_path / "from-variable"
    chosen = str(tmp_path / "from-option")
    assert find(tmp_path, state_dir=chosen, environ=environ).folder == tmp_path / "from-option"


def test_looking_creates_nothing(tmp_path: Path) -> None:
    place = find(tmp_path, state_dir=None, environ={})
    assert place.stacks() == ()
    assert Invocation.read(place.site("digits")) is None
    assert list(tmp_path.iterdir()) == []


def test_the_store_is_no_stack_and_no_name_of_one(tmp_path: Path) -> None:
    for name in ("store", "b", "a"):
        (tmp_path / name).mkdir()
    assert Workspace(tmp_path).stacks() == ("a", "b")
    with pytest.raises(UsageError, match="no stack can be named `store`"):
        Workspace(tmp_path).site("store")


def test_the_only_stack_is_meant_and_several_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no stack is up"):
        Workspace(tmp_path).only_stack()
    (tmp_path / "a").mkdir()
    assert Workspace(tmp_path).only_stack() == "a"
    (tmp_path / "b").mkdir()
    with pytest.raises(UsageError, match="There are a, b"):
        Workspace(tmp_path).only_stack()


def test_how_a_stack_was_brought_up_is_remembered(tmp_path: Path) -> None:
    site = Workspace(tmp_path).site("digits")
    invocation = Invocation("/p/spec.yaml", ("a=1",))
    invocation.write(site)
    assert Invocation.read(site) == invocation


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"spec": 1}'])
def test_a_spoilt_memory_is_none(tmp_path: Path, text: str) -> None:
    site = Workspace(tmp_path).site("digits")
    site.state.mkdir()
    (site.state / "invocation.json").write_text(text)
    assert Invocation.read(site) is None

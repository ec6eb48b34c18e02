"""A saved plan comes back as it was, or is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.errors import UsageError
from stack.plan_file import SavedPlan, is_plan, load, save
from stack.workspace import Invocation
from tests.builders.plans import a_rich_plan


def a_saved_plan(path: Path) -> SavedPlan:
    """A rich plan in a file; the plan as well."""
    saved = SavedPlan(a_rich_plan(), Invocation("/somewhere/spec.yaml", ("a.b=1",)), {"steady": "20260101"})
    save(path, saved)
    return saved


def test_a_saved_plan_comes_back_as_it_was(tmp_path: Path) -> None:
    saved = a_saved_plan(tmp_path / "plan.json")
    assert is_plan(tmp_path / "plan.json")
    found = load(tmp_path / "plan.json")
    assert found == saved
    assert found.plan.digest == saved.plan.digest


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text: text.replace('"steady"', '"hasty"'), "was changed after it was made"),
        (lambda text: text[: len(text) // 2], "cannot be read as a plan"),
        (lambda text: text.replace('"version": 1', '"version": 9'), "is a plan of version 9"),
        (lambda text: "{}", "cannot be read as a plan"),
    ],
)
def test_a_plan_that_is_not_as_it_was_made_is_refused(tmp_path: Path, spoil: Callable[[str], str], words: str) -> None:
    path = tmp_path / "plan.json"
    a_saved_plan(path)
    path.write_text(spoil(path.read_text()))
    with pytest.raises(UsageError, match=words) as raised:
        load(path)
    assert raised.value.remedy == "make it again: inferstack preview --out FILE"


def test_a_spec_is_not_taken_for_a_plan(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("apiVersion: inferstack/v1\n")
    assert not is_plan(tmp_path / "spec.yaml")
    assert not is_plan(tmp_path / "nowhere.yaml")
    assert not is_plan(tmp_path)


def test_a_plan_is_not_written_over_something_else(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("name: precious\n")
    with pytest.raises(UsageError, match="is not overwritten"):
        a_saved_plan(path)
    assert path.read_text() == "name: precious\n"

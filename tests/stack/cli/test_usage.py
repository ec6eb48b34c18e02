"""A command line that cannot be carried out says why and what to do, and ends with code 3."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stack.cli import main
from tests.stack.commands import a_project


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INFERSTACK_STATE_DIR", raising=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["upp"], "did you mean `inferstack up`?"),
        (["frobnicate"], "`inferstack --help` lists the commands"),
        (["up", "--sett", "x=1"], "Did you mean '--set'?"),
        (["predict"], "inferstack predict [OPTIONS] NAME"),
        (["preview"], "which spec is meant?"),
        (["status"], "no stack is up in"),
        (["status", "--stack", "nope"], "no stack `nope` is up here"),
        (["validate", "nope.yaml"], "nope.yaml does not exist"),
        (["validate", "."], "is a folder"),
        (["up", "nope.yaml"], "nope.yaml does not exist"),
        (["predict", "one", "--data", "[1]", "--all", "--row", "1"], "--all and --row exclude each other"),
        (["explain", "NUM001"], "did you mean `NUMA001`?"),
        (["state", "import", "nope.json", "--stack", "a"], "nope.json cannot be read"),
        (["state", "import", "spec.json", "--stack", "store"], "no stack can be named `store`"),
        (["up", "--parallel", "0"], "is not in the range"),
        (["preview", "--fail-on", "rain"], "is not one of"),
    ],
)
def test_what_is_wrong_is_said_with_a_remedy(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize("command", ["list", "export"])
def test_a_stack_of_which_nothing_is_up_has_no_state(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".inferstack" / "begun").mkdir(parents=True)
    assert main(["state", command]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "begun has no state" in captured.err


def test_a_folder_that_cannot_be_written_is_an_error_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_project(tmp_path)
    (tmp_path / "file").touch()
    assert main(["preview", "spec.yaml", "--out", "nowhere/plan.json"]) == 3
    assert main(["init", "file/new.yaml"]) == 3
    assert main(["up", "spec.yaml", "--state-dir", "file/state"]) == 4
    assert capsys.readouterr().err.count("cannot be written") == 3


def test_a_saved_plan_is_no_spec_and_takes_nothing_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_project(tmp_path)
    assert main(["preview", "spec.yaml", "--out", "plan.json"]) == 0
    capsys.readouterr()
    for command in ("validate", "preview", "render"):
        assert main([command, "plan.json"]) == 3
        said = capsys.readouterr().err
        assert "plan.json is a saved plan, not a spec" in said
        assert "`inferstack up plan.json` carries it out" in said
    for more in (["--set", "name=other"], ["--rerun"]):
        assert main(["up", "plan.json", *more]) == 3
        assert f"a saved plan takes no {more[0]}" in capsys.readouterr().err


def test_a_file_that_says_nothing_is_neither_spec_nor_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "q.json").write_text("{}\n")
    assert main(["up", "q.json"]) == 3
    said = capsys.readouterr().err
    assert "neither a spec nor a saved plan" in said
    assert "1 problem;" in said


def test_a_plan_overwrites_an_older_plan_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_project(tmp_path)
    before = (tmp_path / "spec.yaml").read_text()
    assert main(["preview", "spec.yaml", "--out", "spec.yaml"]) == 3
    assert "spec.yaml is not overwritten" in capsys.readouterr().err
    assert (tmp_path / "spec.yaml").read_text() == before
    assert [main(["preview", "spec.yaml", "--out", "plan.json"]) for _ in range(2)] == [0, 0]


def test_an_unexpected_error_keeps_its_details_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    from stack.cli import tell_unexpected

    assert tell_unexpected(RuntimeError("the sky fell")) == 1
    said = capsys.readouterr().err
    assert "the sky fell" in said
    log = Path(said.split("report it with ")[1].split(",")[0])
    assert "RuntimeError: the sky fell" in log.read_text()
    log.unlink()


def test_a_full_disk_is_no_fault_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    from stack.cli import tell_unexpected

    assert tell_unexpected(OSError(28, "No space left on device", "/data/x")) == 4
    assert "/data/x cannot be written: No space left on device" in capsys.readouterr().err


def test_problems_of_a_spec_are_json_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "spec.yaml").write_text("apiVersion: inferstack/v1\nname: a\nservng: []\n")
    assert main(["validate", "spec.yaml", "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["valid"] is False
    assert told["problems"]

"""Every command explains itself, in the same words as before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stack.cli import COMMANDS, main

STATE_COMMANDS = ("list", "show", "export", "import", "forget-cluster")


@pytest.fixture(autouse=True)
def _narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_help_names_every_command_and_exit_code(
    golden: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--help"]) == 0
    golden("help.txt", capsys.readouterr().out)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_is_as_reviewed(
    command: str, golden: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--help"]) == 0
    golden(f"help-{command}.txt", capsys.readouterr().out)


@pytest.mark.parametrize("command", STATE_COMMANDS)
def test_help_of_a_state_command_is_as_reviewed(
    command: str, golden: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["state", command, "--help"]) == 0
    golden(f"help-state-{command}.txt", capsys.readouterr().out)


def test_without_a_command_the_help_is_shown_as_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Usage: inferstack")


def test_version_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("inferstack ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_the_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "_INFERSTACK_COMPLETE" in capsys.readouterr().out

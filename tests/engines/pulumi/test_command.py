"""Pulumi's command line, played by small scripts: found, judged, run and interrupted."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from pulumi.automation import CommandError

from schemas.errors import PreflightError
from stack.engines.pulumi.command import Command, command_in, find
from tests.builders.pulumi_cli import a_pulumi

WAIT_S = 60.0


def test_the_command_line_on_the_path_is_found_first(tmp_path: Path) -> None:
    on_path = a_pulumi(tmp_path / "bin")
    a_pulumi(tmp_path / "home" / ".pulumi" / "bin")

    assert find({"PATH": str(on_path.parent), "HOME": str(tmp_path / "home")}) == on_path


def test_without_one_on_the_path_the_newest_installed_version_is_found(tmp_path: Path) -> None:
    for version in ("3.99.0", "3.272.0", "3.206.1"):
        a_pulumi(tmp_path / ".pulumi" / "versions" / version / "bin", version=version)

    found = find({"PATH": "", "HOME": str(tmp_path)})

    assert found == tmp_path / ".pulumi" / "versions" / "3.272.0" / "bin" / "pulumi"


def test_a_missing_command_line_is_told_with_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="not installed") as caught:
        command_in({"PATH": str(tmp_path), "HOME": str(tmp_path)})

    assert "--install-pulumi" in caught.value.remedy


def test_a_command_line_that_is_too_old_is_refused_with_both_versions(tmp_path: Path) -> None:
    old = a_pulumi(tmp_path, version="v3.100.0")

    with pytest.raises(PreflightError, match="too old") as caught:
        Command(old, {})

    assert "3.206.0" in caught.value.why


def test_a_build_of_ones_own_counts_by_its_numbers(tmp_path: Path) -> None:
    assert Command(a_pulumi(tmp_path, version="v3.260.0-dev.17"), {}).version is not None


def test_what_tells_no_version_is_not_taken_for_pulumi(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="no version that can be read"):
        Command(a_pulumi(tmp_path, version="hello"), {})


def test_a_command_is_given_our_environment_and_nothing_of_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRAY", "from the test's own environment")
    command = Command(a_pulumi(tmp_path, body='echo "stray=$STRAY given=$GIVEN more=$MORE"'), {"GIVEN": "yes"})

    told = command.run(["about"], str(tmp_path), {"MORE": "too"})

    assert told.stdout == "stray= given=yes more=too"


def test_a_command_that_fails_raises_with_both_streams(tmp_path: Path) -> None:
    command = Command(a_pulumi(tmp_path, body="echo out; echo err >&2; exit 3"), {})

    with pytest.raises(CommandError, match=r"code: 3\n stdout: out\n stderr: err"):
        command.run(["up"], str(tmp_path), {})


def test_interrupting_reaches_the_command_under_way(tmp_path: Path) -> None:
    waiting = 'trap "echo interrupted; exit 7" INT\ntouch begun\nwhile :; do sleep 0.05; done'
    command = Command(a_pulumi(tmp_path, body=waiting), {"PATH": "/usr/bin:/bin"})
    failed: list[CommandError] = []

    def work() -> None:
        try:
            command.run(["up"], str(tmp_path), {})
        except CommandError as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    limit = time.monotonic() + WAIT_S
    while not (tmp_path / "begun").exists() and time.monotonic() < limit:
        time.sleep(0.01)
    command.interrupt()
    thread.join(WAIT_S)

    assert [str(error) for error in failed] == ["\n code: 7\n stdout: interrupted\n stderr: "]


def test_interrupting_does_nothing_when_nothing_is_under_way(tmp_path: Path) -> None:
    Command(a_pulumi(tmp_path), {}).interrupt()

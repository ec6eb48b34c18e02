"""A command of Pulumi's that waits for something that never comes is ended, and one that is to stop does."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pulumi.automation import CommandError

from components import progress
from stack.engines.pulumi.command import Command
from stack.engines.pulumi.silence import Silence
from tests.builders.pulumi_cli import a_pulumi

# As Pulumi: asked once it waits for its providers, asked again it ends.
PATIENT = "asked=0\ntrap '[ $asked = 1 ] && exit 7; asked=1' INT\nwhile :; do sleep 0.05; done"


def a_command(folder: Path) -> Command:
    """A command line whose commands never end by themselves."""
    return Command(a_pulumi(folder, body=PATIENT), {"PATH": "/usr/bin:/bin"})


def test_a_command_that_says_nothing_for_too_long_is_ended(tmp_path: Path) -> None:
    command = a_command(tmp_path)
    silence = Silence(command, 0.0, threading.Event())

    with pytest.raises(CommandError, match="code: 7"), silence.watched():
        command.run(["preview"], str(tmp_path), {})

    assert silence.lasted


def test_a_command_that_is_to_stop_is_asked_until_it_does(tmp_path: Path) -> None:
    command, stopping = a_command(tmp_path), threading.Event()
    stopping.set()
    silence = Silence(command, 600.0, stopping)

    with pytest.raises(CommandError, match="code: 7"), silence.watched():
        command.run(["preview"], str(tmp_path), {})

    assert not silence.lasted


def test_who_listens_is_told_that_nothing_is_heard(tmp_path: Path) -> None:
    told: list[str] = []
    ended = threading.Event()

    def hear(text: str, _: float | None) -> None:
        told.append(text)
        ended.set()

    heard = progress.listener.set(hear)
    try:
        with Silence(a_command(tmp_path), 600.0, threading.Event(), tell_every_s=0.0).watched():
            assert ended.wait(60)
    finally:
        progress.listener.reset(heard)

    assert "have said nothing for" in told[0]

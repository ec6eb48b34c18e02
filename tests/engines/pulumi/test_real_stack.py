"""A stack of this machine on Pulumi's own engine, by the command line: our providers run under Pulumi's host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.pulumi_cli import needed_pulumi, real_pulumi
from tests.stack.commands import TINY, Ran, a_project, inferstack

pytestmark = pytest.mark.timeout(1200)
LIMIT_S = 400.0


class CommandLine:
    """`inferstack` in one folder, with the real Pulumi."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder, self._environ = folder, environ

    def __call__(self, *words: str, code: int | None = 0) -> Ran:
        """Run a command to its end, and have it end with the code."""
        return inferstack(self.folder, *words, code=code, limit_s=LIMIT_S, **self._environ)


@pytest.fixture
def command(tmp_path: Path) -> Iterator[CommandLine]:
    """The command line in a project whose spec says `engine: pulumi`; what is up is taken away afterwards."""
    environ = real_pulumi(needed_pulumi(), tmp_path / "home")
    found = CommandLine(a_project(tmp_path / "project", f"{TINY}engine: pulumi\n"), environ)
    yield found
    found("destroy", "--yes", code=None)


def test_a_local_stack_lives_on_pulumi_and_moves_to_the_embedded_engine(command: CommandLine) -> None:
    planned = command("preview", "spec.yaml")
    assert "to create" in planned.out
    assert "Pulumi's own" in planned.out

    command("up", "spec.yaml")
    running = pids(command)
    assert len(running) == 3
    assert command("preview", "spec.yaml").out.startswith("No changes")
    assert set(command("outputs", "--json").json["endpoints"]) == {"one", "two"}

    command("state", "move", "--to", "embedded")
    (command.folder / "spec.yaml").write_text(TINY)
    assert command("preview", "spec.yaml").out.startswith("No changes")
    command("up", "spec.yaml")
    assert pids(command) == running

    command("destroy", "--yes")
    assert command("status", code=None).code == 3


def pids(command: CommandLine) -> dict[str, int]:
    """The process of each instance."""
    return {one["name"]: one["pid"] for one in command("status", "--json").json["instances"]}

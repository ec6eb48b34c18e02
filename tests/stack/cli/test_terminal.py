"""Files that the command line names are written as their content asks for."""

from __future__ import annotations

from pathlib import Path

from stack.cli.terminal import write_file


def test_a_private_file_is_its_owners_alone_though_it_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("old")
    path.chmod(0o644)
    write_file(path, "new", private=True)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)

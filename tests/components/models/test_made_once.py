"""A folder of a store is made once and never half, whoever is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.models.once import finished, made_once, sweep
from tests.components.models.processes import kill, python, until

SLOW_MAKER = """
import sys, time
from pathlib import Path
from components.models.once import made_once

def make(folder, lock):
    (folder / "half").write_text("1")
    limit = time.monotonic() + 60
    while not Path(sys.argv[2]).exists() and time.monotonic() < limit:
        time.sleep(0.01)
    (folder / "whole").write_text("1")

made_once(Path(sys.argv[1]), "key", make, valid=lambda folder: True, what="a thing")
"""


def fill(folder: Path, _lock: int) -> None:
    (folder / "whole").write_text("2")


def always(_folder: Path) -> bool:
    return True


def made(root: Path) -> Path:
    return made_once(root, "key", fill, valid=always, what="a thing")


def test_finished_folder_is_not_made_again(tmp_path: Path) -> None:
    made(tmp_path)

    def never(_folder: Path, _lock: int) -> None:
        raise AssertionError("made twice")

    made_once(tmp_path, "key", never, valid=always, what="a thing")


def test_altered_folder_is_made_again(tmp_path: Path) -> None:
    folder = made(tmp_path)
    (folder / "whole").write_text("altered")
    made_once(tmp_path, "key", fill, valid=lambda found: (found / "whole").read_text() == "2", what="a thing")
    assert (folder / "whole").read_text() == "2"


def test_failed_making_leaves_no_folder(tmp_path: Path) -> None:
    def fail(folder: Path, _lock: int) -> None:
        (folder / "half").write_text("1")
        raise RuntimeError("no luck")

    with pytest.raises(RuntimeError, match="no luck"):
        made_once(tmp_path, "key", fail, valid=always, what="a thing")
    assert [path.name for path in tmp_path.iterdir()] == ["key.lock"]


def test_killed_maker_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    maker = python(SLOW_MAKER, tmp_path, tmp_path / "go")
    until(lambda: (tmp_path / "key.making" / "half").exists(), "the making begins")
    kill(maker)
    assert finished(tmp_path) == ()
    assert sweep(tmp_path) == ("key",)
    assert not (tmp_path / "key.making").exists()


def test_killed_maker_is_followed_by_another(tmp_path: Path) -> None:
    maker = python(SLOW_MAKER, tmp_path, tmp_path / "go")
    until(lambda: (tmp_path / "key.making" / "half").exists(), "the making begins")
    kill(maker)
    assert sorted(path.name for path in made(tmp_path).iterdir()) == ["whole"]


def test_second_process_waits_for_the_first_and_takes_its_folder(tmp_path: Path) -> None:
    go = tmp_path.parent / f"{tmp_path.name}.go"
    maker = python(SLOW_MAKER, tmp_path, go)
    until(lambda: (tmp_path / "key.making" / "half").exists(), "the making begins")
    assert sweep(tmp_path) == ()
    go.touch()
    assert (made(tmp_path) / "whole").read_text() == "1"
    assert maker.wait(30) == 0

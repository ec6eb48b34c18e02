"""One writer at a time: the lock names its holder and is free when the holder is gone, however it went."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.errors import LockedError
from stack.engines import lock
from tests.fakes import File, a_program, an_engine, until

HOLDER = """
import sys, time
from pathlib import Path
from stack.engines import lock
with lock.held(Path(sys.argv[1]), "inferstack up digits.yaml"):
    Path(sys.argv[1] + ".taken").touch()
    time.sleep(60)
"""


@contextmanager
def another_holder(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)])
    try:
        until(Path(f"{path}.taken").exists)
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_second_writer_is_refused_and_told_who_writes(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with another_holder(path) as process, pytest.raises(LockedError) as refused, lock.held(path):
        pass

    assert f"process {process.pid} of " in refused.value.message
    assert "`inferstack up digits.yaml`" in refused.value.message
    assert refused.value.exit_code == 6


def test_the_lock_of_a_killed_holder_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with another_holder(path) as process:
        assert (found := lock.holder(path)) is not None
        assert found.pid == process.pid
        process.kill()
        process.wait()
        assert lock.holder(path) is None
        with lock.held(path) as before:
            assert before is not None
            assert before.pid == process.pid


def test_a_process_number_given_to_somebody_else_is_not_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with lock.held(path):
        me = lock.holder(path)
        assert me is not None
        assert me.alive
        path.write_text(json.dumps({**dataclasses.asdict(me), "started": "1"}))
        assert lock.holder(path) is None


def test_readers_take_no_lock(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File()}))
    with another_holder(tmp_path / "state" / "lock"):
        assert engine.preview(a_program(out, {"a": File()})).empty
        with pytest.raises(LockedError):
            engine.up(a_program(out, {"a": File("new")}))
        with pytest.raises(LockedError):
            engine.destroy()
        with pytest.raises(LockedError):
            engine.import_(engine.export())


def test_a_lock_file_that_was_deleted_meanwhile_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with lock.held(path):
        path.unlink()
        with lock.held(path):
            assert path.exists()


def test_the_holder_of_another_machine_counts_as_alive(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = lock.Holder(os.getpid(), "elsewhere", "me", "up", "now", "1")
    path.write_text(json.dumps(dataclasses.asdict(holder)))
    assert lock.holder(path) == holder

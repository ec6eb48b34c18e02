"""Managed environments, made for real from a package that these tests build themselves: no index is asked."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from components.serving.environments import MARKER, Environment, ensure
from schemas.errors import PreflightError


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """pip finds what lies in folders that the test names, and nothing else."""
    for name, value in {"PIP_NO_INDEX": "1", "PIP_NO_CACHE_DIR": "1", "PIP_RETRIES": "0"}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def an_environment(folder: Path, offline: pytest.MonkeyPatch, *, wheel: bool = True) -> Environment:
    """An environment whose lock names one small package; without `wheel`, nowhere to be had."""
    file = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("tiny.py", "ANSWER = 42\n")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    lock = folder / "tiny.lock"
    lock.write_text(f"tiny==1.0 \\\n    --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n")
    offline.setenv("PIP_FIND_LINKS", str(folder if wheel else folder / "nowhere"))
    return Environment(folder / "environments", "tiny", lock)


def test_an_environment_is_made_once_and_works(tmp_path: Path, offline: pytest.MonkeyPatch) -> None:
    environment = an_environment(tmp_path, offline)
    ensure(environment)
    command = [str(environment.python), "-c", "import tiny; print(tiny.ANSWER)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "42\n"
    made = (environment.path / MARKER).stat().st_mtime_ns
    offline.setenv("PIP_FIND_LINKS", "/nowhere")
    ensure(environment)
    assert (environment.path / MARKER).stat().st_mtime_ns == made


def test_what_a_killed_command_left_is_made_again(tmp_path: Path, offline: pytest.MonkeyPatch) -> None:
    environment = an_environment(tmp_path, offline)
    (environment.path / "bin").mkdir(parents=True)
    (environment.path / "bin" / "left-over").touch()
    ensure(environment)
    assert environment.complete
    assert not (environment.path / "bin" / "left-over").exists()


def test_an_index_out_of_reach_is_said_with_pips_words(tmp_path: Path, offline: pytest.MonkeyPatch) -> None:
    environment = an_environment(tmp_path, offline, wheel=False)
    with pytest.raises(PreflightError) as failed:
        ensure(environment)
    assert failed.value.message == "the environment of tiny cannot be made"
    assert "No matching distribution found for tiny==1.0" in failed.value.why
    assert not environment.path.exists()


def test_two_commands_at_once_make_it_together(tmp_path: Path, offline: pytest.MonkeyPatch) -> None:
    environment = an_environment(tmp_path, offline)
    program = "import sys; from pathlib import Path; from components.serving.environments import *\n\
ensure(Environment(Path(sys.argv[1]), 'tiny', Path(sys.argv[2])))"
    command = [sys.executable, "-c", program, str(environment.folder), str(environment.lock)]
    commands = [subprocess.Popen(command) for _ in range(2)]
    assert [one.wait(timeout=60) for one in commands] == [0, 0]
    assert environment.complete


def test_another_lock_is_another_environment(tmp_path: Path, offline: pytest.MonkeyPatch) -> None:
    environment = an_environment(tmp_path, offline)
    before = environment.path
    environment.lock.write_text("tiny==2.0 --hash=sha256:0\n")
    assert environment.path != before

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from components.serving import supervisor
from components.serving.supervision_processes import processes_of
from tests.components.serving.serving_builders import a_stack, eventually

SLEEPER = """\
[program:sleeper]
command=sleep 1000
autostart=true
stopasgroup=true
killasgroup=true
"""


def daemon_pid(run: Path) -> int:
    daemon = supervisor.find(run)
    assert daemon is not None
    return int(daemon.call("getPID"))


def a_starter(run: Path) -> subprocess.Popen[bytes]:
    """A command of its own that makes sure of the daemon, and then stays."""
    program = f"from components.serving import supervisor; from pathlib import Path; import time\n\
supervisor.ensure(Path({str(run)!r})); print('up', flush=True); time.sleep(60)"
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)


def test_a_second_call_finds_the_same_daemon(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        supervisor.ensure(state / "run")
        first = daemon_pid(state / "run")
        supervisor.ensure(state / "run")
        assert daemon_pid(state / "run") == first


def test_the_daemon_outlives_the_command_that_started_it(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        with a_starter(state / "run") as starter:
            assert starter.stdout is not None
            starter.stdout.readline()
            starter.kill()
        assert supervisor.find(state / "run") is not None


def test_two_commands_at_once_start_one_daemon(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        starters = [a_starter(state / "run") for _ in range(3)]
        for starter in starters:
            with starter:
                assert starter.stdout is not None
                assert starter.stdout.readline() == b"up\n"
                starter.kill()
        assert processes_of(state / "run") == (daemon_pid(state / "run"),)


def test_the_daemon_holds_no_file_of_its_starter_but_its_own_lock(tmp_path: Path) -> None:
    if not Path("/proc/self").exists():
        pytest.skip("no /proc on this system")
    with a_stack(tmp_path) as state, (tmp_path / "journal").open("w") as journal:
        os.set_inheritable(journal.fileno(), True)
        supervisor.ensure(state / "run")
        held = [os.readlink(link) for link in Path(f"/proc/{daemon_pid(state / 'run')}/fd").iterdir()]
        assert str(state / "run" / "supervisord.lock") in held
        assert str(tmp_path / "journal") not in held


def test_orphans_of_a_killed_daemon_are_ended_before_a_new_one_starts(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        run = state / "run"
        (run / "programs").mkdir(parents=True)
        (run / "programs" / "sleeper.conf").write_text(SLEEPER)
        daemon = supervisor.ensure(run)
        eventually(lambda: (daemon.info("sleeper") or {}).get("pid"))
        orphan = (daemon.info("sleeper") or {})["pid"]
        os.kill(daemon_pid(run), signal.SIGKILL)
        eventually(lambda: supervisor.find(run) is None)
        assert processes_of(run) == (orphan,)
        daemon = supervisor.ensure(run)
        assert orphan not in processes_of(run)
        eventually(lambda: (daemon.info("sleeper") or {}).get("pid"))


def test_a_daemon_that_lost_its_socket_is_replaced(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        supervisor.ensure(state / "run")
        first = daemon_pid(state / "run")
        (state / "run" / "supervisord.sock").unlink()
        supervisor.ensure(state / "run", answer_s=0.5)
        assert daemon_pid(state / "run") != first
        assert processes_of(state / "run") == (daemon_pid(state / "run"),)


def test_stopping_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        run = state / "run"
        (run / "programs").mkdir(parents=True)
        (run / "programs" / "sleeper.conf").write_text(SLEEPER)
        supervisor.ensure(run)
        supervisor.stop(run)
        assert processes_of(run) == ()
        assert not run.exists()


def test_stopping_what_never_ran_is_fine(tmp_path: Path) -> None:
    supervisor.stop(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_path_too_long_for_a_socket_gets_a_private_folder(tmp_path: Path) -> None:
    with a_stack(tmp_path / ("long " * 20)) as state:
        socket = supervisor.ensure(state / "run").socket
        assert socket.is_relative_to(tempfile.gettempdir())
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert supervisor.find(state / "run") is not None
    assert not socket.parent.exists()


def test_a_folder_that_supervisor_reads_as_a_pattern_is_refused(tmp_path: Path) -> None:
    with pytest.raises(supervisor.PreflightError, match="cannot run from"):
        supervisor.ensure(tmp_path / "old [2]" / "run")


def test_a_home_that_cannot_be_written_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    with a_stack(tmp_path) as state:
        assert supervisor.ensure(state / "run").info("nothing") is None

from __future__ import annotations

from pathlib import Path

import pytest
from supervisor.options import UnhosedConfigParser

from components.serving.supervision_conf import Program, daemon_conf, ini, program_conf
from schemas.errors import PreflightError


def a_program(**changes: object) -> Program:
    wanted = {
        "name": "digits-0",
        "python": "/opt/my venv/bin/python",
        "launcher": Path("/opt/50% off/launch.py"),
        "launch": "launch/digits-0.json",
        "stop_s": 15,
    }
    return Program(**{**wanted, **changes})  # type: ignore[arg-type]


def test_a_program_restarts_and_is_stopped_with_its_whole_group() -> None:
    parser = UnhosedConfigParser()
    parser.read_string(program_conf(a_program()))
    section = dict(parser.items("program:digits-0"))
    assert section["autorestart"] == section["stopasgroup"] == section["killasgroup"] == "true"
    assert section["stopwaitsecs"] == "15"
    assert section["stdout_logfile_backups"] == "3"


def test_paths_with_spaces_and_percent_signs_reach_the_command_whole() -> None:
    parser = UnhosedConfigParser()
    parser.read_string(program_conf(a_program()))
    command = parser.get("program:digits-0", "command") % {}
    assert command == "'/opt/my venv/bin/python' -I -S '/opt/50% off/launch.py' launch/digits-0.json"


def test_a_path_that_reads_as_a_comment_is_refused_with_a_reason() -> None:
    with pytest.raises(PreflightError) as refused:
        ini("/home/me/old #2/python")
    assert "comment" in refused.value.why


def test_root_is_named_as_the_user_so_that_nothing_warns() -> None:
    assert "user=0" in daemon_conf(Path("/run/s.sock"), 0, 1024)
    assert "user=" not in daemon_conf(Path("/run/s.sock"), 1000, 1024)

"""Supervisor's configuration as text: one file for the daemon, one a program. Pure: values in, text out.

Paths are relative to the run folder, where the daemon is started, so that spaces and odd characters in the stack's path
never meet supervisor's quoting. The command names two absolute paths (interpreter and launcher) and cannot avoid it.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import PreflightError

LOG_BYTES = 10 * 2**20
LOG_BACKUPS = 3
# A process that lives shorter than this has failed to start, and supervisor waits longer before each new try.
START_S = 5
START_RETRIES = 5


@dataclass(frozen=True)
class Program:
    """One supervised program; `launch` is relative to the run folder; `stop_s` is the longest orderly stop."""

    name: str
    python: str
    launcher: Path
    launch: str
    stop_s: int


def daemon_conf(socket: Path, user_id: int, descriptors: int) -> str:
    """The daemon's own configuration; `descriptors` is how many file descriptors it may have open."""
    # Without `user`, supervisor warns root about root at each start.
    user = "user=0\n" if user_id == 0 else ""
    return f"""\
; Written by inferstack; a change made here is lost.
[supervisord]
logfile=logs/supervisord.log
logfile_maxbytes={LOG_BYTES}
logfile_backups=1
loglevel=info
pidfile=supervisord.pid
childlogdir=logs
nocleanup=true
minfds={descriptors}
minprocs=1
{user}
[unix_http_server]
file={ini(str(socket))}
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files=programs/*.conf
"""


def program_conf(program: Program) -> str:
    """A program's section: restarted with back-off, stopped with its whole process group, its log rotated."""
    # -I and -S: the launcher needs the standard library alone, and must not see the modules that lie beside it.
    words = (program.python, "-I", "-S", str(program.launcher), program.launch)
    return f"""\
[program:{program.name}]
command={ini(shlex.join(words))}
autostart=true
autorestart=true
startsecs={START_S}
startretries={START_RETRIES}
stopsignal=TERM
stopwaitsecs={program.stop_s}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile=logs/{program.name}.log
stdout_logfile_maxbytes={LOG_BYTES}
stdout_logfile_backups={LOG_BACKUPS}
"""


def ini(text: str) -> str:
    """A value as supervisor's configuration takes it: percent signs doubled.

    Raises:
        PreflightError: the text holds what reads as a comment there, and no quoting helps.
    """
    if any(mark in text for mark in (" ;", " #", "\n")):
        raise PreflightError(
            f"a path cannot be given to the supervisor: {text}",
            why="its configuration takes a blank followed by ; or # for the start of a comment",
            remedy="move the folder to a path without it",
        )
    return text.replace("%", "%%")

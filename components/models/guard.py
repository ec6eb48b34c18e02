"""Run a command that ends when whoever started it ends: `python -I guard.py PROGRAM ARGUMENTS...`.

The guard holds the reading end of a pipe as its standard input. As soon as the other end is closed (on purpose, or
because that process was killed), it ends the command and everything the command started: the whole process group is
asked to stop, then killed. A thread that waits for a pipe needs no signal handler and no help of the kernel that only
Linux has.

Nothing is imported but the standard library, so that it starts in a few milliseconds. It never interprets the
command's output; its exit code is the command's, or 128 and the number of the signal that ended it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

GRACE_S = 3.0
CANNOT_START = 127


def main(command: list[str]) -> int:
    """Run `command` until it ends or standard input does; returns the exit code."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return CANNOT_START
    threading.Thread(target=_end_with_starter, args=(process,), daemon=True).start()
    code = process.wait()
    _signal_group(process.pid, signal.SIGKILL)
    return code if code >= 0 else 128 - code


def _end_with_starter(process: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):
        pass
    _signal_group(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        _signal_group(process.pid, signal.SIGKILL)


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the starter's affair
    sys.exit(main(sys.argv[1:]))

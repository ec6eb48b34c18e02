"""`python -m components.benchmarks.load ARGUMENTS.json`: pin, then everything else."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading


def main() -> int:
    """Make one measurement; a failure is told in words on standard error, with the exit code of its class."""
    if len(sys.argv) != 2:
        print("usage: python -m components.benchmarks.load ARGUMENTS.json", file=sys.stderr)
        return 3
    with open(sys.argv[1]) as file:
        plain = json.load(file)
    # Before numpy and the event loop start threads or touch memory.
    if plain.get("cpus") and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, plain["cpus"])
    if plain.get("tied"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the starter's affair
        threading.Thread(target=_end_with_starter, daemon=True).start()

    from components import codec
    from components.benchmarks.load import generator
    from components.benchmarks.load.arguments import Arguments
    from schemas.errors import InferstackError

    try:
        arguments = codec.decode(Arguments, plain)
        if arguments.tool == "builtin":
            generator.measure(arguments)
        else:
            from components.benchmarks.tools import drive

            drive.measure(arguments)
    except InferstackError as error:
        print(": ".join(part for part in (error.message, error.why) if part), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def _end_with_starter() -> None:
    while os.read(0, 1024):
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # a tool that this process runs ends with it
    os._exit(143)


if __name__ == "__main__":
    sys.exit(main())

"""A serving process: `python -m components.serving.server ARGS.json`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# OpenVINO's telemetry would phone home at import; it must be told before that.
os.environ["CI"] = "true"

from components.serving.server import arguments
from components.serving.server.process import run
from schemas.errors import InferstackError, UsageError


def main(argv: list[str]) -> int:
    """Serves until SIGTERM; the exit code."""
    try:
        if len(argv) != 2:
            raise UsageError("usage: python -m components.serving.server ARGS.json")
        run(arguments.read(Path(argv[1])))
    except InferstackError as error:
        print("\n".join(part for part in (f"error: {error.message}", error.why, error.remedy) if part), file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    code = main(sys.argv)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not by way of the interpreter's end: a thread may still be inside an inference that outlasted the drain.
    os._exit(code)

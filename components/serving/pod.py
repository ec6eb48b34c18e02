"""One serving process in a pod: `python -m components.serving.pod ARGS.json`.

The arguments are those of the server (`server/arguments.py`) as JSON: the path of a file, mounted from a ConfigMap, or
the JSON text itself in place of the path. Only the pod knows the rest, and it is filled in here:

- `host` is every address (0.0.0.0) unless stated: the Service decides who reaches the pod.
- `rest_port` is 8000 and `grpc_port` 9000 unless stated (null: no gRPC).
- `cpus` are never stated, because the kubelet chooses them. `whole_cpus` says how many CPUs the container asked for to
  itself (requests = limits); if the cpuset holds exactly so many, they are its own and each inference thread is bound
  to one. 0 or absent: the CPUs are shared, and nothing is bound.
- `threads` and `streams` stay as stated; without `threads` there is one a CPU of `whole_cpus`, or one.

    {"name": "digits", "model": {"name": "digits", "path": "/models/KEY/digits/1/model.xml", "digest": null},
     "whole_cpus": 2, "threads": 2, "streams": 1, "drain_delay_s": 5, "drain_s": 10}

On SIGTERM readiness turns false at once, requests are taken for `drain_delay_s` more, then what was begun is finished
within `drain_s`: `terminationGracePeriodSeconds` must exceed their sum, and no `preStop` hook is needed. It runs as any
user on a read-only file system and writes nothing.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any, Final

# OpenVINO's telemetry would phone home at import; it must be told before that.
os.environ["CI"] = "true"

from components.arguments import read_object, shown
from schemas.errors import InferstackError, UsageError

REST_PORT: Final = 8000
GRPC_PORT: Final = 9000
POD_MEMBERS: Final = ("whole_cpus",)


def completed(stated: Mapping[str, Any], cpuset: frozenset[int]) -> dict[str, Any]:
    """The server's arguments: what is stated, and what follows from the CPUs that this pod may use.

    Raises:
        UsageError: `whole_cpus` is no number of CPUs.
    """
    whole = stated.get("whole_cpus") or 0
    if not isinstance(whole, int) or whole < 0:
        raise UsageError(f"'whole_cpus' is {whole!r}, it must be a number of CPUs")
    defaults = {"host": "0.0.0.0", "rest_port": REST_PORT, "grpc_port": GRPC_PORT, "threads": max(1, whole)}
    server = {key: value for key, value in stated.items() if key not in POD_MEMBERS}
    return {**defaults, **server, "cpus": sorted(cpuset) if len(cpuset) == whole else []}


def main(argv: list[str]) -> int:
    """Serves until SIGTERM; the exit code."""
    # Process 1 of a container ignores signals that it does not handle, even while it still loads.
    signal.signal(signal.SIGTERM, _stop)
    try:
        if len(argv) != 2:
            raise UsageError("usage: python -m components.serving.pod ARGS.json")
        from components.serving.server import arguments
        from components.serving.server.model import process_mask
        from components.serving.server.process import run

        stated = read_object(argv[1])
        cpuset = process_mask()
        asked = completed(stated, cpuset)
        if stated.get("whole_cpus") and not asked["cpus"]:
            print(f"not pinned: the cpuset {sorted(cpuset)} is not of {stated['whole_cpus']} CPUs", file=sys.stderr)
        run(arguments.parse(asked, shown(argv[1])))
    except InferstackError as error:
        print("\n".join(part for part in (f"error: {error.message}", error.why, error.remedy) if part), file=sys.stderr)
        return error.exit_code
    return 0


def _stop(_signal: int, _frame: FrameType | None) -> None:
    os._exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    code = main(sys.argv)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not by way of the interpreter's end: a thread may still be inside an inference that outlasted the drain.
    os._exit(code)

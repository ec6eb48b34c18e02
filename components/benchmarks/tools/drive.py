"""A measurement by a tool, in three steps: write what it reads, run it, read what it wrote.

On this machine one process does all three, on the CPUs that it was pinned to. In a Job each step is a container of its
own, the middle one of the tool's image.
"""

from __future__ import annotations

import json
import resource
import subprocess
import time
from pathlib import Path
from typing import Final

from components import codec
from components.benchmarks import samples as sample_files
from components.benchmarks.load.arguments import Arguments
from components.benchmarks.load.prepare import prepared
from components.benchmarks.result import Measurement
from components.benchmarks.samples import Samples
from components.benchmarks.tools.tool import TOOLS, Command
from schemas.errors import InferstackError, PreflightError

STDOUT: Final = "stdout.txt"
STDERR: Final = "stderr.txt"
MOST_SAID: Final = 2000


def measure(arguments: Arguments) -> None:
    """Make the measurement that the arguments describe and write its files.

    Raises:
        UsageError: the data set cannot be read or sent, or the tool cannot ask such a target.
        PreflightError: the tool is not installed.
        InferstackError: it failed.
    """
    folder = Path(arguments.summary).with_name("tool")
    folder.mkdir(exist_ok=True)
    first = write_files(arguments, folder)
    busy: float | None = None
    for command in TOOLS[arguments.tool].commands(arguments, str(folder), first):
        share = run(command, folder)
        # Of several commands the one that measures is the one that works the most.
        busy = max(busy or 0.0, share)
    measurement, samples = collect(arguments, folder, busy)
    if samples is not None:
        sample_files.write(Path(arguments.samples), samples)
    Path(arguments.summary).write_text(json.dumps(codec.encode(measurement), allow_nan=False))


def write_files(arguments: Arguments, folder: Path) -> bytes:
    """Write what the tool reads; the first of the prepared requests."""
    requests, _labels = prepared(arguments)
    for name, content in TOOLS[arguments.tool].files(arguments, requests).items():
        (folder / name).write_bytes(content)
    return requests[0]


def run(command: Command, folder: Path) -> float:
    """Run a command to its end; the share of one core that it used."""
    began, before = time.monotonic(), _cpu_s()
    try:
        with (folder / STDOUT).open("wb") as out, (folder / STDERR).open("wb") as err:
            code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, check=False).returncode
    except FileNotFoundError as error:
        raise missing(command[0]) from error
    if code:
        said = "".join((folder / name).read_text(errors="replace")[-MOST_SAID:] for name in (STDERR, STDOUT))
        raise InferstackError(f"{command[0]} ended with exit code {code}", why=said.strip() or "it said nothing")
    return (_cpu_s() - before) / max(time.monotonic() - began, 1e-3)


def collect(arguments: Arguments, folder: Path, busy: float | None = None) -> tuple[Measurement, Samples | None]:
    """The measurement in what the tool wrote.

    Raises:
        InferstackError: it is not what the tool should have written.
    """
    try:
        return TOOLS[arguments.tool].read(arguments, folder, busy)
    except (ValueError, KeyError, IndexError, OSError) as error:
        told = sorted(path.name for path in folder.iterdir())
        raise InferstackError(
            f"what {arguments.tool} wrote cannot be read",
            why=f"{type(error).__name__}: {error}; files: {', '.join(told)}",
            remedy=f"another version of {arguments.tool} may write otherwise; the built-in generator needs none",
        ) from error


def missing(name: str) -> PreflightError:
    """What to say when a tool is not there."""
    return PreflightError(
        f"{name} is not installed on this machine",
        why="the benchmark names it as its `tool`",
        remedy=f"{TOOLS[name].install}, or delete `tool`: the built-in generator needs nothing",
    )


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

"""Which tools there are, and what each needs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.benchmarks.load.arguments import Arguments
from components.benchmarks.result import Measurement
from components.benchmarks.samples import Samples
from components.benchmarks.tools import ghz, hey, locust, vegeta, wrk

Command = tuple[str, ...]
Commands = tuple[Command, ...]


@dataclass(frozen=True)
class Tool:
    """A load generator of others.

    Attributes:
        install: how to get it onto this machine.
        files: what it reads, by name, for the prepared requests.
        commands: what to run one after the other, given a folder with these files and the first request; the standard
            output of the last one goes to `stdout.txt` there.
        read: the measurement in that folder, given the share of a core that the tool used, and its samples if the tool
            tells single times. Raises ValueError, KeyError, IndexError or OSError when it wrote something else.
    """

    name: str
    install: str
    files: Callable[[Arguments, Sequence[bytes]], Mapping[str, bytes]]
    commands: Callable[[Arguments, str, bytes], Commands]
    read: Callable[[Arguments, Path, float | None], tuple[Measurement, Samples | None]]


TOOLS: Final[Mapping[str, Tool]] = {
    tool.name: tool
    for tool in (
        Tool("hey", "apt-get install hey", hey.files, hey.commands, hey.read),
        Tool("wrk", "apt-get install wrk", wrk.files, wrk.commands, wrk.read),
        Tool("vegeta", "go install github.com/tsenart/vegeta/v12@latest", vegeta.files, vegeta.commands, vegeta.read),
        Tool("ghz", "go install github.com/bojand/ghz/cmd/ghz@latest", ghz.files, ghz.commands, ghz.read),
        Tool("locust", "pipx install locust", locust.files, locust.commands, locust.read),
    )
}

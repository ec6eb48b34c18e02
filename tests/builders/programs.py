"""Programs of others as processes of a test, with what they write in a folder."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

LOCALHOST: Final = "127.0.0.1"
LAST: Final = 3000


@dataclass(frozen=True)
class Program:
    """One at work."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """The last that it wrote."""
        return self.log.read_text()[-LAST:]

    def until(self, ready: Callable[[], bool], *, limit_s: float = 60.0) -> None:
        """Nothing, once it is ready; fails with what it said when it ends before, or takes too long."""
        end = time.monotonic() + limit_s
        while not ready():
            assert self.process.poll() is None, f"{self.log.stem} has ended: {self.said()}"
            assert time.monotonic() < end, f"{self.log.stem} does not answer: {self.said()}"
            time.sleep(0.1)


@contextmanager
def running(
    command: Sequence[str | Path], folder: Path, *, environ: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """A program in a folder until the end of the block; its last words are printed, for the report of a test."""
    binary = Path(command[0]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{binary.name}.log"
    with (
        log.open("wb") as out,
        subprocess.Popen([binary, *command[1:]], stdout=out, stderr=out, env=environ, cwd=folder) as process,
    ):
        program = Program(process, log)
        try:
            yield program
        finally:
            process.terminate()
            print(program.said())


def free_port(address: str = LOCALHOST) -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    try:
        socket.create_connection((LOCALHOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def is_well(url: str) -> bool:
    """Whether this address answers that all is well."""
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False

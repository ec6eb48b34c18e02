"""A prepared HTTP request in the parts that other tools ask for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from components.address import address
from components.benchmarks.load.arguments import Arguments
from schemas.errors import UsageError

WRITTEN_BY_TOOLS: Final = ("Host", "Content-Length")


@dataclass(frozen=True)
class HttpRequest:
    """A POST request; `headers` are without those that every tool writes itself."""

    path: str
    headers: Mapping[str, str]
    body: bytes


def split(request: bytes) -> HttpRequest:
    """The parts of a request that `load.bodies.prepare` made."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    kept = {name: value for name, value in headers.items() if name not in WRITTEN_BY_TOOLS}
    return HttpRequest(first.split()[1], kept, body)


def bases(arguments: Arguments) -> tuple[str, ...]:
    """Where REST is on each instance: `http://host:port`."""
    return tuple(f"http://{address(one.host, one.rest_port)}" for one in arguments.endpoints)


def only_base(arguments: Arguments, tool: str) -> str:
    """The one address that a tool can ask.

    Raises:
        UsageError: the target has several instances, of which the tool would ask one only.
    """
    if len(arguments.endpoints) != 1:
        raise UsageError(
            f"{tool} asks one address, and {arguments.target} has {len(arguments.endpoints)} instances",
            why="the others would stand idle, and the figures would be those of one",
            remedy="use `tool: vegeta` or the built-in generator, or measure a group of one instance",
        )
    return bases(arguments)[0]

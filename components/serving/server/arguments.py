"""What a serving process is told: one JSON file, parsed once into a frozen value.

The file is written by the supervisor, or by hand for a try. Whatever is wrong with it is a `UsageError` that names the
member; nothing here touches a model or a socket.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from schemas.errors import UsageError

Scheduling = Literal["auto", "inline", "queue"]
Execution = Literal["f32", "bf16", "f16", "auto"]


@dataclass(frozen=True)
class ModelFile:
    """The model to serve: its public name, its `model.xml`, and the digest of its files when it is known."""

    name: str
    path: Path
    digest: str | None


@dataclass(frozen=True)
class Arguments:
    """One serving process. `cpus` is the mask the launcher has set; `threads` and `streams` are OpenVINO's.

    `drain_delay_s` is how long requests are still taken after readiness has become false on stop: the time that those
    who send them need to notice.
    """

    name: str
    model: ModelFile
    host: str
    rest_port: int
    grpc_port: int | None
    cpus: tuple[int, ...]
    threads: int
    streams: int
    execution: Execution
    scheduling: Scheduling
    queue_size: int
    retry_after_s: float
    max_request_bytes: int
    drain_s: float
    drain_delay_s: float = 0.0


def read(path: Path) -> Arguments:
    """The arguments in a JSON file.

    Raises:
        UsageError: the file cannot be read, is no JSON, or a member is missing or of the wrong type.
    """
    try:
        tree = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as arguments", why=str(error)) from error
    return parse(tree, str(path))


def parse(tree: Any, where: str) -> Arguments:
    """The arguments in plain JSON values; `where` says in errors where they stand.

    Raises:
        UsageError: a member is missing or of the wrong type.
    """
    members = _Members(tree, where)
    model = _Members(members.get("model", dict), f"{where}: model")
    return Arguments(
        name=members.get("name", str),
        model=ModelFile(
            name=model.get("name", str), path=Path(model.get("path", str)), digest=model.get("digest", str, None)
        ),
        host=members.get("host", str, "127.0.0.1"),
        rest_port=members.number("rest_port", 0),
        grpc_port=members.get("grpc_port", int, None),
        cpus=tuple(members.get("cpus", list, [])),
        threads=members.number("threads", 1, 1),
        streams=members.number("streams", 1, 1),
        execution=members.choice("execution", get_args(Execution), "f32"),
        scheduling=members.choice("scheduling", get_args(Scheduling), "auto"),
        queue_size=members.number("queue_size", 0, 128),
        retry_after_s=float(members.get("retry_after_s", int | float, 1.0)),
        max_request_bytes=members.number("max_request_bytes", 1, 64 * 2**20),
        drain_s=float(members.get("drain_s", int | float, 10.0)),
        drain_delay_s=float(members.get("drain_delay_s", int | float, 0.0)),
    )


_ABSENT = object()


class _Members:
    """The members of a JSON object, each asked for with its type."""

    def __init__(self, tree: Any, where: str) -> None:
        if not isinstance(tree, Mapping):
            raise UsageError(f"{where}: expected a JSON object")
        self._tree, self._where = tree, where

    def get(self, name: str, kind: Any, default: Any = _ABSENT) -> Any:
        value = self._tree.get(name, default)
        if value is _ABSENT:
            raise UsageError(f"{self._where}: {name!r} is missing")
        if value is default or (isinstance(value, kind) and not isinstance(value, bool)):
            return value
        raise UsageError(f"{self._where}: {name!r} is {value!r}, which has the wrong type")

    def number(self, name: str, least: int, default: Any = _ABSENT) -> int:
        value: int = self.get(name, int, default)
        if value < least:
            raise UsageError(f"{self._where}: {name!r} is {value}, it must be {least} or more")
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> Any:
        value = self.get(name, str, default)
        if value not in choices:
            raise UsageError(f"{self._where}: {name!r} is {value!r}, it must be one of {', '.join(choices)}")
        return value

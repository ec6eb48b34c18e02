"""One serving process as a value: what it shall be, where its files lie, how it is started.

These are plain values between the resource (which Pulumi knows), the supervision (which starts processes) and the
platforms (which know commands). This module never touches the world.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ports:
    """Where an instance listens; no `grpc` where it serves REST only."""

    rest: int
    grpc: int | None


@dataclass(frozen=True)
class Instance:
    """What one serving process shall be; `rest_port` and `grpc_port` are what the spec fixes, None lets us choose."""

    stack: str
    state: Path
    store: Path
    group: str
    name: str
    platform: str
    model_name: str
    model_path: Path
    model_digest: str
    cpus: tuple[int, ...]
    memory_node: int | None = None
    threads: int = 1
    streams: int = 1
    execution: str = "f32"
    scheduling: str = "auto"
    queue_size: int = 128
    retry_after_s: float = 1.0
    max_request_bytes: int = 64 * 2**20
    drain_s: float = 10.0
    host: str = "127.0.0.1"
    rest_port: int | None = None
    grpc: bool = False
    grpc_port: int | None = None
    env: tuple[tuple[str, str], ...] = ()

    @staticmethod
    def of(inputs: Mapping[str, Any]) -> Instance:
        """The instance that a resource's inputs describe; absent members take the defaults above."""
        model, site = inputs["model"], inputs["site"]
        given = {key: inputs[key] for key in OPTIONAL if inputs.get(key) is not None}
        return Instance(
            stack=site["stack"],
            state=Path(site["state"]),
            store=Path(site["store"]),
            group=inputs["group"],
            name=inputs["name"],
            platform=inputs["platform"],
            model_name=model["name"],
            model_path=Path(model["path"]),
            model_digest=model["digest"],
            cpus=tuple(int(cpu) for cpu in inputs["cpus"]),
            env=tuple(sorted((inputs.get("env") or {}).items())),
            **given,
        )

    @property
    def inputs(self) -> dict[str, Any]:
        """The instance as plain values, which `of` takes back."""
        members = {
            "site": {"stack": self.stack, "state": str(self.state), "store": str(self.store)},
            "group": self.group,
            "name": self.name,
            "platform": self.platform,
            "model": {"name": self.model_name, "path": str(self.model_path), "digest": self.model_digest},
            "cpus": list(self.cpus),
            "env": dict(self.env),
        }
        return {**members, **{name: getattr(self, name) for name in OPTIONAL}}

    @property
    def files(self) -> Files:
        """Where this instance's files lie."""
        return Files(self.state / "run", self.name)


# The members that inputs may leave out and that are plain values as they are.
OPTIONAL = tuple(each.name for each in fields(Instance) if each.default is not MISSING and each.name != "env")


@dataclass(frozen=True)
class Files:
    """The files of one instance under the stack's run folder."""

    run: Path
    name: str

    @property
    def args(self) -> Path:
        """Arguments of the platform's process; its ports in here are what claims them."""
        return self.run / "args" / f"{self.name}.json"

    @property
    def launch(self) -> Path:
        """What the launcher does: mask, memory, environment, command."""
        return self.run / "launch" / f"{self.name}.json"

    @property
    def starts(self) -> Path:
        """One line a start, written by the launcher: seconds since the epoch, then the process id."""
        return self.run / "launch" / f"{self.name}.starts"

    @property
    def ready(self) -> Path:
        """What the workers of other platforms tell once they have loaded: process id and model digest."""
        return self.run / "launch" / f"{self.name}.ready.json"

    @property
    def program(self) -> Path:
        """The program's section of supervisor's configuration."""
        return self.run / "programs" / f"{self.name}.conf"

    @property
    def log(self) -> Path:
        """What the process wrote; older parts beside it as `.1`, `.2`."""
        return self.run / "logs" / f"{self.name}.log"

    @property
    def all_but_logs(self) -> tuple[Path, ...]:
        """Everything that goes when the instance goes; the program first, so that nothing starts it again."""
        return (self.program, self.launch, self.starts, self.ready, self.args)


@dataclass(frozen=True)
class Launch:
    """How a platform starts: its command, the arguments file's content, what its environment needs besides."""

    command: tuple[str, ...]
    args: Mapping[str, Any]
    env: Mapping[str, str]


def contact(host: str) -> str:
    """The address under which this machine reaches a server that listens on `host`, ready for a URL."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{reachable}]" if ":" in reachable else reachable

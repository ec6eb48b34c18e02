"""Runs a command inside a container of a cluster, gives it bytes, and reads what it says.

By the official client's web socket; nothing but the command runs there, and no shell. What the cluster refuses is a
clear error.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from components.kubernetes.client import asking
from schemas.errors import InferstackError

LOOK_S: Final = 1.0
PIECE_BYTES: Final = 256 * 1024


@dataclass(frozen=True)
class Container:
    """A container of a running pod."""

    namespace: str
    pod: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod} ({self.name})"


@dataclass(frozen=True)
class Ran:
    """How a command ended: its exit code, what it wrote."""

    code: int
    output: bytes
    errors: bytes


def run(client: Any, where: Container, command: Sequence[str], *, given: Iterable[bytes] = (), timeout_s: float) -> Ran:
    """Run a command, give it bytes on standard input, and wait for its end.

    The input has no end that the command could see: it must know how much to read.

    Args:
        client: a client of one's own (`client.connect`): an exec changes the client that it uses.

    Raises:
        PreflightError: the cluster does not let us, or the connection breaks.
        InferstackError: there is no such container, or the command has not ended in time.
    """
    from kubernetes.client import CoreV1Api
    from kubernetes.stream import stream

    end = time.monotonic() + timeout_s
    with asking(client, f"a command in {where}"):
        pipe = stream(
            CoreV1Api(client).connect_get_namespaced_pod_exec, where.pod, where.namespace, container=where.name,
            command=list(command), stdin=True, stdout=True, stderr=True, tty=False, binary=True,
            _preload_content=False,
        )  # fmt: skip
        try:
            return _talk(pipe, where, given, end)
        finally:
            pipe.close()
            pipe.sock.shutdown()  # a connection that the server has closed is left open by close()


def _talk(pipe: Any, where: Container, given: Iterable[bytes], end: float) -> Ran:
    output, errors = bytearray(), bytearray()

    def listen(patience_s: float) -> None:
        pipe.update(timeout=patience_s)
        output.extend(pipe.read_stdout(timeout=0))
        errors.extend(pipe.read_stderr(timeout=0))

    for piece in given:
        if not pipe.is_open():  # it said why, and left
            break
        pipe.write_stdin(piece)
        listen(0)
    while pipe.is_open():
        if time.monotonic() > end:
            raise InferstackError(f"the command in {where} has not ended", why=errors.decode(errors="replace")[-500:])
        listen(LOOK_S)
    listen(0)
    return Ran(pipe.returncode, bytes(output), bytes(errors))

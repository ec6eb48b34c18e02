"""Runs a command inside a container of a cluster, gives it bytes, and reads what it says.

By the official client's web socket; nothing but the command runs there, and no shell. What the cluster refuses is a
clear error.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.errors import InferstackError, PreflightError

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


def connect(kubeconfig: str, context: str) -> Any:
    """A client of a cluster of one's own: an exec changes the client that it uses.

    Args:
        kubeconfig: a path, or the text of a kubeconfig; empty for the usual places.
        context: empty for the current one.

    Raises:
        PreflightError: the client is not installed, or the kubeconfig cannot be used.
    """
    try:
        import urllib3
        from kubernetes import config
    except ImportError as error:
        raise PreflightError(
            "this needs the Kubernetes client", why=str(error), remedy="pip install 'inferstack[kubernetes]'"
        ) from error
    try:
        client = _client(config, kubeconfig, context or None)
    except (config.ConfigException, OSError, ValueError) as error:
        raise PreflightError("the kubeconfig cannot be used", why=str(error)) from error
    if not client.configuration.verify_ssl:
        # The kubeconfig asks for it (insecure-skip-tls-verify); a warning at every request helps nobody.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return client


def _client(config: Any, kubeconfig: str, context: str | None) -> Any:
    if "\n" in kubeconfig or kubeconfig.lstrip().startswith("{"):
        import yaml

        return config.new_client_from_config_dict(yaml.safe_load(kubeconfig), context=context, persist_config=False)
    return config.new_client_from_config(kubeconfig or None, context=context, persist_config=False)


def run(client: Any, where: Container, command: Sequence[str], *, given: Iterable[bytes] = (), timeout_s: float) -> Ran:
    """Run a command, give it bytes on standard input, and wait for its end.

    The input has no end that the command could see: it must know how much to read.

    Raises:
        PreflightError: the cluster refuses, or the connection breaks.
        InferstackError: the command has not ended in time.
    """
    from kubernetes.client import ApiException, CoreV1Api
    from kubernetes.stream import stream
    from urllib3.exceptions import HTTPError
    from websocket import WebSocketException

    end = time.monotonic() + timeout_s
    try:
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
    except ApiException as error:
        raise PreflightError(
            f"the cluster does not let us into {where}", why=str(error.reason or error),
            remedy="it takes the right to create pods/exec in this namespace",
        ) from error  # fmt: skip
    except (WebSocketException, HTTPError, OSError) as error:
        raise PreflightError(f"the connection to {where} broke", why=str(error), remedy="try again") from error


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

"""A port of a pod as a port of this machine, as `kubectl port-forward` makes one: each connection is a web socket.

So whatever speaks to a server on this machine speaks to one in a pod as well, over REST and gRPC alike. Listens on
127.0.0.1 only, and only while the block runs.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from typing import Any, Final

from components.kubernetes.client import asking
from schemas.errors import InferstackError

PIECE_BYTES: Final = 64 * 1024
LOOK_S: Final = 0.5


@contextlib.contextmanager
def forwarded(client: Any, namespace: str, pod: str, port: int) -> Iterator[int]:
    """The port of this machine that leads to `port` of a pod while the block runs.

    Args:
        client: a client of one's own (`client.connect`): forwarding changes the client that it uses.

    Raises:
        PreflightError: the cluster does not let us.
        InferstackError: there is no such pod.
    """
    # What the cluster refuses is told here, and not by a dead connection.
    connected(client, namespace, pod, port).close()
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(LOOK_S)
        accepting = threading.Thread(target=_accept, args=(listening, client, namespace, pod, port, ended), daemon=True)
        accepting.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            ended.set()
            accepting.join()


def connected(client: Any, namespace: str, pod: str, port: int) -> socket.socket:
    """A connection to a port of a pod, as a socket of this process.

    It comes to the pod from its own kubelet, so that network policies do not hold it up.

    Args:
        client: a client of one's own (`client.connect`).

    Raises:
        PreflightError: the cluster does not let us.
        InferstackError: there is no such pod.
    """
    from kubernetes.client import CoreV1Api
    from kubernetes.stream import portforward

    with asking(client, f"port {port} of {namespace}/{pod}"):
        way = portforward(CoreV1Api(client).connect_get_namespaced_pod_portforward, pod, namespace, ports=str(port))
        made: socket.socket = way.socket(port)
    return made


def _accept(listening: socket.socket, client: Any, namespace: str, pod: str, port: int, ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            caller, _ = listening.accept()
        except TimeoutError:
            continue
        threading.Thread(target=_carry, args=(caller, client, namespace, pod, port, ended), daemon=True).start()


def _carry(caller: socket.socket, client: Any, namespace: str, pod: str, port: int, ended: threading.Event) -> None:
    """Carry bytes both ways until one side has no more."""
    with (
        caller,
        contextlib.suppress(OSError, InferstackError),
        contextlib.closing(connected(client, namespace, pod, port)) as far,
    ):
        ways = {caller: far, far: caller}
        while not ended.is_set():
            ready, _, _ = select.select(list(ways), [], [], LOOK_S)
            for one in ready:
                piece = one.recv(PIECE_BYTES)
                if not piece:
                    return
                ways[one].sendall(piece)

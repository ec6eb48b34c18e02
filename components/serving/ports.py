"""Ports of serving processes: those that the spec fixes are required, the others chosen once and kept.

A chosen port follows from the stack's and the instance's name, so that the same spec gets the same addresses on every
machine; the next free one is taken where it is in use. Nothing is held here: the claim is the arguments file, written
under the lock that `supervision.py` holds.
"""

from __future__ import annotations

import errno
import hashlib
import socket
from collections.abc import Collection
from pathlib import Path

from components.serving.supervision_processes import command_of
from schemas.errors import PreflightError

FIRST, LAST = 20000, 29999


def choose(seed: str, host: str, avoid: Collection[int]) -> int:
    """A free port between FIRST and LAST that follows from `seed`.

    Raises:
        PreflightError: all of them are taken.
    """
    count = LAST - FIRST + 1
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4]) % count
    for step in range(count):
        port = FIRST + (start + step) % count
        if port not in avoid and is_free(host, port):
            return port
    raise PreflightError(f"no free port between {FIRST} and {LAST} on {host}")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now; a port that only waits for stray packets of a closed one is free.

    Raises:
        PreflightError: the host is no address of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise PreflightError(f"{host} is no address of this machine", why=str(error), remedy="set `host:`") from error
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise PreflightError(f"{host} is no address of this machine", remedy="set `host:`") from error
            return False
    return True


def require(name: str, host: str, port: int, key: str) -> None:
    """See that a port is free.

    Raises:
        PreflightError: it is not; the message names who holds it, where the system tells; `key` is what to set.
    """
    if is_free(host, port):
        return
    holder = holder_of(port)
    raise PreflightError(
        f"port {port} of {name} is taken",
        why=f"{holder} listens on it" if holder else f"another process listens on {host}:{port}, or it is not allowed",
        remedy=f"end that process, or give the group another `{key}:`",
    )


def holder_of(port: int, proc: Path = Path("/proc")) -> str:
    """The process that listens on a port, in words; empty where the system does not tell."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port, proc)}
    for link in proc.glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) in sockets:
                pid = int(link.parts[-3])
                return f"process {pid} ({command_of(pid, proc)[:120]})"
        except OSError:
            continue
    return ""


def _listening(port: int, proc: Path) -> set[str]:
    """Inodes of the sockets that listen on a port, from the kernel's table of connections."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes

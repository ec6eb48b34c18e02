"""Addresses of Services in a cluster's DNS. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit


def namespace_of(address: str, own: str = "") -> str:
    """The namespace of the Service that a URL or `host:port` leads to; empty where it is no Service's address.

    `minio.team.svc` and `minio.team.svc.cluster.local` are in `team`; a bare `minio` is in the caller's `own` one.
    """
    host = urlsplit(address if "://" in address else f"//{address}").hostname or ""
    match host.rstrip(".").split("."):
        case [name] if name:
            return own
        case [_, namespace, "svc", *_]:
            return namespace
        case _:
            return ""

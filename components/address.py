"""Addresses of servers as URLs, gRPC and HTTP's `Host` write them."""

from __future__ import annotations


def address(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 host: `127.0.0.1:8500`, `[::1]:8500`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

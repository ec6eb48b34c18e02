"""URLs of models and data: which may be fetched, and under which name what is behind them is kept. Pure."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from schemas.errors import UsageError
from schemas.urls import parsed


def parts_of(url: str) -> SplitResult:
    """The parts of a URL.

    Raises:
        UsageError: it is malformed.
    """
    try:
        return parsed(url)
    except ValueError as error:
        raise UsageError(f"{url} is no URL", why=str(error), remedy="write https://HOST/PATH") from error


def file_name(url: str) -> str:
    """The name under which the file behind `url` is kept: the last part of its path."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    return name if name not in ("", "..") and "/" not in name and "\0" not in name else "download"


def sibling(url: str, name: str) -> str:
    """The URL of the file `name` beside the one behind `url`."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=str(PurePosixPath(parts.path).with_name(name))))


def check_url(url: str, sha256: str | None) -> None:
    """Whether `url` may be fetched.

    Raises:
        UsageError: it is malformed, or neither https nor safe without it.
    """
    parts = parts_of(url)
    if parts.scheme == "https" or (parts.scheme == "http" and (sha256 or is_loopback(parts.hostname or ""))):
        return
    if parts.scheme == "http":
        raise UsageError(
            f"{url} is not fetched over plain http", why="anybody on the way could put another file in its place",
            remedy="use https, or state the file's digest as `sha256`",
        )  # fmt: skip
    raise UsageError(
        f"{url} cannot be fetched", why=f"{parts.scheme}:// is not supported here",
        remedy="use https://, file://, or a path",
    )  # fmt: skip


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""URLs as a spec may state them: one place where they are taken apart, so that no two readers differ. Pure."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit


def parsed(url: str) -> SplitResult:
    """The parts of a URL (of a plain path too, which has a path alone).

    Raises:
        ValueError: its host or port is malformed; with what is wrong, in words.
    """
    parts = urlsplit(url)
    if re.search(r"[\s\x00-\x1f\x7f]", parts.netloc):
        raise ValueError(f"there is a space in the host {parts.netloc!r}")
    _ = parts.port  # raises too
    if parts.scheme in ("http", "https") and not parts.hostname:
        raise ValueError("there is no host in it")
    return parts

"""Digests by which models, sources and inputs are known: SHA-256 in hexadecimal, over contents and never over places.

A file keeps its digest wherever it is moved; a folder's digest covers the names and contents of what is in it. Nothing
here looks at times, owners or modes, so that a copy is the same thing as its original.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from schemas.errors import PreflightError

BLOCK_BYTES = 1 << 20


def ir_digest(xml_path: Path | str) -> str:
    """The digest of an OpenVINO IR model: over the bytes of `model.xml`, then those of the `model.bin` beside it.

    Raises:
        OSError: one of the two files cannot be read.
    """
    xml = Path(xml_path)
    return files_digest((xml, xml.with_suffix(".bin")))


def files_digest(paths: Iterable[Path]) -> str:
    """The digest of several files' bytes, one file after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()


def file_digest(path: Path | str) -> str:
    """The digest of a file's bytes, as `sha256sum` prints it."""
    return files_digest((Path(path),))


def folder_digest(folder: Path | str) -> str:
    """The digest of a folder: over the sorted relative names of its files, each with the digest of its content."""
    root = Path(folder)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return value_digest([[path.relative_to(root).as_posix(), file_digest(path)] for path in files])


def path_digest(path: Path | str) -> str:
    """The digest of a file or of a folder, whichever `path` is."""
    return folder_digest(path) if Path(path).is_dir() else file_digest(path)


def value_digest(value: Any) -> str:
    """The digest of a plain JSON value, independent of the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def check_digest(what: str, stated: str | None, actual: str) -> None:
    """Whether content is what the spec states, if it states a digest.

    Raises:
        PreflightError: it is not; with both digests.
    """
    if stated in (None, actual):
        return
    raise PreflightError(
        f"{what} has another digest than the spec states", why=f"stated: {stated}\nactual: {actual}",
        remedy="find out why it changed; if the new content is right, state its digest as `sha256`",
    )  # fmt: skip

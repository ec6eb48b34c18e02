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

BLOCK_BYTES = 1 << 20


def ir_digest(xml_path: Path | str) -> str:
    """The digest of an OpenVINO IR model: over the bytes of `model.xml`, then those of the `model.bin` beside it.

    Raises:
        OSError: one of the two files cannot be read.
    """
    xml = Path(xml_path)
    return _digest_of((xml, xml.with_suffix(".bin")))


def file_digest(path: Path | str) -> str:
    """The digest of a file's bytes, as `sha256sum` prints it."""
    return _digest_of((Path(path),))


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


def _digest_of(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()

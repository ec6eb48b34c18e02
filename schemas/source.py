"""A spec's file -> its text -> nodes.

Sizes are asked before anything is read, and never more than `MAX_BYTES` are; what is not UTF-8 text is refused with the
place of the first odd byte. The only module that opens the files of a spec.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

from schemas.errors import Location, Problem, SpecError
from schemas.reader import LINE, parse, visible
from schemas.tree import Layer, Place, Table, problem_at

MAX_BYTES: Final = 2**20


def read(path: Path, *, asked: Place | None = None) -> Table:
    """The file as nodes; places name the file as `path` spells it.

    Args:
        path: the file.
        asked: where another file asks for this one (`extends`), to point at when it cannot be read.

    Raises:
        SpecError: it cannot be read, or is not the YAML of one mapping.
    """
    text = _text(path, asked)
    return parse(text, Layer(str(path), path.absolute().parent, tuple(LINE.split(text))))


def _text(path: Path, asked: Place | None) -> str:
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise _unreadable(path, asked, "is a folder", "Name a file in it.")
        size = found.st_size
        data = b""
        if size <= MAX_BYTES:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
            size = len(data)
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "does not exist" if missing else f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise _unreadable(path, asked, reason, _instead(path) if missing else "") from error
    if size > MAX_BYTES:
        raise _unreadable(
            path,
            asked,
            f"is too large: a spec has at most {MAX_BYTES // 2**20} MiB",
            "Keep data and models in files of their own and name them in the spec.",
            rule="SPEC002",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError((_not_utf8(path, data, error.start),)) from error


def _unreadable(path: Path, asked: Place | None, reason: str, remedy: str, *, rule: str = "SPEC001") -> SpecError:
    message, why = f"{path} {reason}", "The spec is read from this file."
    if asked is not None:
        why = "`extends` names this file, relative to the file that says so."
        return SpecError((problem_at(asked, rule, message, why=why, remedy=remedy),))
    return SpecError((Problem(rule, message, why=why, remedy=remedy, origin=str(path)),))


def _instead(path: Path) -> str:
    from schemas.suggest import did_you_mean

    try:
        beside = [p.name for p in path.parent.iterdir() if p.suffix in (".yaml", ".yml")]
    except OSError:
        return f"There is no folder {path.parent} either; `inferstack init` writes a spec for this machine."
    near = did_you_mean(path.name, beside).removeprefix("; ")
    return near.capitalize() if near else "`inferstack init` writes a spec for this machine."


def _not_utf8(path: Path, data: bytes, start: int) -> Problem:
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    before = data[:start].decode("utf-8-sig", errors="replace")
    lines = LINE.split(before)
    line = LINE.split(data[:200_000].decode("utf-8", errors="replace"))
    shown = line[len(lines) - 1] if len(lines) <= len(line) and not wide else ""
    return Problem(
        "SPEC002",
        "the file is UTF-16, not UTF-8" if wide else f"byte 0x{data[start]:02x} is not UTF-8",
        location=Location(str(path), len(lines), len(lines[-1]) + 1),
        source_line=visible(shown),
        why="A spec is text in UTF-8; other encodings and binary files are not guessed at.",
        remedy=f"Convert it, for example: iconv -f {'UTF-16' if wide else 'ISO-8859-1'} -t UTF-8 {path} > new.yaml",
    )

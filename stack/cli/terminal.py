"""What a command reads from and writes to: a person or a pipe, with or without colour; JSON; a file that was named."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import IO, Any

import click

from schemas.errors import UsageError


def wants_colour(stream: IO[str]) -> bool:
    """Whether to colour `stream`: a terminal, and neither NO_COLOR nor TERM=dumb (no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def is_interactive() -> bool:
    """Whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def print_json(value: Any) -> None:
    """Write a value as JSON for a script to read."""
    click.echo(json.dumps(value, indent=2, sort_keys=False, ensure_ascii=False))


def make_folder(path: Path) -> None:
    """Make a folder that the command line names, if it is not there.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path} cannot be written", why=error.strerror or str(error)) from error


def write_file(path: Path, text: str, *, private: bool = False) -> None:
    """Write a file that the command line names; `private`: only its owner may read it.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        if private:
            path.touch(mode=0o600)
            if path.is_file():
                path.chmod(0o600)  # it may have been there
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written", why=error.strerror or str(error)) from error

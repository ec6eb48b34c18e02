"""What the terminal is: colour or not, a person or a pipe; and questions to the person."""

from __future__ import annotations

import json
import os
import sys
from typing import IO, Any

import click


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

"""Words that every message shares."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number of things: `1 core`, `2 cores`."""
    return f"{number} {noun}{'s' if number != 1 else ''}"

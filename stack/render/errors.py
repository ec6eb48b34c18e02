"""Errors that are no problem of a spec, in words: what happened, why, what to do."""

from __future__ import annotations

import textwrap

from schemas.errors import InferstackError

RED, DIM, RESET = "\x1b[1;31m", "\x1b[2m", "\x1b[0m"


def render_error(error: InferstackError, *, colour: bool) -> str:
    """Three parts, as far as there are any; ends with a newline."""
    red, dim, reset = (RED, DIM, RESET) if colour else ("", "", "")
    parts = [f"{red}error:{reset} {error.message}"]
    if error.why:
        parts.append(_labelled("why", error.why, dim, reset))
    if error.remedy:
        parts.append(_labelled("do", error.remedy, dim, reset))
    return "\n".join(parts) + "\n"


def _labelled(label: str, text: str, dim: str, reset: str) -> str:
    first, *rest = text.rstrip().splitlines() or [""]
    lines = [f"  {dim}{label + ':':4}{reset} {first}", *(textwrap.indent(line, " " * 7) for line in rest)]
    return "\n".join(lines)

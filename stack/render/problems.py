"""Problems of a spec as text and as JSON.

Each in five parts: code and message; file, line and column; the source line with a caret under what is meant; why; what
to do. Pure: what comes in decides what comes out, colours included.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from schemas.errors import Problem

_WIDTH = 100
_INDENT = "    "
_RED, _BOLD, _BLUE, _DIM, _END = "\x1b[1;31m", "\x1b[1m", "\x1b[34m", "\x1b[2m", "\x1b[0m"


def render_problems(problems: Sequence[Problem], colour: bool = False) -> str:
    """All problems, one after another, and how many there are; ends in a newline."""
    parts = [_problem(problem, colour) for problem in problems]
    count = len(problems)
    more = f"`inferstack explain {problems[0].rule}` says more" if problems else ""
    last = f"{count} problem{'' if count == 1 else 's'}{'; ' if more else ''}{more}."
    return "\n".join([*parts, last]) + "\n"


def problems_json(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """The problems as JSON values; absent parts are null."""
    return [
        {
            "rule": problem.rule,
            "message": problem.message,
            "file": problem.location.file if problem.location else None,
            "line": problem.location.line if problem.location else None,
            "column": problem.location.column if problem.location else None,
            "length": problem.location.length if problem.location else None,
            "source": problem.source_line or None,
            "origin": problem.origin or None,
            "why": problem.why or None,
            "remedy": problem.remedy or None,
        }
        for problem in problems
    ]


def _problem(problem: Problem, colour: bool) -> str:
    lines = [f"{_painted(problem.rule, _RED, colour)} {_painted(problem.message, _BOLD, colour)}"]
    if problem.location:
        lines.append(f"  {_painted('-->', _BLUE, colour)} {problem.location}")
        lines += _source(problem, colour)
    elif problem.origin:
        lines.append(f"  {_painted('-->', _BLUE, colour)} {problem.origin}")
    lines += _paragraph("why", problem.why, colour)
    lines += _paragraph("do", problem.remedy, colour)
    return "\n".join(lines) + "\n"


def _source(problem: Problem, colour: bool) -> list[str]:
    """The line and a caret under the token; a long line is shown around it, a tab as an arrow."""
    assert problem.location is not None
    if not problem.source_line.strip():
        return []
    text = problem.source_line.rstrip().replace("\t", "→")
    start = problem.location.column - 1
    length = max(1, min(problem.location.length, len(text) - start))
    cut = max(0, start - 60)
    shown = text[cut : cut + _WIDTH]
    if cut:
        shown = "..." + shown[3:]
    if cut + _WIDTH < len(text):
        shown = shown[:-3] + "..."
    number = str(problem.location.line)
    margin, bar = " " * len(number), _painted("|", _BLUE, colour)
    length = min(length, max(1, len(shown) - (start - cut)))
    caret = _painted("^" * length, _RED, colour)
    return [
        f"{_painted(number, _BLUE, colour)} {bar} {shown}",
        f"{margin} {bar} {' ' * (start - cut)}{caret}",
    ]


def _paragraph(label: str, text: str, colour: bool) -> list[str]:
    if not text:
        return []
    head = f"  {label + ':':5}"
    lines = [
        line
        for paragraph in text.splitlines()
        for line in textwrap.wrap(paragraph, _WIDTH - len(head), break_long_words=False, break_on_hyphens=False) or [""]
    ]
    return [
        _painted(head, _DIM, colour) + lines[0],
        *(" " * len(head) + line for line in lines[1:]),
    ]


def _painted(text: str, style: str, colour: bool) -> str:
    return f"{style}{text}{_END}" if colour else text

"""Asking before something is lost: `up` and `destroy` ask a person at a terminal, and refuse to guess without one."""

from __future__ import annotations

import click

from schemas.errors import StoppedError, UsageError
from stack.cli.terminal import is_interactive


def confirm(question: str, *, assume_yes: bool) -> None:
    """Return when the answer is yes.

    Raises:
        UsageError: nobody is there to answer.
        StoppedError: the answer is no.
    """
    if assume_yes:
        return
    if not is_interactive():
        raise UsageError(
            f"{question} Nobody is there to answer.",
            why="the plan deletes or replaces something, and standard input is not a terminal",
            remedy="say --yes",
        )
    if not click.confirm(question, default=False):
        raise StoppedError("left as it is")

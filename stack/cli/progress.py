"""What is being done, while it is done: a live display for a person at a terminal, plain lines for anything else.

Both listen to the engine's events. Plain lines are written once an operation, so that a log of CI stays readable.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

from stack.cli.terminal import wants_colour
from stack.engines.events import Event, Failed, Finished, OnEvent, Planned, Progress, Said, Skipped, Started, Subject

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

DOING: Final = {
    "create": "creating",
    "update": "updating",
    "replace": "replacing",
    "delete": "deleting",
    "read": "reading",
}
DONE: Final = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "delete": "deleted",
    "read": "read",
    "same": "unchanged",
}
QUIET_S: Final = 2.0
REPEAT_S: Final = 15.0  # what goes on without news is told so often, to show that it goes on
HIDDEN: Final = ("pulumi:pulumi:Stack", "pulumi:providers:")  # nothing that a person has asked for


@contextmanager
def display(stream: IO[str] = sys.stderr, *, quiet: bool = False) -> Iterator[OnEvent]:
    """A listener for the engine's events, shown on `stream` while the block runs."""
    if quiet:
        yield _ignore
    elif stream.isatty() and wants_colour(stream):
        with _live() as listener:
            yield listener
    else:
        yield PlainLines(stream)


def _ignore(_event: Event) -> None:
    """For --json: the result says it all."""


def kind_of(subject: Subject) -> str:
    """The resource in a person's words: `instance digits-0`."""
    kind = subject.type.rpartition(":")[2].lower()
    return kind if kind == subject.name else f"{kind} {subject.name}"


class PlainLines:
    """One line an operation when it ends; what a provider says, at most every two seconds a resource.

    Args:
        stream: where the lines go.
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, stream: IO[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._said: dict[str, tuple[float, str]] = {}

    def __call__(self, event: Event) -> None:
        """Write what the event has to say, if anything."""
        match event:
            case Finished(op, subject, seconds) if op != "same" and not subject.type.startswith(HIDDEN):
                self._write(f"{DONE[op]} {kind_of(subject)} ({seconds:.1f} s)")
            case Failed(op, subject, message):
                self._write(f"FAILED {DOING.get(op, op)} {kind_of(subject)}: {message}")
            case Skipped(_, subject, because):
                self._write(f"skipped {kind_of(subject)}, because {kind_of(because)} failed")
            case Progress(subject, text):
                self._progress(subject, text)
            case Said(severity, text):
                self._write(f"{severity}: {text}")
            case _:
                pass

    def _progress(self, subject: Subject, text: str) -> None:
        now = self._clock()
        before, last = self._said.get(subject.urn, (-REPEAT_S, ""))
        if now - before >= (REPEAT_S if text == last else QUIET_S):
            self._said[subject.urn] = now, text
            self._write(f"  {subject.name}: {_without_name(text, subject.name)}")

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


class LiveDisplay:
    """A bar over all operations and a line for each that is under way; what ended scrolls away above."""

    def __init__(self, bars: Bars, total: TaskID) -> None:
        self._bars, self._total = bars, total
        self._lines: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        """Show the event."""
        match event:
            case Planned(total):
                self._bars.update(self._total, total=total, visible=total > 0)
            case Started(op, subject) if op in DOING:
                self._lines[subject.urn] = self._bars.add_task(f"{DOING[op]} {kind_of(subject)}", total=None)
            case Progress(subject, text, fraction) if subject.urn in self._lines:
                self._bars.update(
                    self._lines[subject.urn],
                    description=f"{subject.name}: {_without_name(text, subject.name)}",
                    total=None if fraction is None else 1.0,
                    completed=fraction or 0.0,
                )
            case Finished(op, subject, seconds):
                self._end(subject)
                if op != "same" and not subject.type.startswith(HIDDEN):
                    self._print(f"[green]✓[/] {DONE[op]} {kind_of(subject)} [dim]({seconds:.1f} s)[/]")
            case Failed(_, subject, message):
                self._end(subject)
                self._print(f"[red]✗[/] {kind_of(subject)}: ", message)
            case Skipped(_, subject, because):
                self._end(subject)
                self._print(f"[yellow]–[/] {kind_of(subject)} skipped: {kind_of(because)} failed")
            case Said(severity, text):
                self._print(f"[dim]{severity}:[/] ", text)
            case _:
                pass

    def _end(self, subject: Subject) -> None:
        if (line := self._lines.pop(subject.urn, None)) is not None:
            self._bars.remove_task(line)
        self._bars.advance(self._total)

    def _print(self, markup: str, plain: str = "") -> None:
        from rich.markup import escape

        self._bars.console.print(markup + escape(plain), highlight=False)


@contextmanager
def _live() -> Iterator[LiveDisplay]:
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        total = bars.add_task("working", total=None, visible=False)
        yield LiveDisplay(bars, total)


def _without_name(text: str, name: str) -> str:
    """What a provider says often begins with the resource's name, which the line has already."""
    return text.removeprefix(f"{name}: ")

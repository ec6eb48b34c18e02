"""What `inferstack status` prints: a table of the instances, and in words what is not as asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from components.cluster.cpulist import format_list
from components.serving.status import InstanceStatus, StackStatus
from schemas.words import counted

HEADINGS = ("instance", "state", "platform", "model", "CPUs", "memory", "up", "restarts", "requests", "address")
RIGHT = frozenset({"memory", "up", "restarts", "requests"})
COLOURS = {"ready": "32", "starting": "33", "wrong": "33", "failing": "31", "failed": "31", "missing": "31"}
EMPTY = "Nothing is served; `inferstack up` starts what a spec says."


def render_status(status: StackStatus, *, colour: bool = False) -> str:
    """The status as text. Ends with a newline."""
    if not status.instances:
        return EMPTY + "\n"
    rows = [_row(one) for one in status.instances]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    lines = [_line(row, widths, colour) for row in (HEADINGS, *rows)]
    return "\n".join([*lines, *_troubles(status.instances), "", _summary(status)]) + "\n"


def status_json(status: StackStatus) -> dict[str, Any]:
    """The status as plain JSON values."""
    return {"supervisor": status.supervisor, "instances": [asdict(one) for one in status.instances]}


def healthy(status: StackStatus) -> bool:
    """Whether everything runs as asked."""
    return all(one.state == "ready" for one in status.instances)


def _row(one: InstanceStatus) -> tuple[str, ...]:
    return (
        one.name,
        one.state,
        one.platform,
        f"{one.model} {one.digest[:8]}".strip(),
        format_list(one.cpus if one.cpus is not None else one.cpus_wanted),
        f"{one.memory_bytes / 1e6:.0f} MB" if one.memory_bytes else "-",
        duration(one.uptime_s) if one.uptime_s is not None else "-",
        str(one.restarts),
        f"{one.requests:,}" if one.requests is not None else "-",
        one.url.removeprefix("http://") + (f", gRPC {one.grpc.rpartition(':')[2]}" if one.grpc else ""),
    )


def duration(seconds: float) -> str:
    """A time as people say it, to its largest unit: `42 s`, `3 min`, `5 h`, `2 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def _line(row: Sequence[str], widths: Sequence[int], colour: bool) -> str:
    cells = []
    for heading, cell, width in zip(HEADINGS, row, widths, strict=True):
        padded = cell.rjust(width) if heading in RIGHT else cell.ljust(width)
        coloured = colour and heading == "state" and cell in COLOURS
        cells.append(f"\x1b[{COLOURS[cell]}m{padded}\x1b[0m" if coloured else padded)
    return "  ".join(cells).rstrip()


def _troubles(instances: Sequence[InstanceStatus]) -> list[str]:
    troubled = [one for one in instances if one.wrong and one.state != "starting"]
    lines = [f"{one.name}: {'; '.join(one.wrong)}" for one in troubled]
    remedy = f"inferstack logs {troubled[0].name} shows why; inferstack refresh and up mend it" if troubled else ""
    return ["", *lines, remedy] if troubled else []


def _summary(status: StackStatus) -> str:
    ready = sum(one.state == "ready" for one in status.instances)
    count = len(status.instances)
    running = "" if status.supervisor else "; the supervisor does not run"
    return f"{ready} of {counted(count, 'instance')} ready{running}"

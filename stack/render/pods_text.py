"""What `inferstack status` prints of a stack on a cluster: a table of the pods, and what keeps any from being ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from components.serving.pods.live import Group, PodStatus
from stack.render.status_text import duration

HEADINGS: Final = ("group", "pod", "state", "platform", "model", "node", "class", "up", "restarts")
RIGHT: Final = frozenset({"up", "restarts"})
COLOURS: Final = {"ready": "32", "Running": "33", "Pending": "33", "Terminating": "33", "Failed": "31"}


def render_pods(groups: Sequence[Group], pods: Sequence[PodStatus], now: datetime, *, colour: bool = False) -> str:
    """The status as text. Ends with a newline."""
    by_name = {group.name: group for group in groups}
    rows = [_row(pod, by_name[pod.group], now) for pod in pods]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    lines = [_line(row, widths, colour) for row in (HEADINGS, *rows)]
    empty = [f"{group.name} has no pods" for group in groups if not any(pod.group == group.name for pod in pods)]
    reasons = [f"{pod.name}: {'; '.join(pod.reasons)}" for pod in pods if pod.reasons]
    if empty or reasons:
        lines += ["", *empty, *reasons]
    ready = sum(pod.ready for pod in pods)
    return "\n".join([*lines, "", f"{ready} of {len(pods)} pods ready"]) + "\n"


def pods_json(pods: Sequence[PodStatus]) -> dict[str, Any]:
    """The status as plain JSON values."""
    return {"pods": [{**asdict(pod), "started": pod.started.isoformat() if pod.started else None} for pod in pods]}


def all_ready(groups: Sequence[Group], pods: Sequence[PodStatus]) -> bool:
    """Whether every group has pods, and all of them are ready."""
    return all(pod.ready for pod in pods) and {group.name for group in groups} <= {pod.group for pod in pods}


def _row(pod: PodStatus, group: Group, now: datetime) -> tuple[str, ...]:
    return (
        pod.group,
        pod.name,
        "ready" if pod.ready and pod.phase == "Running" else pod.phase,
        group.platform,
        group.model,
        pod.node or "-",
        pod.qos or "-",
        duration(max(0.0, (now - pod.started).total_seconds())) if pod.started else "-",
        str(pod.restarts),
    )


def _line(row: Sequence[str], widths: Sequence[int], colour: bool) -> str:
    cells = []
    for heading, cell, width in zip(HEADINGS, row, widths, strict=True):
        padded = cell.rjust(width) if heading in RIGHT else cell.ljust(width)
        coloured = colour and heading == "state" and cell in COLOURS
        cells.append(f"\x1b[{COLOURS[cell]}m{padded}\x1b[0m" if coloured else padded)
    return "  ".join(cells).rstrip()

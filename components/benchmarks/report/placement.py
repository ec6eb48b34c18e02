"""The placement picture: the machine's NUMA nodes and cores, which instance sat where, and where the load came from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from components.benchmarks.report import chart
from components.benchmarks.report.html import Markup, tag
from components.benchmarks.report.look import Look
from components.benchmarks.result import Target
from components.cluster.cpulist import format_list
from components.cluster.topology import Core, NumaNode, Topology
from schemas.words import counted

COLUMNS: Final = 8
COLUMNS_OF_MANY: Final = 16
MANY_CORES: Final = 32
CELL_WIDTH: Final = 40
CELL_HEIGHT: Final = 38
CORE_GAP: Final = 6
MARGIN: Final = 14
HEADING: Final = 34


def placement_chart(name: str, target: Target, look: Look, topology: Topology, client_cpus: Collection[int]) -> Markup:
    """One target on the machine: a core is a frame, a hardware thread a cell with the number of its instance in it.

    `L` and hatching mark the load generator; a cell with both was shared.
    """
    owners = {cpu: index for index, placed in enumerate(target.instances) for cpu in placed.cpus}
    boxes, width, top = [], 0.0, 0.0
    for node in topology.nodes:
        box, box_width, box_height = _node(node, top, owners, client_cpus)
        boxes.append(box)
        width, top = max(width, box_width), top + box_height + MARGIN
    title = f"Where {target.name} sat"
    picture = chart.drawing(
        name,
        title,
        _described(target, client_cpus),
        tag("g", boxes, class_=look.colour),
        width=width + 2,
        height=max(top - MARGIN, 1) + 2,
    )
    return tag(
        "figure", tag("figcaption", target.name), picture, _legend(target, client_cpus), class_="chart placement"
    )


def _node(
    node: NumaNode, top: float, owners: Mapping[int, int], client_cpus: Collection[int]
) -> tuple[Markup, float, float]:
    """A NUMA node's frame with its cores in rows; its width and height."""
    threads = max((len(core.cpus) for core in node.cores), default=1)
    most = COLUMNS if len(node.cores) <= MANY_CORES else COLUMNS_OF_MANY
    columns = min(most, max(len(node.cores), 1))
    rows = max(1, -(-len(node.cores) // most))
    core_width, core_height = CELL_WIDTH + CORE_GAP, threads * CELL_HEIGHT + CORE_GAP
    width = max(columns * core_width + 2 * MARGIN - CORE_GAP, 240)
    height = HEADING + rows * core_height + MARGIN - CORE_GAP
    cores = [
        _core(
            core,
            1 + MARGIN + (i % most) * core_width,
            1 + top + HEADING + (i // most) * core_height,
            owners,
            client_cpus,
        )
        for i, core in enumerate(node.cores)
    ]
    heading = f"NUMA node {node.id}"
    about = [counted(len(node.cores), "core")]
    if node.memory_bytes:
        about.append(f"{node.memory_bytes / 2**30:.3g} GiB")
    drawn = tag(
        "g",
        tag("rect", x=1, y=1 + top, width=width, height=height, rx=8, class_="node"),
        tag("text", heading, x=1 + MARGIN, y=top + 22, class_="strong"),
        tag("text", ", ".join(about), x=1 + width - MARGIN, y=top + 22, text_anchor="end", class_="axis"),
        cores,
    )
    return drawn, width, height


def _core(core: Core, x: float, y: float, owners: Mapping[int, int], client_cpus: Collection[int]) -> Markup:
    return tag(
        "g",
        [
            _cell(cpu, x, y + row * CELL_HEIGHT, owners.get(cpu), cpu in client_cpus)
            for row, cpu in enumerate(core.cpus)
        ],
    )


def _cell(cpu: int, x: float, y: float, owner: int | None, client: bool) -> Markup:
    said = "+".join(([str(owner)] if owner is not None else []) + (["L"] if client else []))
    frame = "cell used" if owner is not None else "cell"
    return tag(
        "g",
        tag("rect", x=x, y=y, width=CELL_WIDTH, height=CELL_HEIGHT - 2, rx=3, class_=frame),
        _hatching(x, y) if client else None,
        tag("text", said, x=x + CELL_WIDTH / 2, y=y + 25, text_anchor="middle", class_="owner") if said else None,
        tag("text", str(cpu), x=x + 4, y=y + 10, class_="cpu"),
    )


def _hatching(x: float, y: float) -> Markup:
    """Slanting lines in the lower edge of a cell: the load generator."""
    base = y + CELL_HEIGHT - 2
    strokes = "".join(f"M{x + 4 + i * 6:.1f} {base - 2:.1f}l4 -5" for i in range(6))
    return tag("path", d=strokes, class_="hatch")


def _legend(target: Target, client_cpus: Collection[int]) -> Markup:
    """The same in words."""
    lines = [
        tag(
            "li",
            tag("b", str(index)),
            f" {placed.name}: CPU {format_list(placed.cpus)}, {counted(placed.threads, 'thread')}, "
            f"{counted(placed.streams, 'stream')}"
            + (f", memory of node {placed.memory_node}" if placed.memory_node is not None else ""),
        )
        for index, placed in enumerate(target.instances)
    ]
    if not client_cpus:
        lines.append(tag("li", "The load generator was not pinned: it ran wherever there was room."))
    else:
        lines.append(
            tag("li", tag("b", "L"), f" load generator: CPU {format_list(client_cpus)}{_shared(target, client_cpus)}")
        )
    return tag("ul", lines, class_="who")


def _shared(target: Target, client_cpus: Collection[int]) -> str:
    common = {cpu for placed in target.instances for cpu in placed.cpus} & set(client_cpus)
    return f", shared with the target: {format_list(common)}" if common else ", apart from the target"


def _described(target: Target, client_cpus: Collection[int]) -> str:
    seats = "; ".join(f"{placed.name} on CPU {format_list(placed.cpus)}" for placed in target.instances)
    client = f" Load generator on CPU {format_list(client_cpus)}{_shared(target, client_cpus)}." if client_cpus else ""
    return f"{seats}.{client}"

"""What it takes to explain the figures: machine, software, what was served, with which data and seeds, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from components.benchmarks.report.html import Child, Markup, tag
from components.benchmarks.report.look import Look, swatch
from components.benchmarks.report.table import scrolling
from components.benchmarks.result import Result
from components.cluster.topology import Topology
from schemas.words import counted


def facts(result: Result, topology: Topology | None) -> Markup:
    """A list of facts."""
    around = result.surroundings
    packages = ", ".join(f"{name} {version}" for name, version in sorted(around.packages.items()))
    seeds = sorted({m.load.seed for m in result.measurements})
    lines: list[tuple[str, Child]] = [
        ("Run", tag("code", result.id)),
        ("Started", started(result)),
        ("Machine", around.cpu_model),
        *([("Topology", _machine(topology))] if topology else []),
        ("Kernel", around.kernel),
        ("inferstack", around.inferstack),
        ("Spec", _digest(result.spec_digest)),
        ("Data", _digest(result.data_digest)),
        ("Seeds", ", ".join(map(str, seeds))),
    ]
    described = [tag("div", tag("dt", name), tag("dd", value)) for name, value in lines]
    software = tag("div", tag("dt", "Packages"), tag("dd", packages or "none recorded"), class_="wide")
    return tag("dl", described, software, class_="facts")


def targets_table(result: Result, looks: Mapping[str, Look]) -> Markup:
    """What each target was."""
    words = ("Target", "Platform", "Protocol", "Model", "Precision", "Model digest")
    figures = ("Instances", "Cores")
    rows = []
    for target in result.targets:
        protocols = dict.fromkeys(m.protocol for m in result.measurements if m.target == target.name)
        said: Iterable[Child] = (
            target.platform,
            ", ".join(protocols),
            target.model,
            target.precision,
            _digest(target.model_digest),
        )
        counted = (str(len(target.instances)), str(target.cores))
        name = tag("th", tag("span", swatch(looks[target.name]), target.name, class_="target"), scope="row")
        settings = ", ".join(f"{key} {value}" for key, value in sorted(target.settings.items())) or "none recorded"
        rows.append(
            tag(
                "tr",
                name,
                [tag("td", cell, class_="word") for cell in said],
                [tag("td", cell) for cell in counted],
                tag("td", settings, class_="word"),
            )
        )
    heads = [*((text, "word") for text in words), *((text, None) for text in figures), ("Settings", "word")]
    head = tag("thead", tag("tr", [tag("th", text, scope="col", class_=kind) for text, kind in heads]))
    return scrolling("Targets", tag("table", head, tag("tbody", rows)))


def started(result: Result) -> str:
    """The start in UTC, to the second; as it is stored when it is no time."""
    try:
        return f"{datetime.fromisoformat(result.started).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return result.started


def _machine(topology: Topology) -> str:
    cores, cpus, nodes = len(topology.cores), len(topology.cpus), len(topology.nodes)
    memory = sum(node.memory_bytes for node in topology.nodes) / 2**30
    quota = f", CPU quota {topology.quota_cpus:g}" if topology.quota_cpus is not None else ""
    parts = ", ".join(
        counted(count, noun) for count, noun in ((nodes, "NUMA node"), (cores, "core"), (cpus, "hardware thread"))
    )
    return f"{parts}, {memory:.3g} GiB{quota}"


def _digest(digest: str) -> Markup:
    """The beginning of a digest; all of it under the mouse."""
    return tag("code", digest[:12], title=digest) if digest else tag("span", "none")

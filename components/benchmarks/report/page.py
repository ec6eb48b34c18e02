"""The page: an index, and for each result the answer first, then the pictures, the table and what explains them.

One file without a reference to anything outside and without a script; a content security policy in it forbids both.
The same results give the same bytes.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Final, TypeVar

from components import codec
from components.benchmarks.answer import Answer, Row, answer, merged
from components.benchmarks.report.capacity import capacity_chart
from components.benchmarks.report.distribution import distribution_chart
from components.benchmarks.report.facts import facts, started, targets_table
from components.benchmarks.report.html import Child, Markup, spaced, tag, typeset
from components.benchmarks.report.look import Look, looks, swatch
from components.benchmarks.report.placement import placement_chart
from components.benchmarks.report.series import distribution, timeline
from components.benchmarks.report.table import badge, results_table
from components.benchmarks.report.timeline import timeline_chart
from components.benchmarks.result import Measurement, Result
from components.benchmarks.results import StoredResult
from components.benchmarks.samples import Samples
from components.benchmarks.verdict import applicable
from components.cluster.topology import Topology
from schemas.words import counted

T = TypeVar("T")

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
STYLE: Final = "style.css"


def render(stored: Sequence[StoredResult]) -> str:
    """One HTML document with a section for each result, in their order.

    Raw samples that are gone or damaged cost the two charts that need them, not the report.
    """
    title = "inferstack report" + (f": {stored[0].result.benchmark}" if len(stored) == 1 else "")
    answers = [answer(each.result) for each in stored]
    body = tag(
        "body",
        tag("header", tag("p", tag("b", "inferstack"), " benchmark report", class_="brand"), class_="top"),
        tag(
            "main",
            _index(stored, answers) if len(stored) > 1 else None,
            [_section(f"r{i}", each, said) for i, (each, said) in enumerate(zip(stored, answers, strict=True))]
            or tag("p", "There are no stored results yet. ", tag("code", "inferstack bench"), " makes some."),
        ),
    )
    style = Markup(resources.files(__package__).joinpath(STYLE).read_text())
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", style),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _index(stored: Sequence[StoredResult], answers: Sequence[Answer]) -> Markup:
    lines = [
        tag(
            "li",
            spaced(
                tag("a", each.result.benchmark, href=f"#r{i}"),
                badge(said.outcome),
                tag("span", started(each.result), class_="when"),
            ),
            tag("p", typeset(said.sentences[0]) if said.sentences else "Nothing was measured."),
        )
        for i, (each, said) in enumerate(zip(stored, answers, strict=True))
    ]
    return tag("nav", tag("h2", "Results"), tag("ol", lines), aria_label="Results", class_="index")


def _section(name: str, stored: StoredResult, said: Answer) -> Markup:
    """Everything about one result; `name` makes ids unique in the page."""
    result = stored.result
    look = looks([target.name for target in result.targets])
    rows = merged(result.measurements)
    topology = _topology(result)
    pictures = [
        *_from_samples(name, stored, rows, look),
        _part("Throughput against latency", CAPACITY, _legend(look), _capacity(name, rows, look, result))
        if rows
        else None,
        _part("Placement", PLACEMENT, _placement(name, result, topology, look)) if topology else None,
    ]
    return tag(
        "section",
        tag("p", f"{result.stack} · {started(result)}", class_="when"),
        tag("h1", result.benchmark, " ", badge(said.outcome)),
        tag("div", [tag("p", typeset(sentence)) for sentence in said.sentences], class_="answer"),
        _objective(said, result),
        _standings(said, result, look),
        pictures,
        _part("All figures", FIGURES, results_table(rows, look, result.objective or {})) if rows else None,
        _part("What was measured, and on what", "", targets_table(result, look), facts(result, topology)),
        id=name,
    )


DISTRIBUTION: Final = (
    "Response time from the moment a request was due, repeats together. Further right are the slower requests; "
    "lower is better."
)
TIMELINE: Final = (
    "The line is the median, the edge of the shade the slowest request of each moment; dotted lines part repeats."
)
CAPACITY: Final = (
    "Each point is one load; further right carries more, lower answers sooner. Rates and closed loops stand apart, "
    "and what is INVALID is hollow."
)
PLACEMENT: Final = (
    "A frame is a NUMA node, a cell a hardware thread with its CPU number; threads of a core stand together."
)
FIGURES: Final = "Response times of good answers, from the moment a request was due."


def _part(title: str, text: str, *children: Child) -> Markup:
    return tag("div", tag("h2", title), tag("p", text, class_="about") if text else None, *children, class_="part")


def _objective(said: Answer, result: Result) -> Markup | None:
    if not said.objective:
        return None
    whose = "every target must meet it" if result.require == "all" else "one target suffices"
    return tag("p", tag("b", "Objective"), f" {typeset(said.objective)}; {whose}.", class_="objective")


def _standings(said: Answer, result: Result, look: Mapping[str, Look]) -> Markup:
    """The legend of all charts, with each target's verdict and what it is."""
    lines = []
    for target, standing in zip(result.targets, said.standings, strict=True):
        instances = f"{counted(len(target.instances), 'instance')} on {counted(target.cores, 'core')}"
        about = f"{target.platform}, {target.model} {target.precision}, {instances}"
        name = tag("span", swatch(look[target.name]), tag("b", target.name), class_="target")
        # Why a target missed is among the sentences of the answer already.
        why = typeset("; ".join([*(standing.why if standing.outcome == "pass" else ()), *target.notes]))
        what = tag("span", about, class_="what")
        lines.append(
            tag("li", spaced(name, badge(standing.outcome), what, tag("span", why, class_="why") if why else None))
        )
    return tag("ul", lines, class_="standings")


def _legend(look: Mapping[str, Look]) -> Markup:
    """Which line is whose, once more where the lines are."""
    names = [tag("li", tag("span", swatch(each), name, class_="target")) for name, each in look.items()]
    return tag("ul", names, class_="legend")


def _from_samples(name: str, stored: StoredResult, rows: Sequence[Row], look: Mapping[str, Look]) -> list[Markup]:
    """The charts that need raw samples: one of each kind for every load."""
    samples = {m.samples: found for row in rows for m in row.measurements if (found := _read(stored, m)) is not None}
    if not samples:
        return [tag("p", _no_samples(rows), class_="note")]
    objective, loads = stored.result.objective or {}, [row.load for row in rows]
    distributions, timelines = [], []
    for i, (label, group) in enumerate(_by_load(rows).items()):
        used = {row.target: [m for m in row.measurements if m.samples in samples] for row in group}
        valid = {target: [m for m in runs if not m.invalid] or runs for target, runs in used.items()}
        spread = _known({target: distribution([samples[m.samples] for m in runs]) for target, runs in valid.items()})
        if spread:
            limits = applicable(objective, group[0].load, loads)
            distributions.append(distribution_chart(f"{name}-d{i}", label, spread, look, limits))
        over_time = {
            target: [timeline(samples[m.samples], m.duration_s, repeats=len(runs)) for m in runs]
            for target, runs in used.items()
        }
        shown = {target: runs for target, runs in over_time.items() if runs}
        if shown:
            timelines.append(timeline_chart(f"{name}-t{i}", label, shown, look))
    return [
        _part("Latency distribution", DISTRIBUTION, _legend(look), tag("div", distributions, class_="grid")),
        _part("Latency over time", TIMELINE, tag("div", timelines, class_="grid")),
    ]


def _no_samples(rows: Sequence[Row]) -> str:
    silent = {m.tool for row in rows for m in row.measurements if not m.samples}
    if silent:
        return f"{', '.join(sorted(silent))} told no single times, so neither distribution nor course can be drawn."
    return "The raw samples of this run are gone, so nothing can be drawn from them."


def _read(stored: StoredResult, measurement: Measurement) -> Samples | None:
    try:
        return stored.samples(measurement)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def _by_load(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.load.label, []).append(row)
    return found


def _known(found: Mapping[str, T | None]) -> dict[str, T]:
    return {key: value for key, value in found.items() if value is not None}


def _capacity(name: str, rows: Sequence[Row], look: Mapping[str, Look], result: Result) -> Markup:
    limits: dict[str, float] = {}
    for row in rows:
        limits.update(applicable(result.objective or {}, row.load, [other.load for other in rows]))
    charts = [capacity_chart(f"{name}-c{i}", metric, rows, look, limits) for i, metric in enumerate(("p50_s", "p99_s"))]
    return tag("div", charts, class_="grid")


def _placement(name: str, result: Result, topology: Topology, look: Mapping[str, Look]) -> Markup:
    charts = []
    for i, target in enumerate(result.targets):
        client = {cpu for m in result.measurements if m.target == target.name for cpu in m.client_cpus}
        charts.append(placement_chart(f"{name}-p{i}", target, look[target.name], topology, client))
    return tag("div", charts, class_="grid")


def _topology(result: Result) -> Topology | None:
    """The machine as it was recorded; None when it was not (a cluster), or by another version."""
    try:
        found = codec.decode(Topology, result.surroundings.topology)
    except ValueError:
        return None
    return found if found.cores else None

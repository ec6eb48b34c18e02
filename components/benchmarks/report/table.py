"""The full table: every target under every load, with differences to the first target, and what is invalid and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from components.benchmarks import words
from components.benchmarks.answer import Row
from components.benchmarks.report.html import Child, Markup, tag
from components.benchmarks.report.look import Look, swatch
from components.benchmarks.result import Latency, Outcome

LATENCIES: Final = ("mean_s", "p50_s", "p90_s", "p95_s", "p99_s", "p999_s", "max_s")
COMPARED: Final = ("p50_s", "p99_s")
SAYS: Final[Mapping[Outcome, tuple[str, str]]] = {
    "pass": ("✓", "met"),
    "fail": ("✗", "missed"),
    "undecided": ("?", "undecided"),
    "invalid": ("!", "INVALID"),
}


def badge(outcome: Outcome | None) -> Markup | None:
    """A verdict as a sign, a word and a colour; nothing where nothing was asked."""
    if outcome is None:
        return None
    sign, word = SAYS[outcome]
    return tag("span", tag("span", sign, aria_hidden="true"), f" {word}", class_=f"badge {outcome}")


def scrolling(label: str, table: Markup) -> Markup:
    """A table in a box of its own that scrolls sideways, by keyboard as well."""
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=label)


def results_table(rows: Sequence[Row], looks: Mapping[str, Look]) -> Markup:
    """All figures, grouped by load; times in ms."""
    judged = any(row.outcome for row in rows)
    heads = [
        *(["Target", "Objective"] if judged else ["Target"]),
        *("Requests", "Asked /s", "Got /s"),
        *(f"{words.METRICS.get(name, 'max')}, ms" for name in LATENCIES),
        *(f"{words.METRICS[name]} to first" for name in COMPARED),
        *("Errors", "Accuracy", "Sent", "Received"),
    ]
    loads = dict.fromkeys(row.load.label for row in rows)
    groups = [_group([row for row in rows if row.load.label == label], looks, judged, len(heads)) for label in loads]
    head = tag("thead", tag("tr", [tag("th", text, scope="col") for text in heads]))
    return scrolling("All figures", tag("table", head, groups, class_="figures"))


def _group(rows: Sequence[Row], looks: Mapping[str, Look], judged: bool, columns: int) -> Markup:
    """One load: a heading row, then a row a target."""
    load = rows[0].load
    about = [f"{load.duration_s:g} s", f"warm-up {load.warmup_s:g} s", f"{load.connections} connections"]
    heading = tag(
        "th", tag("span", tag("b", words.load(load)), f" {', '.join(about)}"), colspan=columns, scope="rowgroup"
    )
    first = next((row for row in rows if row.valid), None)
    lines = [tag("tr", heading, class_="group")]
    for row in rows:
        lines.append(_line(row, first, looks[row.target], judged))
        if why := _remarks(row):
            lines.append(tag("tr", tag("td", tag("span", why), colspan=columns), class_="remark"))
    return tag("tbody", lines)


def _line(row: Row, first: Row | None, look: Look, judged: bool) -> Markup:
    name = tag("th", tag("span", swatch(look), row.target, class_="target"), scope="row")
    cells: list[Child] = [
        f"{row.requests:,}",
        words.digits(row.asked_per_s) if row.asked_per_s is not None else "as fast as it can",
        words.digits(row.achieved_per_s),
        *(words.digits(1e3 * float(getattr(row.response, field))) for field in LATENCIES),
        *(_difference(row, first, field) for field in COMPARED),
        _errors(row),
        words.percent(row.accuracy) if row.accuracy is not None else "not labelled",
        _size(sum(m.bytes_sent for m in row.measurements)),
        _size(sum(m.bytes_received for m in row.measurements)),
    ]
    verdict = [tag("td", badge(row.outcome if row.valid else "invalid"), class_="word")] if judged else []
    mark = None if row.valid else "invalid"
    return tag("tr", name, verdict, [tag("td", cell) for cell in cells], class_=mark)


def _difference(row: Row, first: Row | None, field: str) -> Child:
    """What a latency differs by from the first target under the same load, in ms and percent."""
    if first is None or not row.valid:
        return "–"
    if row is first:
        return "first"
    mine, other = _value(row.response, field), _value(first.response, field)
    if not (mine == mine and other > 0):
        return "–"
    change = mine - other
    sign = "+" if change >= 0 else "−"
    share = f"{sign}{abs(change / other):.0%}"
    return [f"{sign}{words.ms(abs(change))}", tag("small", share)]


def _value(latency: Latency, field: str) -> float:
    return float(getattr(latency, field))


def _errors(row: Row) -> Child:
    if not row.errors:
        return "0"
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in row.errors.items())
    return [f"{sum(row.errors.values()):,}", tag("small", f"{words.percent(row.error_share)}: {kinds}")]


def _remarks(row: Row) -> str:
    said = []
    repeats = len(row.measurements)
    bad = sum(1 for m in row.measurements if m.invalid)
    if row.invalid:
        said.append(f"INVALID, the figures mean nothing: {'; '.join(row.invalid)}")
    elif bad:
        reasons = dict.fromkeys(why for m in row.measurements for why in m.invalid)
        said.append(f"{bad} of {repeats} repeats INVALID and left out: {'; '.join(reasons)}")
    if repeats > 1:
        said.append(f"median of {repeats - bad if not row.invalid else repeats} repeats")
    if row.shared_cpus:
        said.append("the load generator shared cores with the target")
    return ". ".join(f"{text[0].upper()}{text[1:]}" for text in said) + "." if said else ""


def _size(count: float) -> str:
    """Bytes, in the decimal unit that leaves up to three digits before the point."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{words.digits(count) if unit != 'B' else int(count)} {unit}"
        count /= 1000
    return f"{words.digits(count)} TB"

"""The full table: every target under every load, with differences to the first target, and what is invalid and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from components.benchmarks import words
from components.benchmarks.answer import Row, judged_alone
from components.benchmarks.report.html import Child, Markup, spaced, tag
from components.benchmarks.report.look import Look, swatch
from components.benchmarks.result import LoadShape, Outcome
from components.benchmarks.verdict import applicable

LATENCIES: Final = ("mean_s", "p50_s", "p90_s", "p95_s", "p99_s", "p999_s", "max_s")
COMPARED: Final = ("p50_s", "p99_s")
COLUMNS: Final = (
    *("Requests", "Rate, /s"),
    *(f"{words.METRICS.get(name, 'max')}, ms" for name in LATENCIES),
    *("Errors", "Accuracy", "Traffic"),
)
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


def results_table(rows: Sequence[Row], looks: Mapping[str, Look], objective: Mapping[str, float]) -> Markup:
    """All figures, grouped by load; times in ms. What holds for every row is said once, above."""
    remarks = {id(row): _remarks(row) for row in rows}
    common = [said for said in remarks[id(rows[0])] if all(said in other for other in remarks.values())]
    judged = any(row.outcome or not row.valid for row in rows)
    groups = []
    for label in dict.fromkeys(row.load.label for row in rows):
        group = [row for row in rows if row.load.label == label]
        first = next((row for row in group if row.valid), None)
        shown = applicable(objective, group[0].load, [row.load for row in rows])
        aside = [words.METRICS[metric] for metric in objective if metric not in shown]
        lines = [_heading(group[0].load, aside, len(COLUMNS) + 1 + judged)]
        for row in group:
            lines.append(_line(row, first, looks[row.target], _verdict(row, objective) if judged else None))
            own = [said for said in remarks[id(row)] if said not in common]
            lines += [_remark(own, len(COLUMNS) + 1 + judged)] if own else []
        groups.append(tag("tbody", lines))
    first_heads = [tag("th", text, scope="col", class_="word") for text in ("Target", *(["Verdict"] if judged else []))]
    head = tag("thead", tag("tr", first_heads, [tag("th", text, scope="col") for text in COLUMNS]))
    note = [*common, "Small print: difference to the first target under the same load."]
    return tag(
        "div",
        tag("p", " ".join(note), class_="about"),
        scrolling("All figures", tag("table", head, groups)),
    )


def _heading(load: LoadShape, aside: Sequence[str], columns: int) -> Markup:
    """The row that opens a load; `aside` are the limits that it cannot show to be kept."""
    connections = f", {load.connections} connections" if load.connections else ""
    about = f"{load.duration_s:g} s after {load.warmup_s:g} s of warm-up{connections}"
    about += f"; the limit of {words.listed(aside)} is not judged under this load" if aside else ""
    text = tag("span", spaced(tag("b", load.label), about))
    return tag("tr", tag("th", text, colspan=columns, scope="rowgroup"), class_="group")


def _verdict(row: Row, objective: Mapping[str, float]) -> Markup:
    """What the objective says of a row; the limits that were judged in small print, where they are not all."""
    if not row.valid:
        return tag("td", badge("invalid"), class_="word")
    judged = words.listed(judged_alone(row, objective))
    return tag("td", spaced(badge(row.outcome), tag("small", judged) if judged else None), class_="word")


def _line(row: Row, first: Row | None, look: Look, verdict: Markup | None) -> Markup:
    name = tag("th", tag("span", swatch(look), row.target, class_="target"), scope="row")
    sent = sum(m.bytes_sent for m in row.measurements)
    received = sum(m.bytes_received for m in row.measurements)
    cells: list[Child] = [
        f"{row.requests:,}",
        spaced(words.digits(row.achieved_per_s), tag("small", _asked(row))),
        *(spaced(words.digits(_ms(row, field)), _difference(row, first, field)) for field in LATENCIES),
        _errors(row),
        words.percent(row.accuracy) if row.accuracy is not None else "no labels",
        spaced(f"{_size(sent)} out", tag("small", f"{_size(received)} in")),
    ]
    return tag("tr", name, verdict, [tag("td", cell) for cell in cells], class_=None if row.valid else "invalid")


def _asked(row: Row) -> str:
    return f"asked {row.asked_per_s:,.4g}" if row.asked_per_s is not None else "closed loop"


def _difference(row: Row, first: Row | None, field: str) -> Markup | None:
    """What a latency differs by from the first target's, in ms and percent."""
    if field not in COMPARED or first is None or row is first or not row.valid:
        return None
    mine, other = _ms(row, field), _ms(first, field)
    if not (mine == mine and other > 0):
        return None
    sign = "+" if mine >= other else "−"
    decimals = len(words.digits(mine).partition(".")[2])
    return tag("small", f"{sign}{abs(mine - other):,.{decimals}f}, {sign}{abs(mine / other - 1):,.0%}")


def _ms(row: Row, field: str) -> float:
    return 1e3 * float(getattr(row.response, field))


def _errors(row: Row) -> Child:
    if not row.errors:
        return "0"
    kinds = [[f"{count:,} {kind}", tag("br")] for kind, count in row.errors.items()]
    return spaced(words.percent(row.error_share), tag("small", kinds))


def _remark(said: Sequence[str], columns: int) -> Markup:
    return tag("tr", tag("td", tag("span", " ".join(said)), colspan=columns), class_="remark")


def _remarks(row: Row) -> list[str]:
    """What a reader should know of a row, a sentence each."""
    said = []
    repeats, bad = len(row.measurements), [m for m in row.measurements if m.invalid]
    if row.invalid:
        said.append(f"INVALID, the figures mean nothing: {'; '.join(row.invalid)}.")
    elif bad:
        reasons = dict.fromkeys(why for m in bad for why in m.invalid)
        said.append(f"{len(bad)} of {repeats} repeats INVALID and left out: {'; '.join(reasons)}.")
    if repeats > 1:
        said.append(f"Median of {repeats - len(bad) or repeats} repeats.")
    if row.shared_cpus:
        said.append("The load generator shared cores with the target.")
    notes = dict.fromkeys(note for m in row.measurements for note in m.notes)
    return [*said, *(f"{note[0].upper()}{note[1:].rstrip('.')}." for note in notes if note)]


def _size(count: float) -> str:
    """Bytes, in the decimal unit that leaves up to three digits before the point."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{int(count)} {unit}" if unit == "B" else f"{words.digits(count)} {unit}"
        count /= 1000
    return f"{words.digits(count)} TB"

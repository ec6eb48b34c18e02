"""A benchmark's result as plain text: the answer in sentences, a table a load, and what to know about the figures.

Everything it says comes from `components.benchmarks.answer`, as in the HTML report. It holds no colour and no width but
the text's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from components.benchmarks import words
from components.benchmarks.answer import Answer, Row, answer, judged_alone, merged
from components.benchmarks.report.facts import started
from components.benchmarks.result import Latency, Result

LATENCIES = ("mean_s", "p50_s", "p90_s", "p95_s", "p99_s", "p999_s", "max_s")
NAMES = ("mean", "p50", "p90", "p95", "p99", "p99.9", "max")
COMPARED = (("p50_s", "p50"), ("p99_s", "p99"))
OUTCOMES = {"pass": "meets", "fail": "MISSES", "undecided": "undecided", "invalid": "INVALID"}


def benchmark_text(result: Result) -> str:
    """The whole text of a result, with a line feed at its end."""
    found, rows = answer(result), merged(result.measurements)
    sections = [_headline(result, found)]
    for label in dict.fromkeys(row.load.label for row in rows):
        sections.append(_load_section(result, [row for row in rows if row.load.label == label]))
    sections.append(list(_remarks(result, rows)))
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def runs_text(runs: Sequence[Result]) -> str:
    """A line a run: its id, its benchmark, when it began, and the first sentence of what it found."""
    width = max((len(run.benchmark) for run in runs), default=0)
    lines = [f"{run.id}  {run.benchmark:{width}}  {started(run)}  {''.join(answer(run).sentences[:1])}" for run in runs]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _headline(result: Result, found: Answer) -> list[str]:
    return [f"{result.benchmark}: {found.sentences[0]}" if found.sentences else result.benchmark, *found.sentences[1:]]


def _load_section(result: Result, rows: Sequence[Row]) -> list[str]:
    first = rows[0]
    times = f", {len(first.measurements)} times (medians)" if len(first.measurements) > 1 else ""
    title = f"{first.load.label} for {first.load.duration_s:g} s{times}, latencies in ms"
    judged = any(row.outcome is not None for row in rows)
    header = ["target", "requests", "asked", "got", *NAMES, "errors", "accuracy", *(["objective"] if judged else [])]
    objective = (result.objective or {}) if judged else None
    lines = aligned([header, *([*_cells(row), *_verdict(row, objective)] for row in rows)])
    return [title, *(f"  {line}" for line in lines), *(f"  {line}" for line in _differences(rows))]


def _cells(row: Row) -> list[str]:
    return [
        row.target,
        f"{row.requests:,}",
        words.rate(row.asked_per_s) if row.asked_per_s is not None else "-",
        words.rate(row.achieved_per_s),
        *(words.digits(getattr(row.response, name) * 1e3) for name in LATENCIES),
        words.percent(row.error_share),
        words.percent(row.accuracy) if row.accuracy is not None else "-",
    ]


def _verdict(row: Row, objective: Mapping[str, float] | None) -> Iterator[str]:
    """What the objective says of a row, with the limits that were judged where a load cannot show all of them."""
    if row.invalid:
        yield "INVALID"
    elif objective is not None and row.outcome is None:
        yield "-"
    elif objective is not None and row.outcome is not None:
        judged = judged_alone(row, objective)
        yield OUTCOMES[row.outcome] + (f" ({', '.join(judged)})" if judged else "")


def aligned(table: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest cell; the first to the left, figures to the right."""
    widths = [max(len(row[i]) for row in table if i < len(row)) for i in range(max(map(len, table)))]
    for row in table:
        first, *others = zip(row, widths, strict=False)
        yield "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip()


def _differences(rows: Sequence[Row]) -> Iterator[str]:
    """Each target against the best one here: the fastest of an open loop, the one that carries most of a closed one."""
    valid = [row for row in rows if row.valid and row.response.p50_s == row.response.p50_s]
    if len(valid) < 2:
        return
    is_open = valid[0].load.rate_per_s is not None
    best = min(valid, key=lambda row: row.response.p50_s if is_open else -row.achieved_per_s)
    for row in valid:
        if row is not best:
            yield f"{row.target} against {best.target}: {', '.join(_figures(row, best))}"


def _figures(row: Row, best: Row) -> Iterator[str]:
    for name, short in COMPARED:
        yield f"{short} {_difference(_latency(row.response, name), _latency(best.response, name))}"
    if best.load.rate_per_s is None and best.achieved_per_s:
        change = row.achieved_per_s / best.achieved_per_s - 1
        yield f"rate {row.achieved_per_s - best.achieved_per_s:+,.0f}/s ({100 * change:+.0f}%)"


def _difference(value_s: float, best_s: float) -> str:
    difference = value_s - best_s
    sign = "-" if difference < 0 else "+"
    share = f" ({100 * difference / best_s:+.0f}%)" if best_s else ""
    return f"{sign}{words.ms(abs(difference))}{share}"


def _latency(latency: Latency, name: str) -> float:
    value: float = getattr(latency, name)
    return value


def _remarks(result: Result, rows: Sequence[Row]) -> Iterable[str]:
    for row in rows:
        where = f"{row.target} at {row.load.label}"
        for why in row.invalid:
            yield f"INVALID: {where}: {why}"
        if row.errors:
            yield f"Errors: {where}: {', '.join(f'{count:,} x {kind}' for kind, count in row.errors.items())}"
        for note in dict.fromkeys(note for m in row.measurements for note in m.notes):
            yield f"Note: {where}: {note}"
    for target in result.targets:
        yield from (f"Note: {target.name}: {note}" for note in target.notes)
    if tools := sorted({m.tool for row in rows for m in row.measurements} - {"builtin"}):
        yield f"Note: the requests were made by {words.listed(tools)}, not by the built-in generator."
    if shared := list(dict.fromkeys(row.target for row in rows if row.shared_cpus)):
        yield f"Note: the load generator shared cores with {words.listed(shared)}, for want of spare ones."
    yield f"Result {result.id}, {result.surroundings.cpu_model}."

"""The report as a page: self-contained, sound, complete, accessible, and the same each time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from components.benchmarks.report import render
from components.benchmarks.result import Check, Verdict
from components.benchmarks.results import StoredResult
from tests.builders.results import Made, a_load, a_machine, a_measurement, a_result, a_target

VOID = {"meta", "link", "br"}
BLOCKS = {"p", "h1", "h2", "li", "dt", "figcaption", "tr", "title", "desc"}
CELLS = {"td", "th", "dd"}


class Page(HTMLParser):
    """What a page holds; fails on tags that do not close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.lines: list[str] = [""]
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in BLOCKS:
            self.lines.append("")
        if tag in CELLS and self.lines[-1]:
            self.lines[-1] += " | "

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and not ("svg" in self.open and "text" in self.open):
            self.lines[-1] += data

    @property
    def words(self) -> list[str]:
        """What a person or a screen reader gets, a line a block or row; the texts on charts left out."""
        return [stripped for line in self.lines if (stripped := " ".join(line.split()))]

    def values(self, attribute: str) -> list[str]:
        return [str(attrs[attribute]) for _, attrs in self.tags if attribute in attrs]


def judged(made: Made, limit_s: float = 0.005) -> Made:
    p99 = made.measurement.response.p99_s
    outcome = "pass" if p99 <= limit_s else "fail"
    why = f"p99 {p99 * 1e3:.3g} ms {'<=' if outcome == 'pass' else '>'} {limit_s * 1e3:g} ms"
    verdict = Verdict(outcome, (Check("p99_s", limit_s, p99, outcome, why),))
    return Made(replace(made.measurement, verdict=verdict), made.samples)


def layouts(folder: Path, **changes: Any) -> StoredResult:
    """One instance over both cores against one a core, with an objective."""
    targets = (a_target("digits-latency"), a_target("digits-throughput", cpus=((0,), (1,))))
    measured = [
        judged(a_measurement(name, load, service_ms=service_ms, servers=servers))
        for load in (a_load(rate_per_s=100.0), a_load(clients=4, duration_s=2.0))
        for name, service_ms, servers in (("digits-latency", 1.2, 1), ("digits-throughput", 2.1, 2))
    ]
    return a_result(folder, targets=targets, measured=measured, objective={"p99_s": 0.005}, **changes)


def platforms(folder: Path) -> StoredResult:
    """Two platforms on a large machine with a core of its own for the load; one measurement is invalid."""
    targets = (a_target("digits-openvino", cpus=((0, 1), (4, 5))), a_target("digits-kserve", platform="kserve"))
    load = a_load(rate_per_s=100.0)
    aside: dict[str, Any] = {"client_cpus": (7,), "shared_cpus": False}
    measured = [
        a_measurement("digits-openvino", load, service_ms=0.4, servers=2, **aside),
        a_measurement("digits-kserve", load, fail=0.02, invalid=("lag p99 14.2 ms is over 1 ms",), **aside),
    ]
    machine = a_machine(nodes=2, cores=4, threads=2)
    return a_result(folder, targets=targets, measured=measured, machine=machine, benchmark="platforms", id="run-2")


def test_the_report_says_all_of_it_in_words(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    page = Page(render([layouts(tmp_path), platforms(tmp_path)]))
    golden("report-words.txt", "\n".join(page.words) + "\n")


def test_the_page_refers_to_nothing_outside_and_runs_nothing(tmp_path: Path) -> None:
    html = render([layouts(tmp_path), platforms(tmp_path)])
    page = Page(html)
    assert all(value.startswith("#") or value == "data:," for name in ("href", "src") for value in page.values(name))
    assert not {"script", "iframe", "img", "object", "embed", "form"} & {tag for tag, _ in page.tags}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on") or name == "style"]
    assert not re.search(r"https?:|@import|url\(|expression\(", html)
    assert "default-src 'none'" in page.values("content")[0]


def test_ids_are_unique_and_every_chart_is_described(tmp_path: Path) -> None:
    page = Page(render([layouts(tmp_path), platforms(tmp_path)]))
    ids = Counter(page.values("id"))
    assert set(ids.values()) == {1}
    charts = [attrs for tag, attrs in page.tags if tag == "svg" and attrs.get("role") == "img"]
    assert len(charts) == 3 * 2 + 2 + (2 + 2 + 2)
    for attrs in charts:
        assert all(name in ids for name in str(attrs["aria-labelledby"]).split())
    assert all(attrs.get("aria-hidden") for tag, attrs in page.tags if tag == "svg" and attrs not in charts)
    assert all(f"#{name}" for name in page.values("href") if name.startswith("#") and name[1:] in ids)


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    stored = layouts(tmp_path)
    assert render([stored]) == render([stored])


def test_the_answer_comes_before_any_chart(tmp_path: Path) -> None:
    html = render([layouts(tmp_path)])
    assert html.index("Fastest is digits-latency") < html.index('role="img"')


def test_what_a_user_named_cannot_become_markup(tmp_path: Path) -> None:
    wild = "<script>alert('1')</script>\"&"
    target = a_target(wild, platform=wild, model=wild)
    measured = [a_measurement(wild, a_load(rate_per_s=50.0, label=wild), invalid=(wild,), samples="a.npz")]
    stored = a_result(tmp_path, targets=[target], measured=measured, stack=wild, started=wild, cpu_model=wild)
    page = Page(render([stored]))
    assert "script" not in {tag for tag, _ in page.tags}
    assert any(line.startswith(wild) for line in page.words)


def test_a_verdict_names_its_limits_where_a_load_cannot_show_them_all(tmp_path: Path) -> None:
    errors = Check("errors", 0.0, 0.0, "pass", "errors 0%")
    made = a_measurement("digits-latency", a_load(clients=4), verdict=Verdict("pass", (errors,)))
    stored = a_result(tmp_path, measured=[made], objective={"p99_s": 0.005, "errors": 0.0})
    assert any(line.startswith("digits-latency | ✓ met errors |") for line in Page(render([stored])).words)


def test_an_invalid_measurement_is_marked_with_its_reason(tmp_path: Path) -> None:
    page = Page(render([platforms(tmp_path)]))
    assert any(line.startswith("digits-kserve | ! INVALID") for line in page.words)
    assert "INVALID, the figures mean nothing: lag p99 14.2 ms is over 1 ms." in page.words
    assert any("INVALID" in line and "digits-kserve at 100/s Poisson" in line for line in page.words)


def test_a_limit_is_neither_drawn_nor_judged_where_the_load_cannot_show_it(tmp_path: Path) -> None:
    html = render([layouts(tmp_path)])
    assert any("the limit of p99 is not judged under this load" in line for line in Page(html).words)
    open_loop, closed_loop = html.split('id="r0-d1-title"')
    assert "p99 ≤ 5 ms</text>" in open_loop
    assert "</text></g>" in closed_loop
    assert "p99 ≤ 5 ms</text>" not in closed_loop.split("Latency over time")[0]


def test_a_load_generator_that_was_not_pinned_is_said_to_be_so(tmp_path: Path) -> None:
    stored = a_result(tmp_path, measured=[a_measurement("digits-latency", a_load(), client_cpus=())])
    assert "The load generator was not pinned: it ran wherever there was room." in Page(render([stored])).words


def test_the_placement_picture_tells_shared_cores_from_own_ones(tmp_path: Path) -> None:
    shared = Page(render([layouts(tmp_path)])).words
    own = Page(render([platforms(tmp_path)])).words
    assert "L load generator: CPU 0-1, shared with the target: 0-1" in shared
    assert "L load generator: CPU 7, apart from the target" in own


def test_samples_that_are_gone_cost_two_charts_and_not_the_report(tmp_path: Path) -> None:
    stored = layouts(tmp_path)
    for made in stored.result.measurements:
        (stored.folder / made.samples).write_bytes(b"no longer an archive")
    page = Page(render([stored]))
    assert "The raw samples of this run are gone, so nothing can be drawn from them." in page.words
    assert "Throughput against latency" in page.words


def test_a_run_in_which_nothing_succeeded_is_still_a_page(tmp_path: Path) -> None:
    stored = a_result(tmp_path, measured=[a_measurement("digits-latency", a_load(), fail=1.0, invalid=("all failed",))])
    page = Page(render([stored]))
    assert "digits-latency: no good answers." in page.words
    assert "nan" not in " ".join(page.words + page.values("d") + page.values("cx"))


def test_a_run_without_a_known_machine_has_no_placement_picture(tmp_path: Path) -> None:
    stored = layouts(tmp_path)
    surroundings = replace(stored.result.surroundings, topology={})
    page = Page(render([StoredResult(replace(stored.result, surroundings=surroundings), stored.folder)]))
    assert "Placement" not in page.words
    assert "All figures" in page.words


def test_no_results_are_a_page_that_says_what_makes_some() -> None:
    assert "There are no stored results yet. inferstack bench makes some." in Page(render([])).words


def test_many_requests_and_repeats_stay_a_small_file(tmp_path: Path) -> None:
    loads = [a_load(rate_per_s=rate, duration_s=20.0) for rate in (50.0, 200.0, 400.0)]
    names = ("one", "two", "three", "four")
    measured = [
        a_measurement(name, load, service_ms=0.4, repeat=repeat)
        for name in names
        for load in loads
        for repeat in (0, 1)
    ]
    stored = a_result(tmp_path, targets=[a_target(name) for name in names], measured=measured)
    assert len(render([stored]).encode()) < 250_000


def colours(style: str) -> list[dict[str, str]]:
    """The light and the dark set."""
    light, dark = style.split("prefers-color-scheme: dark", 1)
    return [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part.split("@media")[0])) for part in (light, dark)]


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_colour_of_words_has_contrast_enough(scheme: int) -> None:
    found = colours(resources.files("components.benchmarks.report").joinpath("style.css").read_text())[scheme]
    targets = [f"c{i}" for i in range(6)]
    pairs = [(ink, back) for ink in ("ink", "soft", "link", "limit", *targets) for back in ("page",)]
    pairs += [(ink, "raised") for ink in ("ink", "soft", "link")]
    pairs += [(ink, f"{ink}-back") for ink in ("good", "bad", "open")]
    pairs += [("on-colour", target) for target in targets]
    weak = {pair: contrast(found[pair[0]], found[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}

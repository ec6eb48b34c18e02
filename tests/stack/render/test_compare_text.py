"""A comparison as people read it, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from components.benchmarks.compare import Comparison, Difference, Pair, Side, Word
from components.benchmarks.significance import Evidence
from stack.render.compare_text import comparison_json, render_comparison, summary
from tests.builders.results import a_load


def a_pair(outcome: Word = "slower", *, target: str = "digits-latency", noise: float | None = None) -> Pair:
    slower = Evidence("mean", 1.21, 1.18, 1.24, 1e-9), 1e-8
    level = Evidence("mean", 1.01, 0.99, 1.03, 0.3), 1.0
    mean_b_s, (found, p) = (1.45e-3, slower) if outcome == "slower" else (1.21e-3, level)
    differences = (
        Difference("mean", "s", 1.2e-3, mean_b_s, found, p, noise, outcome),
        Difference(
            "p50", "s", 1.1e-3, 1.1e-3, Evidence("p50", 1.0, 0.98, 1.02, 0.7), 1.0, noise, "no difference shown"
        ),
        Difference("p99", "s", 4.2e-3, 4.26e-3),
        Difference("throughput", "per_s", 200.0, 199.2),
        Difference("errors", "share", 0.0, 0.0),
        Difference("accuracy", "share", 0.978, 0.972),
    )
    side_a, side_b = Side("20260301T101500Z-0badcafe", target), Side("20260302T090000Z-deadbeef", target)
    worse = ("mean +20.8%",) if outcome == "slower" else ()
    return Pair(side_a, side_b, a_load(rate_per_s=200.0), differences, outcome, "mean +20.8%", worse)


def a_comparison(*pairs: Pair, caveats: tuple[str, ...] = ()) -> Comparison:
    return Comparison("20260301T101500Z-0badcafe", "20260302T090000Z-deadbeef", pairs, caveats)


def test_a_regression_reads_well(golden: Callable[[str, str], None]) -> None:
    caveats = ("kernel Linux 6.1 against Linux 6.5",)
    golden("compare-regression.txt", render_comparison(a_comparison(a_pair(), caveats=caveats)))


def test_several_pairs_read_well(golden: Callable[[str, str], None]) -> None:
    pairs = [a_pair(noise=0.021), a_pair("no difference shown", target="digits-throughput", noise=0.013)]
    golden("compare-pairs.txt", render_comparison(a_comparison(*pairs)))


def test_what_is_not_comparable_says_why_at_once() -> None:
    pair = Pair(Side("a", "t"), Side("b", "t"), a_load(), (), "not comparable", "B is invalid: no spare core", ())
    assert summary(a_comparison(pair)) == "t, 100/s Poisson: not comparable, B is invalid: no spare core."


def test_lost_accuracy_is_in_the_sentence_though_nothing_is_slower() -> None:
    lost = replace(a_pair("no difference shown"), regressions=("accuracy 97.8% -> 91.0%",))
    assert summary(a_comparison(lost)).endswith("no difference shown, but accuracy 97.8% -> 91.0%.")
    assert summary(a_comparison(lost, a_pair("faster"))).endswith(
        "Worse though not slower: digits-latency, 200/s Poisson (accuracy 97.8% -> 91.0%)."
    )


def test_colour_marks_the_word_and_nothing_else() -> None:
    plain, coloured = (render_comparison(a_comparison(a_pair()), colour=colour) for colour in (False, True))
    assert "\x1b" not in plain
    assert coloured.replace("\x1b[31m", "").replace("\x1b[0m", "") == plain


def test_the_json_form_holds_figures_differences_and_words() -> None:
    found = json.loads(json.dumps(comparison_json(a_comparison(a_pair()))))
    assert found["regressions"] == ["digits-latency at 200/s Poisson: mean +20.8%"]
    mean = found["pairs"][0]["differences"][0]
    assert mean["outcome"] == "slower"
    assert mean["relative"] > 0.2
    assert found["pairs"][0]["load"]["rate_per_s"] == 200

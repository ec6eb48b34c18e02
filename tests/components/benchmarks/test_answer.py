"""The answer of a result: who meets the objective, who is fastest, who carries most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.benchmarks.answer import Answer, Cheapest, answer
from components.benchmarks.result import Check, Outcome, Verdict
from tests.builders.results import Made, a_load, a_measurement, a_result, a_target

SLOW, FAST = a_load(rate_per_s=100.0), a_load(clients=8)
NAMES = ("whole", "pinned")


def made(target: str, load: Any = SLOW, *, ms: float = 2.0, outcome: Outcome | None = None, **changes: Any) -> Made:
    metric = "p99_s" if load.rate_per_s else "throughput_per_s"
    check = Check(metric, 1.0, 2.0, outcome or "pass", f"{metric} was looked at")
    verdict = Verdict(outcome, (check,)) if outcome else None
    return a_measurement(target, load, service_ms=ms, verdict=verdict, **changes)


def answered(tmp_path: Path, *measured: Made, judged: bool = False, **changes: Any) -> Answer:
    objective = {"p99_s": 0.005, "errors": 0.0} if judged else None
    changes.setdefault("targets", tuple(a_target(name) for name in NAMES))
    return answer(a_result(tmp_path, measured=measured, objective=objective, **changes).result)


def test_the_fastest_has_the_lowest_median_at_the_lightest_load(tmp_path: Path) -> None:
    found = answered(
        tmp_path, made("whole", ms=2), made("pinned", ms=3), made("whole", FAST, ms=9), made("pinned", FAST, ms=1)
    )
    assert found.fastest is not None
    assert (found.fastest.target, found.fastest.load) == ("whole", SLOW)
    assert found.sentences[0].startswith("Fastest is whole: p50 2.1")


def test_whoever_answers_most_carries_most(tmp_path: Path) -> None:
    found = answered(tmp_path, made("whole", FAST, ms=2), made("pinned", FAST, ms=2, servers=2))
    assert found.carries_most is not None
    assert found.carries_most.target == "pinned"
    assert found.sentences[-1].startswith("pinned carries most: ")


def test_nobody_carries_most_where_all_kept_up_with_what_was_asked(tmp_path: Path) -> None:
    assert answered(tmp_path, made("whole"), made("pinned")).carries_most is None


def test_of_those_that_meet_the_objective_the_one_with_the_fewest_cores_is_cheapest(tmp_path: Path) -> None:
    targets = (a_target("whole", cpus=((0, 1),)), a_target("pinned", cpus=((0,),)))
    both = (made("whole", outcome="pass"), made("pinned", outcome="pass"))
    found = answered(tmp_path, *both, judged=True, targets=targets)
    assert found.cheapest == Cheapest(("pinned",), 1, 2)
    assert found.sentences[1] == "Cheapest of these is pinned with 1 core, the next takes 2."


def test_those_that_meet_the_objective_with_as_many_cores_are_equally_cheap(tmp_path: Path) -> None:
    found = answered(tmp_path, made("whole", outcome="pass"), made("pinned", outcome="pass"), judged=True)
    assert found.cheapest == Cheapest(("whole", "pinned"), 2, None)
    assert found.sentences[1] == "Each of these takes 2 cores."


def test_nobody_is_cheapest_of_one(tmp_path: Path) -> None:
    found = answered(tmp_path, made("whole", outcome="pass"), made("pinned", outcome="fail"), judged=True)
    assert found.cheapest is None


def test_figures_within_three_percent_are_level(tmp_path: Path) -> None:
    found = answered(tmp_path, made("whole", ms=2.00), made("pinned", ms=2.02))
    assert found.fastest is not None
    assert found.fastest.level_with == ("pinned",)
    assert found.sentences[0].startswith("Fastest are whole and pinned, level within 3%")


def test_the_first_sentence_says_who_meets_the_objective_and_the_next_who_does_not(tmp_path: Path) -> None:
    found = answered(tmp_path, made("whole", outcome="pass"), made("pinned", outcome="fail"), judged=True)
    assert found.sentences[0] == "whole (p99 4.79 ms at 100/s Poisson) meets p99 <= 5 ms and no errors."
    assert found.sentences[1] == "pinned misses it: at 100/s Poisson, p99_s was looked at."
    assert (found.outcome, found.meets) == ("pass", ("whole",))


def test_all_targets_must_meet_the_objective_where_all_are_required(tmp_path: Path) -> None:
    found = answered(
        tmp_path, made("whole", outcome="pass"), made("pinned", outcome="fail"), judged=True, require="all"
    )
    assert found.outcome == "fail"


def test_a_target_must_meet_the_objective_under_every_load(tmp_path: Path) -> None:
    found = answered(tmp_path, made("whole", outcome="pass"), made("whole", FAST, outcome="fail"), judged=True)
    assert found.standings[0].outcome == "fail"


def test_a_target_that_nothing_was_asked_of_is_undecided(tmp_path: Path) -> None:
    found = answered(tmp_path, made("whole"), made("pinned"), judged=True)
    assert found.outcome == "undecided"
    assert found.sentences[0] == "No target is shown to meet p99 <= 5 ms and no errors."


def test_an_invalid_measurement_wins_nothing(tmp_path: Path) -> None:
    found = answered(tmp_path, made("whole", ms=1, invalid=("the client was late",)), made("pinned", ms=2))
    assert found.fastest is not None
    assert found.fastest.target == "pinned"
    assert found.carries_most is not None
    assert found.carries_most.target == "pinned"


def test_of_many_invalid_runs_the_first_is_told_and_the_rest_counted(tmp_path: Path) -> None:
    loads = [a_load(rate_per_s=rate) for rate in (100.0, 200.0, 400.0)]
    found = answered(tmp_path, *(made("whole", load, outcome="invalid") for load in loads), judged=True)
    assert found.sentences[2] == "whole has INVALID runs: at 100/s Poisson, p99_s was looked at (and 2 more)."


def test_whoever_breaks_a_latency_limit_does_not_carry_most(tmp_path: Path) -> None:
    busy = a_load(rate_per_s=400.0)
    found = answered(
        tmp_path,
        made("whole", busy, ms=1, outcome="fail"),
        made("pinned", busy, ms=1, outcome="pass"),
        judged=True,
    )
    assert found.carries_most is not None
    assert found.carries_most.target == "pinned"
    assert found.carries_most.next_best is None


def test_repeats_are_taken_together_by_their_medians_without_the_invalid(tmp_path: Path) -> None:
    repeats = [
        made("whole", ms=ms, repeat=i, invalid=("late",) if ms == 9 else ())
        for i, ms in enumerate((2.0, 9.0, 3.0, 4.0))
    ]
    (row,) = answered(tmp_path, *repeats).standings[0].rows
    assert row.valid
    assert 0.0028 < row.response.p50_s < 0.0035
    assert row.requests == 3000


def test_repeats_that_disagree_are_undecided(tmp_path: Path) -> None:
    found = answered(tmp_path, made("whole", outcome="pass"), made("whole", outcome="fail", repeat=1), judged=True)
    assert found.standings[0].outcome == "undecided"
    assert found.standings[0].why == ("at 100/s Poisson, the repeats disagree",)


def test_a_result_without_a_good_answer_has_no_fastest(tmp_path: Path) -> None:
    found = answered(tmp_path, made("whole", fail=1.0))
    assert found.fastest is None

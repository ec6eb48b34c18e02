"""What a search for a layout found, as a person and as a script read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from components.benchmarks import verdict
from components.serving.layouts import Candidate
from stack.render.tune_text import Tried, cheapest, tune_json, tune_text
from tests.builders.results import a_load, a_measurement, a_result, a_target

OBJECTIVE = {"p99_s": 0.008, "errors": 0.0}
LOAD = a_load(rate_per_s=200.0)
CALM = {"shared_cpus": False, "client_cpus": (3,)}


def tried(folder: Path, count: int, cores: int, *, ms: float, **changes: object) -> Tried:
    layout = Candidate(count, cores)
    made = a_measurement("one", LOAD, service_ms=ms, servers=count, **{**CALM, **changes})  # type: ignore[arg-type]
    limits = verdict.applicable(OBJECTIVE, LOAD, (LOAD,))
    judged = replace(
        made, measurement=replace(made.measurement, verdict=verdict.judge(limits, made.measurement, made.samples))
    )
    target = a_target("one", cpus=[tuple(range(i * cores, (i + 1) * cores)) for i in range(count)])
    kept = a_result(folder / str(layout), targets=[target], measured=[judged], objective=OBJECTIVE)
    return Tried(layout, kept.result)


def test_the_fewest_cores_that_keep_the_objective_are_the_answer(
    tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    found = [
        tried(tmp_path, 1, 1, ms=4.0),
        tried(tmp_path, 1, 2, ms=1.1),
        tried(tmp_path, 2, 1, ms=2.0, shared_cpus=True),
    ]
    golden("tune.txt", tune_text("one", "steady", found, possible=6))
    told = tune_json("one", "steady", found, possible=6)
    assert told["best"] == {"count": 1, "cores": 2}
    assert [(one["count"], one["cores"], one["outcome"]) for one in told["tried"]] == [
        (1, 1, "fail"),
        (1, 2, "pass"),
        (2, 1, "pass"),
    ]
    json.dumps(told, allow_nan=False)


def test_where_nothing_keeps_it_there_is_nothing_to_write(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    found = [tried(tmp_path, 1, 1, ms=4.0), tried(tmp_path, 2, 1, ms=9.0, invalid=("the client was late",))]
    assert cheapest(found) is None
    golden("tune-none.txt", tune_text("one", "steady", found, possible=2))

"""One small stack and what its users do with it beside `up`; how it comes and goes is in test_stack_life.py.

The stack is brought up once, and each test leaves it as it found it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.components.models.model_builders import WEIGHTS, a_data_set, rows
from tests.components.models.processes import until
from tests.stack.commands import BENCHMARK, TINY, a_project, everything_in, inferstack

ROW = [0.5, 0.25, 0.125, 1.0]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose stack is up: two groups, three instances, a short benchmark."""
    folder = a_project(tmp_path_factory.mktemp("whole"), TINY + BENCHMARK)
    a_data_set(folder / "data.npz")
    inferstack(folder, "up", "spec.yaml")
    yield folder
    inferstack(folder, "destroy", "spec.yaml", "--yes")


def instances(project: Path) -> dict[str, Any]:
    """What `status` says of each instance, by name."""
    return {one["name"]: one for one in inferstack(project, "status", "--json", code=None).json["instances"]}


def test_predictions_take_rows_of_files_and_standard_input(project: Path) -> None:
    found = inferstack(project, "predict", "two", "--data", "data.npz", "--row", "3", "--row", "5", "--json").json
    assert [one["row"] for one in found] == [3, 5]
    assert np.allclose(found[0]["output"], rows(60)[3] @ WEIGHTS, atol=1e-5)
    assert "two-1" in inferstack(project, "predict", "two-1", "--data", "-", stdin=f"[{ROW}]").out


def test_predictions_over_grpc_are_right(project: Path) -> None:
    [found] = inferstack(project, "predict", "one", "--data", f"[{ROW}]", "--protocol", "grpc", "--json").json
    assert np.allclose(found["output"], [ROW] @ WEIGHTS)


def test_predictions_that_cannot_be_asked_for_say_why(project: Path) -> None:
    assert "shape [1, 1]" in inferstack(project, "predict", "two", "--data", "[[1]]", code=3).err
    assert "there are one, one-0, two" in inferstack(project, "predict", "three", "--data", "[[1]]", code=3).err
    assert "no gRPC port" in inferstack(project, "predict", "two", "--data", f"[{ROW}]", "--protocol=grpc", code=4).err


def test_a_missed_objective_is_code_8_and_leaves_the_stack_serving(project: Path) -> None:
    missed = inferstack(project, "up", "spec.yaml", "--set", "benchmarks.quick.objective.p99=1us", code=8)
    assert "MISSES" in missed.out
    assert "quick" in missed.err
    assert "3 of 3 instances ready" in inferstack(project, "status").out
    inferstack(project, "up", "spec.yaml")


def test_a_plan_that_interrupts_is_refused_by_policy(project: Path) -> None:
    changed = ("preview", "spec.yaml", "--set", "serving.one.queue.size=7", "--fail-on", "interrupt")
    refused = inferstack(project, *changed, code=5)
    assert "interrupt: one" in refused.err
    assert "--set serving.one.queue.size=7" in refused.out


def test_looking_at_a_stack_writes_nothing(project: Path) -> None:
    before = everything_in(project)
    assert "two-1" in inferstack(project, "graph", "--stack", "tiny", "--format", "dot").out
    assert inferstack(project, "graph", "spec.yaml").out.startswith("flowchart")
    inferstack(project, "render", "spec.yaml")
    assert everything_in(project) == before


def test_the_state_is_the_same_after_an_export_and_an_import(project: Path) -> None:
    inferstack(project, "state", "export", "--out", "state.json")
    assert (project / "state.json").stat().st_mode & 0o777 == 0o600
    assert inferstack(project, "state", "import", "state.json", "--stack", "tiny").out.startswith("imported")
    assert inferstack(project, "up", "spec.yaml").out.startswith("No changes")
    assert "did you mean two-1" in inferstack(project, "state", "show", "two-9", code=3).err


def test_everything_killed_at_once_is_drift_that_up_mends(project: Path) -> None:
    supervisor = inferstack(project, "status", "--json").json["supervisor"]
    for pid in (supervisor, *(one["pid"] for one in instances(project).values())):
        os.kill(pid, signal.SIGKILL)
    assert "0 of 3 instances ready" in inferstack(project, "status", code=1).out
    drift = inferstack(project, "refresh", "--dry-run", "--detailed-exitcode", code=2).out
    assert "Drift in 4 resources" in drift
    inferstack(project, "refresh")
    inferstack(project, "up", "spec.yaml")
    assert inferstack(project, "refresh").out.startswith("No drift")
    assert len(instances(project)) == 3


def test_a_killed_server_is_started_again_without_an_up(project: Path) -> None:
    before = instances(project)["two-0"]["pid"]
    os.kill(before, signal.SIGKILL)

    def again() -> bool:
        found = instances(project)["two-0"]
        return found["state"] == "ready" and found["pid"] != before

    until(again, "a restart")


def test_taking_a_group_away_asks_first(project: Path) -> None:
    (project / "less.yaml").write_text(TINY.replace("  - {name: two", "  # {name: two"))
    assert "say --yes" in inferstack(project, "up", "less.yaml", code=3).err
    assert "two-1" in instances(project)
    inferstack(project, "up", "less.yaml", "--yes")
    assert sorted(instances(project)) == ["one-0"]
    inferstack(project, "up", "spec.yaml")

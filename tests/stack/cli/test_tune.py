"""`tune` finds the cheapest layout by measuring, with real servers, and leaves nothing but results."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.commands import a_project, inferstack, start

ENVIRONMENTS = Path(__file__).parents[3] / "environments"
SPEC = """\
apiVersion: inferstack/v1
name: tiny
models: [{name: tiny, source: tiny.xml}]
serving:
  - {name: one, model: tiny, layout: latency, port: 18431, exclusive: false, drain: 1s}
  - {name: two, model: tiny, layout: throughput, exclusive: false, drain: 1s}
benchmarks:
  - {name: plain, targets: [two], load: {clients: 1, duration: 200ms, warmup: 50ms}}
  - name: quick
    targets: [one, two]
    load: {clients: 1, duration: 500ms, warmup: 50ms}
    objective: {errors: 0%, throughput: 1/s}
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A folder with the spec; whatever runs is taken away."""
    yield a_project(tmp_path, SPEC)
    for stack in ("tiny", "tiny-tune"):
        inferstack(tmp_path, "destroy", "--stack", stack, "--yes", code=None)


def test_the_first_layout_that_suffices_is_the_answer_and_its_stack_is_gone(project: Path) -> None:
    found = inferstack(project, "tune", "spec.yaml", "--json")

    assert found.json["best"] == {"count": 1, "cores": 1}
    assert (found.json["group"], found.json["benchmark"], len(found.json["tried"])) == ("one", "quick", 1)
    assert "1 instance of 1 core (1 of at most" in found.err
    assert "no stack" in inferstack(project, "status", "--stack", "tiny-tune", code=3).err
    assert "quick" in inferstack(project, "bench", "--stack", "tiny-tune").out


def test_all_layouts_are_measured_where_that_is_asked_for(project: Path) -> None:
    found = inferstack(project, "tune", "spec.yaml", "--all", "--json")
    assert len(found.json["tried"]) == found.json["layouts"]
    assert found.json["best"] == {"count": 1, "cores": 1}


def test_a_stack_that_is_up_is_left_alone_and_its_group_may_be_named(project: Path) -> None:
    inferstack(project, "up", "spec.yaml", "--set", "benchmarks=[]")

    found = inferstack(project, "tune", "spec.yaml", "--group", "two")

    assert "quick: 1 instance of 1 core is enough for two to keep" in found.out
    assert "    - name: two\n      instances: {count: 1, cores: 1}\n" in found.out
    assert "ready" in inferstack(project, "status", "--stack", "tiny").out


def test_every_layout_is_measured_before_none_is_said_to_keep_it(project: Path) -> None:
    many = "benchmarks.quick.objective={mean: 0.001ms}"
    found = inferstack(project, "tune", "spec.yaml", "--set", many, code=8)
    cores = len(os.sched_getaffinity(0))
    assert "quick: no layout of one is shown to keep" in found.out
    assert found.out.count("MISSES") >= (3 if cores > 1 else 1)
    assert "no layout of one is shown to keep the objective of quick" in found.err


def test_what_the_environment_lays_over_the_spec_stays_out_of_the_way(project: Path) -> None:
    given = {"INFERSTACK_NAME": "other", "INFERSTACK_SERVING__ONE__LAYOUT": "throughput"}
    found = inferstack(project, "tune", "spec.yaml", "--json", **given)
    assert found.json["best"] == {"count": 1, "cores": 1}
    assert "quick" in inferstack(project, "bench", "--stack", "other-tune").out


def test_a_stack_of_somebody_else_with_the_name_is_left_alone(project: Path) -> None:
    inferstack(project, "up", "spec.yaml", "--set", "name=tiny-tune", "--set", "benchmarks=[]")
    assert "a stack tiny-tune is here already" in inferstack(project, "tune", "spec.yaml", code=3).err
    assert "ready" in inferstack(project, "status", "--stack", "tiny-tune").out


def test_what_a_killed_search_left_is_taken_away_by_the_next(project: Path) -> None:
    process = start(project, "tune", "spec.yaml", "--set", "benchmarks.quick.load.duration=30s")
    assert process.stderr is not None
    assert any("quick: one at" in line for line in process.stderr)
    process.kill()
    process.communicate()
    assert inferstack(project, "tune", "spec.yaml", "--json").json["best"] == {"count": 1, "cores": 1}
    assert "no stack" in inferstack(project, "status", "--stack", "tiny-tune", code=3).err


def test_what_was_measured_before_a_failure_is_shown(project: Path) -> None:
    process = start(project, "tune", "spec.yaml", "--set", "benchmarks.quick.objective={mean: 0.001ms}")
    assert process.stderr is not None
    assert any("(2 of at most" in line for line in process.stderr)
    (project / "tiny.xml").unlink()
    out, _ = process.communicate(timeout=60)
    assert "1 instance of 1 core" in out
    assert process.returncode not in (0, 8)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--benchmark", "plain"), "no benchmark `plain` with an objective"),
        (("--group", "three"), "`three` is no target of quick"),
        (("--set", "benchmarks.quick.objective=null"), "which objective is to be kept?"),
        (("--set", "cluster.topology=/"), "layouts are searched for on this machine"),
    ],
)
def test_a_search_that_cannot_be_made_says_why(project: Path, words: tuple[str, ...], why: str) -> None:
    assert why in inferstack(project, "tune", "spec.yaml", *words, code=3).err


def test_a_spec_for_a_cluster_is_told_so_first(project: Path) -> None:
    (project / "gke.yaml").write_text((ENVIRONMENTS / "gke-dev.yaml").read_text())
    (project / "base.yaml").write_text((ENVIRONMENTS / "base.yaml").read_text())
    assert "layouts are searched for on this machine" in inferstack(project, "tune", "gke.yaml", code=3).err

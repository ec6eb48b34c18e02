"""What stands under environments/ is right: the specs load, and the example model is as good as it says."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from components.benchmarks.enough import too_short
from components.cluster.topology import read
from components.models.material import Planner
from components.models.plan import plan_inputs
from components.models.resource import make
from schemas.load import load
from stack.cli.newcomer import first_spec

ENVIRONMENTS = Path(__file__).parents[2] / "environments"


@pytest.mark.parametrize("name", ["local", "local-platforms", "gke-dev", "gke-prod"])
def test_shipped_environment_has_no_problem(name: str) -> None:
    assert load(ENVIRONMENTS / f"{name}.yaml").spec.serving


@pytest.mark.parametrize("path", sorted(ENVIRONMENTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_environment_is_completed_by_editors(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../schemas/stack.schema.json"


def test_shipped_environments_and_the_first_spec_ask_for_enough_requests(tmp_path: Path) -> None:
    (tmp_path / "digits.onnx").touch()
    first = tmp_path / "stack.yaml"
    first.write_text(first_spec(read(), source="digits.onnx", name="digits"))
    for path in (first, *ENVIRONMENTS.glob("local*.yaml")):
        benchmarks = load(path).spec.benchmarks
        assert benchmarks
        assert [note for benchmark in benchmarks for note in too_short(benchmark)] == []


def test_digits_are_recognised_with_32_bits_a_weight_and_with_8(tmp_path: Path) -> None:
    models = {model.name: model for model in load(ENVIRONMENTS / "local-platforms.yaml").spec.models}
    planner = Planner(models, lambda _: ENVIRONMENTS)
    full = make(plan_inputs(models["digits"], planner, tmp_path))
    small = make(plan_inputs(models["digits-int8"], planner, tmp_path))
    assert (full["precision"], small["precision"]) == ("fp32", "int8")
    assert full["accuracy"] >= 0.975
    assert small["accuracy_before"] == full["accuracy"]
    assert small["accuracy"] >= 0.97
    assert small["bytes"] < full["bytes"] / 3


def test_two_local_environments_train_the_same_model_once() -> None:
    [alone] = load(ENVIRONMENTS / "local.yaml").spec.models
    beside, _ = load(ENVIRONMENTS / "local-platforms.yaml").spec.models
    assert dataclasses.replace(alone, at="") == dataclasses.replace(beside, at="")

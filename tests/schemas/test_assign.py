"""`--set` and `INFERSTACK_...`: paths, values, and what a slip of the pen is told."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import SpecError
from tests.schemas.spec_texts import GOOD, HEAD, MODELS, a_file, loaded, problems, rules


def test_a_path_names_items_by_name_or_by_index(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    spec = loaded(path, "serving.one.threads=2", "serving.1.threads=3", "benchmarks.steady.load.0.duration=3s").spec
    assert [group.threads for group in spec.serving] == [2, 3]
    assert spec.benchmarks[0].load[0].duration_s == 3


def test_keys_with_dots_are_found(tmp_path: Path) -> None:
    spec = loaded(a_file(tmp_path), "benchmarks.steady.objective.p99.9=5ms").spec
    assert spec.benchmarks[0].objective is not None
    assert spec.benchmarks[0].objective.p999_s == 0.005


def test_a_value_is_yaml_and_merges_as_a_layer_does(tmp_path: Path) -> None:
    spec = loaded(
        a_file(tmp_path),
        "serving=[{name: three, model: digits, layout: latency, exclusive: false}, {name: one, threads: 2}]",
        "serving.two=!remove",
        "benchmarks.steady.targets=[one, three]",
        "serving.three.env={A: b}",
        "serving.three.env.C=d",
    ).spec
    assert [group.name for group in spec.serving] == ["one", "three"]
    assert spec.serving[0].threads == 2
    assert spec.serving[1].env == {"A": "b", "C": "d"}


def test_null_puts_the_default_back_from_the_command_line(tmp_path: Path) -> None:
    assert loaded(a_file(tmp_path), "serving.one.layout=null").spec.serving[0].layout is None
    assert loaded(a_file(tmp_path), "benchmarks=").spec.benchmarks == ()


def test_paths_in_values_start_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = a_file(tmp_path / "specs")
    monkeypatch.chdir(tmp_path)
    assert loaded(path, "models.digits.source=here.onnx").spec.models[0].source == str(tmp_path / "here.onnx")


def test_variables_are_matched_without_case_hyphens_and_underscores(tmp_path: Path) -> None:
    text = GOOD.replace("steady", "steady-state")
    environ = {
        "INFERSTACK_BENCHMARKS__STEADY_STATE__LOAD__RATE": "100/s",
        "INFERSTACK_BENCHMARKS__STEADYSTATE__OBJECTIVE__P99_9": "7ms",
        "INFERSTACK_SERVING__ONE__MAX_REQUEST_SIZE": "1MiB",
        "INFERSTACK_SERVING__ONE__MAXREQUESTSIZE": "1MiB",
        "INFERSTACK_SERVING__ONE__ENV__LEVEL": "debug",
        "OTHER": "ignored",
    }
    spec = loaded(a_file(tmp_path, text), environ=environ).spec
    assert spec.benchmarks[0].load[0].rate_per_s == 100
    assert spec.benchmarks[0].objective is not None
    assert spec.benchmarks[0].objective.p999_s == 0.007
    assert spec.serving[0].max_request_bytes == 2**20
    assert spec.serving[0].env == {"LEVEL": "debug"}


def test_settings_of_the_program_overlay_nothing(tmp_path: Path) -> None:
    reserved = ["STATE_DIR", "SPEC", "PASSPHRASE", "TEST_TOPOLOGIES", "PERFORMANCE_SECONDS", "NO_COLOUR"]
    environ = {f"INFERSTACK_{name}": "anything: [" for name in reserved}
    assert loaded(a_file(tmp_path), environ=environ).spec == loaded(a_file(tmp_path)).spec


@pytest.mark.parametrize(
    ("text", "says", "does"),
    [
        ("serving.on.cores=2", "did you mean `one`?", "--set serving.one.cores="),
        ("serving.one.thread=2", "did you mean `serving.one.threads`?", "--set serving.one.threads="),
        ("servng.one.threads=2", "no `servng` in the spec", "--set serving.one.threads="),
        ("serving.9.threads=2", "has no item `9`", "Name one of these"),
        ("serving.one.threads.x=2", "is a single value", "Set `serving.one.threads` itself"),
        ("threads", "a path, an equals sign and a value", "For example"),
        ("=5", "a path, an equals sign and a value", "For example"),
        ("serving..x=5", "a path, an equals sign and a value", "For example"),
        ("name=[1", "bracket is never closed", "Quote it"),
        ("models.digits.source=a: b: c", "second `:`", "Quote it"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_ends(tmp_path: Path, text: str, says: str, does: str) -> None:
    found = problems(a_file(tmp_path), text)[0]
    assert found.rule == "LAYER004"
    assert found.origin == f"--set {text}"
    assert says in found.message
    assert does in found.remedy


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("INFERSTACK_SERVNG__ONE__THREADS", "did you mean `INFERSTACK_SERVING`?"),
        ("INFERSTACK_SERVING__ONE__TREADS", "did you mean `INFERSTACK_SERVING__ONE__THREADS`?"),
        ("INFERSTACK_SERVING__TOW", "did you mean `two`?"),
        ("INFERSTACK_", "there is no ``"),
        ("INFERSTACK_DEBUG", "no `debug` in the spec"),
    ],
)
def test_an_unknown_variable_is_a_problem_with_a_suggestion(tmp_path: Path, name: str, says: str) -> None:
    (found,) = problems(a_file(tmp_path), environ={name: "1"})
    assert found.rule == "LAYER005"
    assert says in found.message
    assert found.origin == name, "the value may be a secret"


def test_a_value_that_is_cut_short_says_where_the_reader_gave_up(tmp_path: Path) -> None:
    (found,) = problems(a_file(tmp_path), "models.digits.source=[")
    assert (found.message, found.why) == ("a value is expected here", "The reader gave up while parsing a flow node.")


def test_a_union_is_entered_by_the_branch_that_knows_the_key(tmp_path: Path) -> None:
    text = f"""{HEAD}{MODELS.replace("digits.onnx", "gs://models/digits")}
cluster:
  {{provider: gke, project: my-project, location: europe-west4-a, nodePools: [{{name: a, machineType: n2-standard-8}}]}}
"""
    spec = loaded(a_file(tmp_path, text), "cluster.nodePools.a.nodes.min=1", "cluster.nodePools.a.nodes.max=3").spec
    assert spec.cluster.node_pools[0].nodes.max == 3  # type: ignore[union-attr]


def test_every_wrong_assignment_is_told_at_once(tmp_path: Path) -> None:
    found = problems(a_file(tmp_path), "a=1", "b=2", environ={"INFERSTACK_C": "3"})
    assert rules(found) == ["LAYER004", "LAYER004", "LAYER005"]


@settings(max_examples=150)
@given(st.lists(st.text("serving.one=:[]{}0!, \n&*_-é\ud800", max_size=30), max_size=3))
def test_any_assignment_is_a_spec_or_a_spec_error(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = a_file(tmp_path_factory.getbasetemp(), name="any.yaml")
    with contextlib.suppress(SpecError):
        loaded(path, *texts)

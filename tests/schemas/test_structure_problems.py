"""Structural errors: all at once, each at its place, and rules beside them where they can be trusted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.schemas.spec_texts import GOOD, HEAD, MODELS, a_file, loaded, problems, rules


def test_all_errors_are_told_at_once_in_the_order_of_the_text(tmp_path: Path) -> None:
    text = f"{HEAD}{MODELS}serving:\n  - {{name: one, modle: digits, port: high}}\n  - {{model: digits, threads: 0}}\n"
    found = problems(a_file(tmp_path, text))
    assert [(p.location.line, p.rule) for p in found if p.location] == [
        (5, "SPEC010"),
        (5, "SPEC012"),
        (6, "SPEC011"),
        (6, "SPEC015"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("serving: [{name: one, model: digits, thread: 2}]", "unknown key `thread`; did you mean `threads`?"),
        ("serving: [{name: one, model: digits, count: 2}]", "unknown key `count`; it belongs under `instances`"),
        ("models: [{name: a, precision: int8}]", "unknown key `precision`; it belongs under `convert`"),
        ("models: [{name: a, convert: {source: x}}]", "unknown key `source`; it belongs further out, beside `convert`"),
        ("benchmarks: [{name: a, targets: [b], rate: 5/s}]", "unknown key `rate`; it belongs under `load`"),
        ("benchmarks: [{name: a, targets: [b], load: {qps: 5/s}}]", "unknown key `qps`; did you mean `rate`?"),
        ("benchmarks: [{name: a, targets: [b], p99: 5ms}]", "unknown key `p99`; it belongs under `objective`"),
        ("precision: int8", "unknown key `precision`; it belongs under `models.convert`"),
        ("cores: 1", "unknown key `cores`; it belongs under `serving` and `serving.instances`"),
        ("model: a", "unknown key `model`; did you mean `models`?"),
        ("calibration: a.npz", "unknown key `calibration`; it belongs under `models.convert`"),
        ("cluster: {provider: local, location: a}", "unknown key `location`; it belongs to provider `gke`"),
        ("cluster: {provider: gce}", "must be `local`, `kubernetes` or `gke`; did you mean `gke`?"),
        ("cluster: {provider: gke}", "`project` is missing"),
        ("cluster: {project: p}", "unknown key `project`; it belongs to provider `gke`"),
        ("models: [{name: a, source: ''}]", "`source` is ``, and must be a path"),
        ("models: [{name: a, train: {command: [make], inputs: ['']}}]", "this item is ``, and must be a path"),
        ("cluster: gke", "`cluster` is `gke`, text, and must be a mapping with `provider`"),
        ("serving: [{name: one, model: }]", "`model` is empty"),
        ("serving: [one]", "this item is `one`, text, and must be a mapping with `name` and `model`"),
        ("extensions: [5]", "this item is `5`, a number, and must be a mapping with `name`"),
        ("extensions: [Cert_Manager]", "`name` is `Cert_Manager`"),
        ("models: [{name: no, source: a, sha256: abc}]", "`sha256` is `abc`, and must be 64 hexadecimal digits"),
        ("serving: [{name: one, model: true}]", "`model` must be text, and `true` without quotes is true or false"),
        ("serving: [{name: one, model: a, bindMemory: off}]", "is the text `off`, and must be true or false"),
        ("serving: [{name: one, model: a, version: 1.20}]", "`1.20` without quotes is a number"),
        ("serving: [{name: one, model: a, drain: -5s}]", "'-5s' is no duration"),
        ("serving: [{name: one, model: a, maxRequestSize: 0.5B}]", "not a whole number of bytes"),
        ("foo:", "unknown key `foo`"),
        (f"models: [{{name: {300 * 'a'}, source: x}}]", "must be lower-case letters, digits and hyphens, 63 at most"),
        (f"serving: [{{name: one, model: a, threads: {5000 * '9'}}}]", "`threads` is a number of 5,000 digits"),
        (f"serving: [{{name: one, model: a, threads: {10**21}}}]", f"`threads` is {10**21}, and can be 2147483647 at"),
        ("serving: [{name: one, model: a, threads: 1e40}]", "`threads` is 1e40, and can be 2147483647 at most"),
        ("serving: [{name: one, model: a, threads: -1}]", "`threads` is -1, and must be a whole number of at least 1"),
        ("serving: [{name: one, model: a, priority: 9999999999}]", "must be a whole number from 1 to 1000000000"),
        ("serving: [{name: one, model: a, autoscale: {max: 2, utilization: 0}}]", "must be a whole number from 1"),
        ("serving: [{name: one, model: a, autoscale: {max: 2, average: 0}}]", "must be a number of at least 0.001"),
        ("serving: [{name: one, model: a, threads: .inf}]", "`threads` is `.inf`, text"),
        ("serving: [{name: one, model: a, threads: 1_000}]", "`threads` is `1_000`, text"),
        ("serving: [{name: one, model: a, threads: true}]", "`threads` is `true`, true or false"),
        ("serving: [{name: one, model: a, drain: 12:30:45}]", "`drain`: ':30:45' is no unit of a duration"),
        ("serving: [{name: one, model: a, drain: 99999999s}]", "`drain`: 99999999s is more than 8784h"),
    ],
)
def test_a_structural_error_says_what_is_meant(tmp_path: Path, text: str, says: str) -> None:
    found = problems(a_file(tmp_path, f"{HEAD}{text}\n"))
    assert says in "\n".join(problem.message for problem in found)
    assert all(problem.location for problem in found)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("models: [{name: a, train: {command: python x, outputs: [b]}}]", "Put it in brackets: [python, x]."),
        (
            "models: [{name: a, train: {command: '{python} x 5', outputs: [b]}}]",
            'Put it in brackets: ["{python}", x, "5"].',
        ),
        ("models: [{name: a, train: {command: [make], inputs: a b, outputs: [b]}}]", 'Put it in brackets: ["a b"].'),
        ("benchmarks: [{name: a, targets: 'b, c', load: {rate: 5/s}}]", "Put it in brackets: [b, c]."),
    ],
)
def test_a_text_in_the_place_of_a_list_is_shown_as_the_list_it_means(tmp_path: Path, text: str, remedy: str) -> None:
    (found,) = problems(a_file(tmp_path, f"{HEAD}{text}\n"))
    assert found.remedy == remedy


@pytest.mark.parametrize(
    ("written", "remedy"),
    [("5", "Write 5s, if that is what you mean"), ("0x10", "Write a duration such"), ("+5", "Write a duration such")],
)
def test_a_unit_is_proposed_for_a_number_that_may_have_one(tmp_path: Path, written: str, remedy: str) -> None:
    (found,) = problems(a_file(tmp_path, f"{HEAD}{MODELS}serving: [{{name: one, model: digits, drain: {written}}}]\n"))
    assert found.remedy.startswith(remedy)


def test_an_empty_command_is_told_with_a_reason_of_its_own(tmp_path: Path) -> None:
    text = "models: [{name: a, train: {command: [], outputs: []}}]"
    command, outputs = problems(a_file(tmp_path, f"{HEAD}{text}\n"))
    assert command.why == "The program is what makes the model."
    assert "first of `outputs`" in outputs.why


def test_a_model_may_be_called_no(tmp_path: Path) -> None:
    assert loaded(a_file(tmp_path, f"{HEAD}models: [{{name: no, source: a.onnx}}]\n")).spec.models[0].name == "no"


def test_rules_are_told_beside_structural_errors_elsewhere(tmp_path: Path) -> None:
    text = GOOD.replace("layout: latency", "treads: 2").replace("targets: [one, two]", "targets: [one, too]")
    found = problems(a_file(tmp_path, text))
    assert rules(found) == ["SPEC010", "REF002"]


def test_what_may_follow_from_a_structural_error_is_not_told(tmp_path: Path) -> None:
    text = GOOD.replace("rate: 50/s", "rate: 50 parsecs")  # without its rate the load would break BENCH001
    assert rules(problems(a_file(tmp_path, text))) == ["SPEC013"]
    text = GOOD.replace("models:", "modles:")  # without models every reference would be wrong
    assert rules(problems(a_file(tmp_path, text))) == ["SPEC010"]


def test_a_good_spec_is_judged_without_importing_jsonschema(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from schemas.load import load; load(Path(sys.argv[1]));"
        "print([name for name in ('jsonschema', 'difflib', 'pulumi') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(a_file(tmp_path))],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=60,
        check=True,
    )
    assert ran.stdout.strip() == "[]"


def test_defaults_units_and_paths_are_filled_in(tmp_path: Path) -> None:
    spec = loaded(a_file(tmp_path)).spec
    assert spec.models[0].source == str(tmp_path / "digits.onnx")
    assert spec.serving[1].at == "serving.two"
    load = spec.benchmarks[0].load[0]
    assert (load.at, load.rate_per_s, load.duration_s, load.warmup_s) == ("benchmarks.steady.load", 50.0, 5.0, 1.0)
    assert spec.benchmarks[0].objective is not None
    assert spec.benchmarks[0].objective.accuracy == 0.7


def test_urls_and_home_are_no_relative_paths(tmp_path: Path) -> None:
    text = f"{HEAD}models:\n  - {{name: a, source: 'https://example.com/a.onnx'}}\n  - {{name: b, source: ~/b.onnx}}\n"
    first, second = loaded(a_file(tmp_path, text)).spec.models
    assert first.source == "https://example.com/a.onnx"
    assert second.source == str(Path.home() / "b.onnx")

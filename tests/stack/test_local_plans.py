"""Plans of specs for this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.benchmarks.description import settings
from schemas.errors import SpecError
from schemas.load import load
from stack import workspace
from stack.engines.embedded import EmbeddedEngine
from stack.plan import Plan
from stack.program import PROJECT, build

SPEC = """\
apiVersion: inferstack/v1
name: digits
models: [{name: digits, source: digits.onnx}]
serving:
  - {name: asked, model: digits, instances: {count: 1, cores: 1}, exclusive: false}
  - {name: other, model: digits, instances: {count: 1, cores: 1}, exclusive: false}
benchmarks: [{name: steady, targets: [asked], protocol: grpc, load: {rate: 50/s, duration: 5s}, objective: {p99: 20ms}}]
"""


def a_plan(folder: Path) -> Plan:
    (folder / "digits.onnx").write_bytes(b"a model")
    (folder / "stack.yaml").write_text(SPEC)
    site = workspace.Workspace(folder / ".inferstack").site("digits")
    program = build(load(folder / "stack.yaml"), site)
    return EmbeddedEngine(PROJECT, site.stack, site.state).preview(program.run, program.origins, notes=program.notes)


def test_a_group_listens_for_grpc_when_a_benchmark_of_it_asks_for_it(tmp_path: Path) -> None:
    inputs = {
        change.name: {found.path: found.new for found in change.properties}
        for change in a_plan(tmp_path).changes
        if change.type.endswith("Instance")
    }
    assert inputs["asked-0"]["grpc"] is True
    assert "grpc" not in inputs["other-0"]


@pytest.mark.parametrize(
    "setting",
    ["execution: bf16", "scheduling: queue", "queue: {size: 2}", "env: {ONEDNN_MAX_CPU_ISA: SSE41}"],
)
def test_every_setting_of_a_target_that_decides_figures_is_measured_anew(tmp_path: Path, setting: str) -> None:
    (tmp_path / "stack.yaml").write_text(SPEC.replace("name: asked,", f"name: asked, {setting},"))
    asked, other = load(tmp_path / "stack.yaml").spec.serving
    assert settings(asked) != settings(other)


def test_a_plan_notes_a_load_that_is_too_short_for_a_verdict(tmp_path: Path) -> None:
    assert any(note.startswith("steady: p99 needs at least 459 requests") for note in a_plan(tmp_path).notes)


def test_a_recorded_machine_that_is_not_there_is_told_where_the_spec_names_it(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(SPEC + "cluster: {provider: local, topology: nowhere}\n")
    with pytest.raises(SpecError) as caught:
        build(load(tmp_path / "stack.yaml"), workspace.Workspace(tmp_path / ".inferstack").site("digits"))
    (problem,) = caught.value.problems
    assert problem.message == f"there is no folder {tmp_path / 'nowhere'}"
    assert problem.location is not None
    assert (problem.location.line, problem.location.column) == (8, 38)

"""The merged spec as people read it, each value with its origin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stack.render.spec_text import render_json, render_text
from tests.schemas.spec_texts import GOOD, a_file, loaded

OVERLAY = """extends: base.yaml
name: laptop
serving:
  - !remove two
  - {name: one, layout: !remove , instances: {count: 1, cores: 2}, env: {GREETING: "a: b # c", LEVEL: "3"}}
models:
  - {name: other, train: {command: [python, train.py], outputs: [a.onnx]}}
benchmarks:
  - {name: steady, targets: [one], load: {duration: 3s}}
"""


def test_each_line_says_who_set_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Callable[[str, str], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    a_file(tmp_path, GOOD, "base.yaml")
    a_file(tmp_path, OVERLAY, "laptop.yaml")
    environ = {"INFERSTACK_BENCHMARKS__STEADY__LOAD__RATE": "7/s"}
    merged = loaded(Path("laptop.yaml"), "serving.one.instances.cores=1", environ=environ)
    golden("spec-merged.txt", render_text(merged))
    found = render_json(merged)
    assert found["spec"]["serving"][0]["instances"] == {"count": 1, "cores": 1}
    assert found["origins"]["serving.one.instances.cores"]["text"] == "--set serving.one.instances.cores=1"
    assert found["origins"]["serving.one.instances.cores"]["overrides"]["line"] == 5


def test_colour_dims_the_origins_only(tmp_path: Path) -> None:
    merged = loaded(a_file(tmp_path))
    assert "\x1b[2m#" in render_text(merged, colour=True)
    assert "\x1b[" not in render_text(merged)

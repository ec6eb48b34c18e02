"""Specs for tests: texts that are right, and what comes of texts that are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from schemas.errors import Problem, SpecError
from schemas.load import Loaded, load
from schemas.reader import parse
from schemas.tree import Layer, Table

HEAD = "apiVersion: inferstack/v1\nname: demo\n"
MODELS = "models: [{name: digits, source: digits.onnx}]\n"
GOOD = f"""{HEAD}{MODELS}serving:
  - {{name: one, model: digits, layout: latency}}
  - {{name: two, model: digits, layout: throughput}}
benchmarks:
  - name: steady
    targets: [one, two]
    load: {{rate: 50/s, duration: 5s}}
    data: data/holdout.npz
    objective: {{p99.9: 20ms, accuracy: 70%}}
"""


def a_file(folder: Path, text: str | bytes = GOOD, name: str = "spec.yaml") -> Path:
    """A file with the text."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def loaded(path: Path, *sets: str, environ: Mapping[str, str] | None = None) -> Loaded:
    """The spec of a file."""
    return load(path, sets=sets, environ=environ or {})


def problems(path: Path, *sets: str, environ: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
    """What is wrong with the spec of a file."""
    with pytest.raises(SpecError) as caught:
        load(path, sets=sets, environ=environ or {})
    return caught.value.problems


def rules(found: Sequence[Problem]) -> list[str]:
    """The ids of problems, in their order."""
    return [problem.rule for problem in found]


def a_tree(text: str) -> Table:
    """The nodes of a text."""
    return parse(text, Layer("spec.yaml", Path("/"), tuple(text.split("\n"))))

"""Problems as people read them: five parts, the caret under what is meant, and the same as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import Location, Problem
from stack.render.problems import problems_json, render_problems
from tests.schemas.spec_texts import GOOD, a_file, problems

STRUCTURE = """apiVersion: inferstack/v1
name: Demo_Stack
modles:
  - {name: digits, source: digits.onnx}
models:
  - name: digits
    path: digits.onnx
    precision: int8
  - source: other.onnx
    train: {command: [make], outputs: [a.onnx], timeout: 50 parsecs}
serving:
  - name: latency
    model: digits
    cores: 2
    hyperthreads: yes
    thread: 2
    env: {LEVEL: 3}
  - name: throughput
    model: digits
    platform: openvno
    instances: {cores: 0, layout: throughput}
    port: 70000
    queue: 5
benchmarks:
  - name: steady
    targets: latency
    rate: 50/s
    load: {rate: 50, duration: 5 s, clients: many}
    objective: {accuracy: 70, p99: fast}
  - model:
"""
RULES = """apiVersion: inferstack/v1
name: demo
models:
  - {name: digits, source: digits.keras}
  - {name: small, source: digits.onnx, convert: {precision: int8}}
serving:
  - {name: one, model: digit, layout: latency, cores: 0-1}
  - {name: two, model: digits, cores: "3-1", env: {OMP_NUM_THREADS: "4"}}
  - {name: two, model: digits, platform: mlserver, protocol: v1, replicas: 2}
  - {name: three, model: small, platform: ovms}
traffic:
  - {name: all, split: {one: 80, two: 30}}
benchmarks:
  - name: steady
    targets: [latency, one, digits]
    load: [{rate: 50/s, clients: 4}, {duration: 5s}]
    objective: {accuracy: 70%}
  - {name: other, targets: [two], tool: wrk}
"""
GKE = """apiVersion: inferstack/v1
name: demo
cluster:
  provider: gke
  project: my-project
  location: europe-west4
  version: 1.31.5-gke.1
  nodePools:
    - {name: serving, machineType: n2-standart-32, minCpuPlatform: Cascade Lake, topologyManager: single-numa-node}
    - {name: load, machineType: n2-standard-8, compactPlacement: true, nodes: {min: 3, max: 2}}
models: [{name: digits, source: digits.onnx, convert: {precision: fp16}}]
serving:
  - {name: one, model: digits, platform: kserve, nodePool: serve, drain: 5s, autoscale: {max: 4}}
extensions: [cert-manager]
"""
PROVIDER = """apiVersion: inferstack/v1
name: demo
cluster: {provider: gcp, project: x, nodePools: []}
"""
LEFTOVER = """apiVersion: inferstack/v1
name: demo
cluster: {provider: local, project: x}
"""
SHAPES = """apiVersion: inferstack/v2
models:
  digits: {source: digits.onnx}
serving: digits
benchmarks:
  - steady
cluster: local
traffic: [{name: a, split: [one, two]}]
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("structure", STRUCTURE), ("rules", RULES), ("gke", GKE), ("shapes", SHAPES), ("provider", PROVIDER),
        ("leftover", LEFTOVER), ("tab", "models:\n\t- name: digits\n"), ("quote", "name: 'demo\nmodels: []\n"),
        ("twice", GOOD + "models: []\n"), ("list", "- name: demo\n"), ("empty", ""),
        ("colon", "name: demo\nserving:\n  - name: one\n     model: digits\n"), ("nocolon", "name demo\nmodels: []\n"),
    ],
)  # fmt: skip
def test_what_a_newcomer_reads(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Callable[[str, str], None]
) -> None:
    a_file(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    golden(f"problems-{name}.txt", render_problems(problems(Path("spec.yaml"))).replace(str(tmp_path), "FOLDER"))


def test_colour_changes_nothing_but_colour() -> None:
    found = (Problem("SPEC010", "unknown key", Location("a.yaml", 1, 3, 4), "  key: 1", "Why.", "Do."),)
    painted = render_problems(found, colour=True)
    assert "\x1b[" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == render_problems(found)


def test_the_caret_stands_under_the_whole_token() -> None:
    found = Problem("SPEC010", "unknown key", Location("a.yaml", 12, 5, 6), "    thread: 2")
    lines = render_problems((found,)).splitlines()
    assert lines[2].index("thread") == lines[3].index("^^^^^^")


def test_a_long_line_is_shown_around_the_token() -> None:
    line = "x" * 500 + "token" + "y" * 500
    found = Problem("SPEC010", "odd", Location("a.yaml", 1, 501, 5), line)
    shown, caret = render_problems((found,)).splitlines()[2:4]
    assert len(shown) < 120
    assert shown[caret.index("^") :].startswith("token")


def test_a_value_from_the_command_line_names_the_option() -> None:
    text = render_problems((Problem("SPEC014", "wrong", origin="--set a=b"),))
    assert "--> --set a=b" in text


def test_json_has_every_part(tmp_path: Path) -> None:
    found = problems_json(problems(a_file(tmp_path, STRUCTURE)))
    assert json.loads(json.dumps(found)) == found
    assert found[0]["rule"] == "SPEC016"
    assert (found[0]["line"], found[0]["column"], found[0]["length"]) == (2, 7, 10)
    assert all(one["why"] and one["remedy"] for one in found)


@settings(deadline=None)
@given(st.text(max_size=200), st.integers(1, 300), st.integers(1, 300), st.booleans())
def test_any_line_and_place_can_be_shown(line: str, column: int, length: int, colour: bool) -> None:
    found = Problem("SPEC010", "odd", Location("a.yaml", 1, column, length), line, "why", "do")
    assert "odd" in render_problems((found,), colour)

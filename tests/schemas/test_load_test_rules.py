"""Rules of load tests at their edges."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.rules.load_tests import load_pool
from tests.schemas.spec_texts import HEAD, MODELS, a_file, loaded, problems, rules

SERVING = "serving: [{name: one, model: digits}, {name: two, model: digits, protocol: grpc}]\n"
GKE = """cluster:
  provider: gke
  project: my-project
  location: europe-west4-a
  nodePools: [{name: serving, machineType: n2-standard-8}, %s]
models: [{name: digits, source: gs://models/digits}]
serving: [{name: one, model: digits, platform: ovms, instances: {count: 1, cores: 1}}]
benchmarks: [{name: steady, targets: [one], load: {rate: 50/s}%s}]
"""


def here(folder: Path, benchmark: str) -> Path:
    return a_file(folder, f"{HEAD}{MODELS}{SERVING}benchmarks: [{{name: steady, {benchmark}}}]\n")


@pytest.mark.parametrize(
    "benchmark",
    [
        "targets: [one], tool: wrk, load: {clients: 4, connections: 8}",
        "targets: [one], tool: hey, load: {clients: 4}",
        "targets: [one], tool: vegeta, load: {rate: 12.5/s}",
        "targets: [two], tool: ghz, load: [{rate: 50/s}, {clients: 2}]",
        "targets: [one, two], protocol: v2, tool: locust, load: {clients: 2}",
        "targets: [one, two], load: {rate: 50/s, arrivals: poisson}",
    ],
)
def test_loads_that_a_tool_can_make_are_accepted(tmp_path: Path, benchmark: str) -> None:
    loaded(here(tmp_path, benchmark))


@pytest.mark.parametrize(
    ("benchmark", "rule"),
    [
        ("targets: [one], tool: hey, load: {rate: 50/s}", "LOAD001"),
        ("targets: [one], tool: vegeta, load: {clients: 2}", "LOAD001"),
        ("targets: [one], tool: vegeta, load: {rate: 50/s, arrivals: poisson}", "LOAD001"),
        ("targets: [two], tool: ghz, load: {rate: 12.5/s}", "LOAD001"),
        ("targets: [one], tool: ghz, load: {rate: 50/s}", "LOAD002"),
        ("targets: [one, two], tool: wrk, load: {clients: 2}", "LOAD002"),
        ("targets: [one], tool: hey, load: {clients: 4, connections: 8}", "LOAD005"),
        ("targets: [one], load: {rate: 50/s}, nodePool: loadtest", "LOAD005"),
    ],
)
def test_loads_that_a_tool_cannot_make_are_refused(tmp_path: Path, benchmark: str, rule: str) -> None:
    assert rules(problems(here(tmp_path, benchmark))) == [rule]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ("load: {rate: 1000000/s, duration: 1h}", "3,601,000,000 requests"),
        ("load: {rate: 10000000/s, duration: 1000h}", "requests, and may have 20,000,000 at most"),
        ("load: {rate: 1000/s, duration: 1s, warmup: 6h}", "21,601,000 requests"),
        ("load: {clients: 100000}", "100,000 clients are more than one generator keeps"),
        ("load: {rate: 5/s, connections: 100000}", "100,000 connections are more"),
        ("load: {clients: 1}, objective: {p99: 0ms}", "`p99` is zero"),
        ("load: {clients: 1}, objective: {p99.9: 0, errors: 0%}", "`p99.9` is zero"),
    ],
)
def test_loads_that_no_process_can_make_are_refused_where_they_stand(tmp_path: Path, fields: str, says: str) -> None:
    (found,) = problems(here(tmp_path, f"targets: [one], {fields}"))
    assert says in found.message
    assert found.location is not None
    assert found.source_line[found.location.column - 1 :].startswith(("1000", "0"))


@pytest.mark.parametrize(
    "load", ["{rate: 10000/s, duration: 30m}", "{clients: 16000}", "{rate: 1/s, connections: 16000}"]
)
def test_loads_that_one_process_can_make_are_accepted(tmp_path: Path, load: str) -> None:
    loaded(here(tmp_path, f"targets: [one], load: {load}"))


@pytest.mark.parametrize(
    ("pool", "fields", "chosen"),
    [
        ("{name: loadtest, machineType: n2-standard-8}", "", "loadtest"),
        ("{name: x, machineType: n2-standard-8, taints: [{key: loadtester}]}", "", "x"),
        ("{name: x, machineType: n2-standard-8}", ", nodePool: x", "x"),
    ],
)
def test_a_load_on_gke_has_a_pool(tmp_path: Path, pool: str, fields: str, chosen: str) -> None:
    spec = loaded(a_file(tmp_path, HEAD + GKE % (pool, fields))).spec
    found = load_pool(spec, spec.benchmarks[0])
    assert found is not None
    assert found.name == chosen


def test_a_pool_for_load_that_does_not_exist_suggests_one(tmp_path: Path) -> None:
    pool = "{name: loadtest, machineType: n2-standard-8}"
    (found,) = problems(a_file(tmp_path, HEAD + GKE % (pool, ", nodePool: loadtes")))
    assert "did you mean `loadtest`" in found.message


def test_a_pool_of_gke_means_nothing_on_another_cluster(tmp_path: Path) -> None:
    text = """cluster: {provider: kubernetes}
models: [{name: digits, source: gs://models/digits}]
serving: [{name: one, model: digits, platform: ovms, instances: {count: 1, cores: 1}}]
benchmarks: [{name: steady, targets: [one], load: {rate: 50/s}, nodePool: loadtest}]
"""
    assert "LOAD006" in rules(problems(a_file(tmp_path, HEAD + text)))

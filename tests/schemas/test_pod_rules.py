"""Rules of pods at their edges: what they let pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.schemas.spec_texts import HEAD, a_file, loaded, problems, rules

CLUSTER = """cluster: {provider: kubernetes, image: registry/inferstack:1}
extensions: [%s]
models: [{name: digits, source: digits.onnx}]
store: {type: pvc}
serving: [{name: one, model: digits, %s}]
"""


def text(fields: str, extensions: str = "") -> str:
    return HEAD + CLUSTER % (extensions, fields)


@pytest.mark.parametrize(
    "fields",
    [
        "platform: openvino, memory: 2GiB, drain: 30s, queue: {size: 8}, maxRequestSize: 1MiB, execution: bf16",
        "platform: ovms, image: registry/ovms:1, port: 80, grpcPort: 81, rolling: surge, spread: zone",
        "platform: openvino, hyperthreads: true",
        "platform: ovms, version: '2026.2', priority: 1000, disruption: {maxUnavailable: 1}, replicas: 1",
        "platform: ovms, priorityClass: high, disruption: {minAvailable: 1}, replicas: 2, exclusive: false",
        "platform: mlserver, image: registry/mlserver:1, nodeSelector: {tier: serving}, tolerations: [{key: model}]",
        "platform: ovms, clients: {namespaces: [team-b], cidrs: [10.0.0.0/8, 'fd00::/8', 10.1.2.3/32]}",
        "platform: ovms, autoscale: {min: 2, max: 4, metric: memory, average: 1.5}, disruption: {minAvailable: 1}",
        "platform: ovms, autoscale: {max: 4, metric: cpu, utilization: 60, stabilization: 1h}",
    ],
)
def test_groups_on_clusters_may_say_all_this(tmp_path: Path, fields: str) -> None:
    loaded(a_file(tmp_path, text(fields)))


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ("platform: openvino, version: '1.0'", "POD003"),
        ("platform: ovms, image: a, version: '2026.2'", "POD003"),
        ("platform: ovms, bindMemory: true", "POD002"),
        ("platform: ovms, cores: 0-3", "POD002"),
        ("platform: ovms, disruption: {minAvailable: 1, maxUnavailable: 1}", "POD005"),
        ("platform: ovms, autoscale: {max: 4}, disruption: {minAvailable: 1}", "POD005"),
        ("platform: ovms, autoscale: {max: 4, prometheus: 'http://p'}", "POD006"),
        ("platform: ovms, autoscale: {max: 4, stabilization: 61m}", "SERVE007"),
        ("platform: ovms, autoscale: {max: 4, stabilization: 500ms}", "SERVE007"),
        ("platform: ovms, clients: {cidrs: [10.0.0.0]}", "POD008"),
        ("platform: ovms, clients: {cidrs: [there]}", "POD008"),
        ("platform: openvino, env: {PYTHONPATH: /}", "POD009"),
        ("platform: ovms, grpcPort: 8000", "POD010"),
    ],
)
def test_groups_on_clusters_may_not_say_this(tmp_path: Path, fields: str, rule: str) -> None:
    assert rules(problems(a_file(tmp_path, text(fields)))) == [rule]


def test_requests_need_somebody_who_counts_them(tmp_path: Path) -> None:
    scale = "platform: ovms, autoscale: {max: 4, metric: requests, average: 100%s}"
    loaded(a_file(tmp_path, text(scale % "", "keda, kube-prometheus-stack")))
    loaded(a_file(tmp_path, text(scale % ", prometheus: 'http://p:9090'", "keda")))
    assert rules(problems(a_file(tmp_path, text(scale % "", "keda")))) == ["POD006"]
    assert rules(problems(a_file(tmp_path, text(scale % "")))) == ["POD006"]

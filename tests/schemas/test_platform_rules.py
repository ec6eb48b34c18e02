"""What KServe, Seldon Core and traffic take, beside what their rules refuse by example."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import SpecError
from schemas.load import load
from tests.schemas.spec_texts import HEAD, a_file, rules

MODEL = "models: [{name: digits, source: gs://models/digits}]\n"
ON_CLUSTER = f"{HEAD}cluster: {{provider: kubernetes}}\n{MODEL}"
TWO = "serving: [{name: one, model: digits, platform: ovms}, {name: two, model: digits, platform: ovms}]\n"


def broken(tmp_path: Path, text: str, before: str = ON_CLUSTER) -> set[str]:
    """Ids of the rules that a spec breaks."""
    try:
        load(a_file(tmp_path, before + text), sets=(), environ={})
    except SpecError as error:
        return set(rules(error.problems))
    return set()


@pytest.mark.parametrize(
    "group",
    [
        "platform: kserve, runtime: ovms",
        "platform: kserve, runtime: ovms, version: '2026.2', protocol: v1",
        "platform: kserve, runtime: ovms, autoscale: {max: 4, average: 0.5}",
        "platform: kserve, runtime: ovms, mode: knative, exclusive: false, canary: 10",
        "platform: kserve, runtime: ovms, mode: knative, exclusive: false,"
        " autoscale: {max: 4, metric: requests, average: 50}",
        "platform: seldon, runtime: ovms, executor: false, protocol: v2-binary",
        "platform: seldon, runtime: ovms, protocol: grpc, transport: grpc",
        "platform: seldon, runtime: ovms, autoscale: {max: 4, metric: memory, utilization: 70}",
        "platform: ovms, exclusive: false, mesh: true",
        "platform: ovms, image: 'docker.io/openvino/model_server:2026.2', protocol: v1",
        "platform: ovms, image: 'registry:5000/team/ovms:17', protocol: v1",
        "platform: ovms, priority: 1000000000",
    ],
)
def test_what_a_platform_takes_is_allowed(group: str, tmp_path: Path) -> None:
    assert broken(tmp_path, f"serving: [{{name: one, model: digits, {group}}}]\n") == set()


@pytest.mark.parametrize(
    ("group", "rule"),
    [
        ("platform: kserve, runtime: ovms, version: '2026.3', protocol: v1", "SERVE002"),
        ("platform: seldon, runtime: ovms, version: '2026.3', protocol: v1, executor: false", "SERVE002"),
        ("platform: ovms, image: 'docker.io/openvino/model_server:2026.3-gpu', protocol: v1", "SERVE002"),
        ("platform: ovms, image: openvino/model_server, protocol: v1", "SERVE002"),
        ("platform: ovms, image: 'registry:5000/serving:2027.1', protocol: v1", "SERVE002"),
        ("platform: seldon, protocol: v2-binary", "SERVE002"),
        ("platform: seldon, runtime: ovms, autoscale: {max: 4, stabilization: 1m}", "SELDON003"),
        ("platform: seldon, mode: standard", "KSERVE002"),
        ("platform: kserve, mode: knative, exclusive: false, mesh: true", "KSERVE006"),
        ("platform: kserve, runtime: ovms, version: newest", "KSERVE009"),
    ],
)
def test_what_a_platform_does_not_take_is_refused(group: str, rule: str, tmp_path: Path) -> None:
    assert rule in broken(tmp_path, f"serving: [{{name: one, model: digits, {group}}}]\n")


@pytest.mark.parametrize(
    "traffic",
    [
        "gatewayClass: istio",
        "gateway: shared/public, hostnames: [a.example.org], path: /digits",
        "gatewayClass: istio, hostnames: ['*.example.org'], tls: {issuer: letsencrypt, kind: Issuer}",
        "gatewayClass: istio, tls: {secret: wildcard}",
        "via: istio",
        "via: istio, gateway: istio-system/public",
        "gatewayClass: traefik, port: 8000",
        "via: istio, port: 8080",
    ],
)
def test_traffic_goes_by_any_gateway_that_is_named(traffic: str, tmp_path: Path) -> None:
    assert broken(tmp_path, f"{TWO}traffic: [{{name: all, split: {{one: 90, two: 10}}, {traffic}}}]\n") == set()


@pytest.mark.parametrize(
    ("traffic", "rule"),
    [
        ("gatewayClass: istio, gateway: shared/public", "TRAFFIC004"),
        ("via: istio, gatewayClass: istio", "TRAFFIC004"),
        ("gatewayClass: istio, tls: {kind: Issuer, secret: wildcard}", "TRAFFIC005"),
        ("gatewayClass: istio, tls: {}", "TRAFFIC005"),
        ("gateway: shared/public, tls: {secret: wildcard}", "TRAFFIC005"),
        ("gatewayClass: istio, mtls: true", "TRAFFIC007"),
        ("gateway: shared/public, port: 8000", "TRAFFIC012"),
    ],
)
def test_traffic_that_nothing_could_carry_is_refused(traffic: str, rule: str, tmp_path: Path) -> None:
    assert rule in broken(tmp_path, f"{TWO}traffic: [{{name: all, split: {{one: 90, two: 10}}, {traffic}}}]\n")


def test_seldon_splits_its_own_groups_once(tmp_path: Path) -> None:
    groups = TWO.replace("platform: ovms", "platform: seldon, runtime: ovms")
    one = "{name: all, via: platform, split: {one: 90, two: 10}}"
    assert broken(tmp_path, f"{groups}traffic: [{one}]\n") == set()
    again = "{name: again, via: platform, split: {one: 100}, path: /digits, hostnames: [a.example.org, b.example.org]}"
    assert broken(tmp_path, f"{groups}traffic: [{one}, {again}]\n") == {"TRAFFIC006"}


def test_on_gke_grpc_is_spread_by_istio_only(tmp_path: Path) -> None:
    cluster = f"{HEAD}cluster: {{provider: gke, project: my-project, location: europe-west4-a, nodePools: []}}\n{MODEL}"
    group = "serving: [{name: one, model: digits, platform: ovms, protocol: grpc}]\n"
    for traffic, refused in (
        ("gatewayClass: gke-l7-rilb", True),
        ("gatewayClass: istio", False),
        ("via: istio", False),
    ):
        text = f"{group}traffic: [{{name: all, split: {{one: 100}}, {traffic}}}]\n"
        assert ("TRAFFIC009" in broken(tmp_path, text, cluster)) is refused

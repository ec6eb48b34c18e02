"""What a plan says of gateways and meshes that it cannot see to."""

from __future__ import annotations

from typing import Any

from components.traffic.notes import notes
from schemas.spec import Spec, Tls, Traffic
from tests.components.serving.pods.pod_builders import a_group


def a_stack(mesh: bool = False, **traffic: Any) -> Spec:
    split = Traffic(name="all", split={"digits": 100}, **traffic)
    group = a_group(mesh=mesh, exclusive=not mesh)
    return Spec(api_version="inferstack/v1", name="demo", serving=(group,), traffic=(split,))


def test_a_class_that_nobody_knows_is_asked_for_its_namespace() -> None:
    assert notes(a_stack(gateway_class="eg"), {}) == (
        "all: a gateway of class eg reaches the groups from pods beside them; if it has a namespace of its own, "
        "say `gatewayNamespace`",
    )
    assert notes(a_stack(gateway_class="eg", gateway_namespace="envoy"), {}) == ()
    assert notes(a_stack(gateway_class="gke-l7-rilb"), {}) == ()


def test_a_secret_that_outlives_the_stack_is_told() -> None:
    secured = {"hostnames": ("a.example.org",), "tls": Tls(issuer="letsencrypt")}
    told = ("all: its key and certificate stay in istio-system when the stack is destroyed",)
    assert notes(a_stack(via="istio", **secured), {}) == notes(a_stack(via="platform", **secured), {}) == told
    assert notes(a_stack(gateway_class="istio", **secured), {}) == ()


def test_istio_of_somebody_else_is_told_what_the_namespace_demands() -> None:
    assert notes(a_stack(gateway_class="istio", mesh=True), {}) == ()
    assert notes(a_stack(gateway_class="istio", mesh=True), {"istio": "istio-system"}) == (
        "digits: Istio, which is somebody else's, needs its chart `cni` and the value `pilot.cni.enabled: true`",
    )

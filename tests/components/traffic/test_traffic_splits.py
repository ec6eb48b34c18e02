"""What spreads requests over serving groups, as objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import pulumi
import pytest
import yaml

from components.kubernetes.objects import Manifest
from components.serving.served import Served
from components.traffic.split import TrafficSplit, calling_namespaces, objects, urls
from schemas.spec import Tls, Traffic
from tests.components.cluster.recording import registered_by
from tests.components.serving.pods.pod_builders import a_home, only


def a_target(name: str = "one", **fields: Any) -> Served:
    basics = {
        "group": name,
        "platform": "openvino",
        "protocol": "v2",
        "model": "digits",
        "namespace": "team-a",
        "service": name,
        "rest_port": 8000,
        "grpc_port": 9000,
        "selector": {"app.kubernetes.io/name": name},
        "container": "openvino",
        "template": "t1",
        "replicas": 1,
        "cores": 1,
        "ready": cast(Any, None),
    }
    return Served(**{**basics, **fields})


def a_split(**fields: Any) -> Traffic:
    return Traffic(**{"name": "all", "split": {"one": 80, "two": 20}, "gateway_class": "istio", **fields})


def found(traffic: Traffic, *, gke: bool = False, **target: Any) -> list[Manifest]:
    targets = {name: a_target(name, **target) for name in traffic.split}
    return list(objects(traffic, targets, a_home(), gke=gke))


def as_yaml(manifests: list[Mapping[str, Any]]) -> str:
    return yaml.safe_dump_all(json.loads(json.dumps(manifests)), sort_keys=True, width=110)


SECURE = {"hostnames": ("models.example.org",), "path": "/digits", "tls": Tls(issuer="letsencrypt")}


def test_a_split_by_the_gateway_api_is_these_objects(golden: Callable[[str, str], None]) -> None:
    golden("gateway.yaml", as_yaml(found(a_split(**SECURE))))


def test_a_split_by_istio_is_these_objects(golden: Callable[[str, str], None]) -> None:
    golden("istio.yaml", as_yaml(found(a_split(via="istio", gateway_class=None, mtls=True, **SECURE))))


def test_a_gateway_of_gke_is_told_how_to_ask_for_health(golden: Callable[[str, str], None]) -> None:
    golden("gke.yaml", as_yaml(found(a_split(gateway_class="gke-l7-global-external-managed"), gke=True)))


def test_another_gateway_on_gke_reads_readiness_itself() -> None:
    kinds = {one["kind"] for one in found(a_split(), gke=True)}
    assert kinds == {"NetworkPolicy", "ConfigMap", "Gateway", "HTTPRoute"}


def test_everybody_may_call_the_pods_of_a_gateway_where_they_listen() -> None:
    spec = only(found(a_split(tls=Tls(secret="wildcard"))), "NetworkPolicy")["spec"]
    assert spec["podSelector"] == {"matchLabels": {"gateway.networking.k8s.io/gateway-name": "all"}}
    assert [port["port"] for port in spec["ingress"][0]["ports"]] == [443, 15021]
    assert only(found(a_split(gateway_class="eg")), "NetworkPolicy")["spec"]["ingress"] == [{}]


@pytest.mark.parametrize(("tls", "usual"), [(None, 80), (Tls(secret="wildcard"), 443)])
def test_a_gateway_listens_where_it_is_told_to(tls: Tls | None, usual: int) -> None:
    def ports(**fields: Any) -> tuple[int, int]:
        (listener,) = only(found(a_split(tls=tls, **fields)), "Gateway")["spec"]["listeners"]
        (server,) = only(found(a_split(tls=tls, via="istio", **fields)), "Gateway")["spec"]["servers"]
        return listener["port"], server["port"]["number"]

    assert ports() == (usual, usual)
    assert ports(port=8443) == (8443, 8443)
    policy = only(found(a_split(tls=tls, port=8443)), "NetworkPolicy")
    assert [one["port"] for one in policy["spec"]["ingress"][0]["ports"]] == [8443, 15021]
    assert urls(a_split(hostnames=("a.example.org",), port=8443), a_home()) == ("http://a.example.org:8443",)


def test_istio_makes_pods_of_a_gateway_that_keep_the_standard_of_the_namespace() -> None:
    manifests = found(a_split())
    parameters = only(manifests, "Gateway")["spec"]["infrastructure"]["parametersRef"]
    config = only(manifests, "ConfigMap")
    assert parameters == {"group": "", "kind": "ConfigMap", "name": config["metadata"]["name"]}
    template = json.loads(config["data"]["deployment"])["spec"]["template"]
    assert template["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert "infrastructure" not in only(found(a_split(gateway_class="eg")), "Gateway")["spec"]


def test_a_gateway_without_pods_of_ours_needs_no_policy() -> None:
    for gateway in ({"gateway_class": "gke-l7-rilb"}, {"gateway_class": None, "gateway": "shared/public"}):
        assert "NetworkPolicy" not in {one["kind"] for one in found(a_split(**gateway), gke=True)}


def test_a_gateway_that_exists_is_not_made_again() -> None:
    (route,) = found(a_split(gateway_class=None, gateway="shared/public"))
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public", "namespace": "shared"}
    assert route["spec"]["parentRefs"] == [parent]


def test_a_target_without_a_share_keeps_its_place_in_the_route() -> None:
    rule = only(found(a_split(split={"one": 100, "two": 0})), "HTTPRoute")["spec"]["rules"][0]
    assert [backend["weight"] for backend in rule["backendRefs"]] == [100, 0]


def test_grpc_is_spread_by_a_route_of_its_own() -> None:
    rule = only(found(a_split(), protocol="grpc"), "GRPCRoute")["spec"]["rules"][0]
    assert [backend["port"] for backend in rule["backendRefs"]] == [9000, 9000]
    assert "matches" not in rule


def test_a_certificate_that_is_there_is_not_made() -> None:
    manifests = found(a_split(tls=Tls(secret="wildcard")))
    (listener,) = only(manifests, "Gateway")["spec"]["listeners"]
    assert listener["tls"]["certificateRefs"][0]["name"] == "wildcard"
    assert "Certificate" not in {one["kind"] for one in manifests}


def test_istio_reads_the_certificate_beside_its_gateway() -> None:
    manifests = found(a_split(via="istio", gateway_class=None, **SECURE))
    metadata = only(manifests, "Certificate")["metadata"]
    assert (metadata["namespace"], metadata["name"]) == ("istio-system", "team-a-all")
    (server,) = only(manifests, "Gateway")["spec"]["servers"]
    assert server["tls"]["credentialName"] == only(manifests, "Certificate")["spec"]["secretName"]


def test_without_mutual_tls_the_mesh_decides_how_pods_are_called() -> None:
    manifests = found(a_split(via="istio", gateway_class=None))
    rules = [one for one in manifests if one["kind"] == "DestinationRule"]
    assert [rule["spec"]["trafficPolicy"] for rule in rules] == [{"loadBalancer": {"simple": "LEAST_REQUEST"}}] * 2
    assert not [one for one in manifests if one["kind"] == "PeerAuthentication"]


def test_a_split_by_the_platform_adds_the_gateway_alone() -> None:
    manifests = found(a_split(via="platform", gateway_class=None, **{**SECURE, "path": "/"}))
    assert [one["kind"] for one in manifests] == ["Certificate", "Gateway"]
    assert manifests[1]["spec"]["servers"][0]["tls"]["credentialName"] == manifests[0]["spec"]["secretName"]
    assert found(a_split(via="platform", gateway_class=None, gateway="istio-system/public")) == []


def test_clients_are_told_host_names_and_path() -> None:
    home = a_home()
    assert urls(a_split(**SECURE), home) == ("https://models.example.org/digits",)
    assert urls(a_split(hostnames=("a.example.org",)), home) == ("http://a.example.org",)
    assert urls(a_split(via="platform", hostnames=("a.example.org",)), home) == (
        "http://a.example.org/seldon/team-a/all",
    )
    assert urls(a_split(), home) == ()


def test_pods_let_in_the_gateways_that_call_them() -> None:
    shared = a_split(gateway_class=None, gateway="shared/public")
    assert calling_namespaces([a_split(), shared, a_split(via="istio")]) == ("istio-system", "shared")
    elsewhere = a_split(gateway_class="eg", gateway_namespace="envoy-gateway-system")
    assert calling_namespaces([elsewhere]) == ("envoy-gateway-system",)


def test_routes_are_made_after_the_gateway() -> None:
    routed: list[Any] = []

    def program() -> None:
        group = pulumi.CustomResource("kubernetes:apps/v1:Deployment", "one", {})
        targets = {name: a_target(name, ready=group) for name in ("one", "two")}
        routed.append(TrafficSplit(a_split(**SECURE), targets, a_home()).routed)

    kinds = {one.type.rpartition(":")[2] for one in registered_by(program)}
    assert kinds == {"Split", "Certificate", "Deployment", "NetworkPolicy", "ConfigMap", "Gateway", "HTTPRoute"}
    assert routed[0].urls == ("https://models.example.org/digits",)

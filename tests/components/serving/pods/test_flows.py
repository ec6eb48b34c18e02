"""Every way that a stack needs is open, and no other is: its policies together, as a cluster enforces them.

Controllers of KServe and Seldon Core ask the API server and no pod, and the executor calls its server inside the pod.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from components.extensions.neighbours import surroundings
from components.models.access import ModelAccess
from components.serving.pods import kserve, seldon, tenant
from components.traffic import certificate, gateway
from components.traffic.platform import letting_in
from schemas.spec import (
    Autoscale,
    Cluster,
    GkeCluster,
    KubernetesCluster,
    Network,
    Prometheus,
    Serving,
    Spec,
    Tls,
    Traffic,
)
from tests.components.extensions.builders import ANYWHERE, on_gke, planned
from tests.components.serving.pods import pod_builders
from tests.components.serving.pods.pod_builders import a_group, a_home, a_plan, an_access
from tests.components.serving.pods.policy_model import Peer, admitted

HOME = a_home()
SERVER = Peer(HOME.namespace, HOME.labels("digits", "serving"))
OTHER_GROUP = Peer(HOME.namespace, HOME.labels("digits-two", "serving"))
# A benchmark of the group's own name.
LOAD = Peer(HOME.namespace, HOME.labels("digits", "load"))
GATEWAY = Peer(HOME.namespace, {"gateway.networking.k8s.io/gateway-name": "all"})
STRANGER = Peer("elsewhere", {"app": "stranger"})
OUTSIDE = Peer(address="198.51.100.7")
MINIO = ModelAccess("digits", "k", "/m", (), (), lambda _: (), uri="s3://m", host="minio.minio.svc", ports=(80,))


@dataclass(frozen=True)
class Way:
    """A way of serving: where requests, and questions for metrics, reach its pods."""

    requests: tuple[int, ...]
    metrics: int
    fields: Mapping[str, Any]


WAYS: Mapping[str, Way] = {
    "openvino": Way((8000, 9000), 8000, {}),
    "ovms": Way((8000, 9000), 8000, {"platform": "ovms"}),
    "mlserver": Way((8000, 9000), 8000, {"platform": "mlserver", "image": "registry/mlserver:1"}),
    "mesh": Way((8000, 9000), 15020, {"exclusive": False, "mesh": True}),
    "kserve": Way((8000, 9000), 8000, {"platform": "kserve"}),
    "kserve-mesh": Way((8000, 9000), 8000, {"platform": "kserve", "exclusive": False, "mesh": True}),
    "knative": Way((8012,), 8000, {"platform": "kserve", "mode": "knative", "exclusive": False}),
    "seldon": Way((8000, 5001), 9000, {"platform": "seldon"}),
    "seldon-alone": Way((9000, 9500), 9000, {"platform": "seldon", "executor": False}),
}
PROMETHEUS = "kube-prometheus-stack"
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def policies(
    serving: Serving,
    *extensions: str,
    cluster: Cluster = ANYWHERE,
    access: ModelAccess | None = None,
    traffic: Traffic | None = None,
) -> list[Mapping[str, Any]]:
    """All policies of a stack with one group, derived from its spec as a plan derives them."""
    splits = (traffic,) if traffic else ()
    spec = Spec(api_version="inferstack/v1", name="demo", cluster=cluster, serving=(serving,), traffic=splits)
    around = letting_in(spec, surroundings(planned(*extensions, cluster=cluster), cluster))
    plan, found = a_plan(serving), access or an_access()
    match serving.platform:
        case "kserve":
            made = [*kserve.objects(serving, plan, found, HOME, around)[0]]
        case "seldon":
            made = [*seldon.needed(seldon.Part(serving, plan, found), HOME, around)]
        case _:
            made = [*pod_builders.manifests(serving, around, plan=plan, access=found)]
    doors = [make(one, HOME) for one in splits for make in (gateway.front_door, certificate.solver_door)]
    everything = [*tenant.limits(HOME, None), *made, *(door for door in doors if door)]
    return [one for one in everything if one["kind"] == "NetworkPolicy"]


def of(way: Way, *extensions: str, **more: Any) -> list[Mapping[str, Any]]:
    return policies(a_group(**way.fields), *extensions, **more)


def a_split(**fields: Any) -> Traffic:
    return Traffic(name="all", split={"digits": 100}, **fields)


@each_way
def test_a_load_test_of_the_groups_own_name_reaches_its_pods(way: Way) -> None:
    assert all(admitted(of(way), LOAD, SERVER, port) for port in way.requests)


@each_way
@pytest.mark.parametrize(("namespace", "port"), [("kube-system", 53), ("openshift-dns", 5353)])
def test_names_are_asked_for_and_answered(way: Way, namespace: str, port: int) -> None:
    resolver = Peer(namespace, {"app": "resolver"})
    assert all(admitted(of(way), SERVER, resolver, port, protocol) for protocol in ("UDP", "TCP"))


@each_way
def test_a_model_is_fetched_from_the_catalogues_minio_behind_its_service(way: Way) -> None:
    assert admitted(of(way, access=MINIO), SERVER, Peer("minio", {"v1.min.io/tenant": "minio"}), 9000)


@each_way
@pytest.mark.parametrize(("uri", "port"), [("gs://models/digits", 443), ("s3://models/digits", 443)])
def test_a_model_is_fetched_from_a_store_outside(way: Way, uri: str, port: int) -> None:
    assert admitted(of(way, access=an_access(uri=uri)), SERVER, OUTSIDE, port)


def test_pods_on_gke_ask_for_their_identity() -> None:
    found = of(WAYS["ovms"], access=an_access(uri="gs://models/digits"))
    assert admitted(found, SERVER, Peer(address="169.254.169.254"), 80)


@each_way
@pytest.mark.parametrize(
    ("extensions", "cluster", "collector"),
    [
        ((PROMETHEUS,), ANYWHERE, "monitoring"),
        ((), on_gke(), "gmp-system"),
        ((), KubernetesCluster(provider="kubernetes", prometheus=Prometheus(namespace="metrics")), "metrics"),
    ],
    ids=["ours", "managed", "stated"],
)
def test_metrics_are_asked_for_where_the_pods_have_them(
    way: Way, extensions: tuple[str, ...], cluster: Cluster, collector: str
) -> None:
    found = of(way, *extensions, cluster=cluster)
    assert admitted(found, Peer(collector), SERVER, way.metrics)
    assert not admitted(found, Peer(collector), SERVER, max(way.requests))


def test_a_prometheus_that_a_group_is_scaled_by_counts_its_requests() -> None:
    scale = Autoscale(max=4, metric="requests", average=10, prometheus="http://prometheus.monitoring.svc:9090")
    assert admitted(policies(a_group(autoscale=scale)), Peer("monitoring"), SERVER, 8000)


@pytest.mark.parametrize("port", [8012, 8112, 8022, 9090, 9091])
@pytest.mark.parametrize("extensions", [(), ("istio", "knative"), ("knative",)], ids=["none", "istio", "kourier"])
def test_knatives_activator_and_autoscaler_reach_its_proxies(port: int, extensions: tuple[str, ...]) -> None:
    assert admitted(of(WAYS["knative"], *extensions), Peer("knative-serving", {"app": "activator"}), SERVER, port)


@pytest.mark.parametrize("way", ["mesh", "kserve-mesh"])
def test_a_proxy_of_the_mesh_reaches_its_control_plane(way: str) -> None:
    istiod = Peer("istio-system", {"app": "istiod"})
    assert admitted(of(WAYS[way], "istio"), SERVER, istiod, 15012)
    assert not admitted(of(WAYS["openvino"], "istio"), SERVER, istiod, 15012)


@each_way
def test_clients_reach_a_gateway_of_istios_class_and_it_the_pods(way: Way) -> None:
    found = of(way, "istio", traffic=a_split(gateway_class="istio"))
    assert admitted(found, OUTSIDE, GATEWAY, 80)
    assert admitted(found, GATEWAY, Peer("istio-system", {"app": "istiod"}), 15012)
    assert all(admitted(found, GATEWAY, SERVER, port) for port in way.requests)
    assert not admitted(found, OUTSIDE, SERVER, way.requests[0])


@pytest.mark.parametrize("asking", [Peer("ingress-nginx"), Peer(address="35.191.0.9")], ids=["ingress", "google"])
def test_an_authority_that_gives_certificates_reaches_the_pod_that_answers_it(asking: Peer) -> None:
    solver = Peer(HOME.namespace, {"acme.cert-manager.io/http01-solver": "true"})
    secure = {"gateway_class": "eg", "hostnames": ("models.example.org",)}
    found = of(WAYS["openvino"], traffic=a_split(**secure, tls=Tls(issuer="letsencrypt")))
    assert admitted(found, asking, solver, 8089)
    assert not admitted(found, asking, solver, 8000)
    brought = of(WAYS["openvino"], traffic=a_split(**secure, tls=Tls(secret="wildcard")))
    assert not admitted(brought, asking, solver, 8089)


@each_way
@pytest.mark.parametrize(
    ("split", "namespace"),
    [
        ({"via": "istio"}, "istio-system"),
        ({"gateway_class": "eg", "gateway_namespace": "envoy-gateway-system"}, "envoy-gateway-system"),
        ({"gateway": "shared/public"}, "shared"),
        ({"via": "istio", "gateway": "ingress/public"}, "ingress"),
    ],
    ids=["istio", "envoy", "shared", "istio-elsewhere"],
)
def test_a_gateway_in_a_namespace_of_its_own_reaches_the_pods(way: Way, split: dict[str, Any], namespace: str) -> None:
    found = of(way, traffic=a_split(**split))
    assert all(admitted(found, Peer(namespace), SERVER, port) for port in way.requests)


@pytest.mark.parametrize(
    ("gateway_class", "caller"),
    [
        ("gke-l7-global-external-managed", "35.191.0.9"),
        ("gke-l7-rilb", "130.211.0.9"),
        ("gke-l7-rilb", "10.9.1.9"),
        ("gke-l7-regional-external-managed", "10.9.0.9"),
    ],
)
def test_googles_load_balancers_and_their_proxies_reach_the_pods(gateway_class: str, caller: str) -> None:
    found = of(WAYS["ovms"], cluster=on_gke(), traffic=a_split(gateway_class=gateway_class))
    assert admitted(found, Peer(address=caller), SERVER, 8000)


def test_proxies_of_a_network_of_others_reach_the_pods() -> None:
    cluster: GkeCluster = on_gke(network=Network(name="shared", proxies_cidr="10.20.0.0/23"))
    found = of(WAYS["ovms"], cluster=cluster, traffic=a_split(gateway="shared/public"))
    assert admitted(found, Peer(address="10.20.1.9"), SERVER, 8000)


@each_way
def test_nobody_else_reaches_the_pods_or_is_reached_by_them(way: Way) -> None:
    found = of(way, "istio", "knative", PROMETHEUS, access=MINIO, traffic=a_split(gateway_class="istio"))
    ports = {*way.requests, way.metrics, 8012, 8022, 9090, 15020}
    assert not any(admitted(found, one, SERVER, port) for one in (STRANGER, OUTSIDE) for port in ports)
    assert not any(admitted(found, SERVER, one, port) for one in (STRANGER, OUTSIDE) for port in (80, 443, 8000, 15012))


@each_way
def test_other_pods_of_the_namespace_are_reached_from_inside_alone(way: Way) -> None:
    found = of(way, "istio", traffic=a_split(gateway_class="istio"))
    assert not any(admitted(found, STRANGER, one, 8000) for one in (LOAD, OTHER_GROUP))


def test_a_load_test_calls_whom_it_must_whatever_its_name() -> None:
    assert admitted(of(WAYS["openvino"]), LOAD, OUTSIDE, 443)

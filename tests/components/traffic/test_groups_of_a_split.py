"""Serving groups of a stack, some of which their platform splits itself."""

from __future__ import annotations

from typing import Any

import pytest

from components.serving.pods.surroundings import Surroundings
from components.traffic.platform import letting_in, serve_groups
from schemas.spec import Autoscale, GkeCluster, Network, Spec, Traffic
from tests.components.cluster.recording import Registered, registered_by
from tests.components.serving.pods.pod_builders import a_group, a_home, a_plan, an_access

SPLIT = Traffic(name="both", via="platform", split={"new": 10, "old": 90})


def a_stack(**fields: Any) -> Spec:
    groups = (
        a_group(name="alone", platform="openvino"),
        a_group(name="old", platform="seldon"),
        a_group(name="new", platform="seldon"),
    )
    return Spec(**{"api_version": "inferstack/v1", "name": "demo", "serving": groups, "traffic": (SPLIT,), **fields})


def declared(spec: Spec) -> tuple[list[Any], list[Registered]]:
    """What the groups are to their clients, and what was registered."""
    served: list[Any] = []
    plans = {one.name: a_plan(one) for one in spec.serving}

    def program() -> None:
        served.extend(serve_groups(spec, plans, {"digits": an_access()}, a_home(), Surroundings()).values())

    return served, registered_by(program)


def test_groups_that_seldon_splits_are_one_deployment() -> None:
    served, registered = declared(a_stack())
    assert [one.group for one in served] == ["alone", "old", "new"]
    assert [one.name for one in registered if one.type.endswith(":SeldonDeployment")] == ["both"]


def test_groups_that_a_gateway_splits_are_declared_one_by_one() -> None:
    gateway = Traffic(name="both", split={"new": 10, "old": 90}, gateway_class="istio")
    _, registered = declared(a_stack(traffic=(gateway,)))
    assert [one.name for one in registered if one.type.endswith(":SeldonDeployment")] == ["new", "old"]


def test_pods_let_in_the_gateways_of_their_traffic_only() -> None:
    assert letting_in(a_stack(), Surroundings(gateways=("knative",))).gateways == ("istio-system", "knative")
    assert letting_in(a_stack(traffic=()), Surroundings()).gateways == ()


def test_pods_let_in_the_prometheus_that_they_are_scaled_by() -> None:
    scale = Autoscale(max=4, metric="requests", average=10, prometheus="http://prometheus.metrics.svc:9090")
    around = letting_in(a_stack(serving=(a_group(autoscale=scale),)), Surroundings(monitoring=("monitoring",)))
    assert around.monitoring == ("metrics", "monitoring")


BALANCERS = ("35.191.0.0/16", "130.211.0.0/22")


@pytest.mark.parametrize(
    ("gateway", "network", "ranges"),
    [
        ({"gateway_class": "gke-l7-global-external-managed"}, Network(), BALANCERS),
        ({"gateway_class": "gke-l7-rilb"}, Network(), (*BALANCERS, "10.9.0.0/23")),
        ({"gateway_class": "gke-l7-regional-external-managed"}, Network(), (*BALANCERS, "10.9.0.0/23")),
        ({"gateway_class": "gke-l7-rilb"}, Network(proxies_cidr="10.1.0.0/23"), (*BALANCERS, "10.1.0.0/23")),
        ({"gateway": "shared/public"}, Network(), BALANCERS),
        ({"gateway": "shared/public"}, Network(proxies_cidr="10.1.0.0/23"), (*BALANCERS, "10.1.0.0/23")),
        ({"gateway_class": "istio"}, Network(), ()),
    ],
)
def test_pods_on_gke_let_in_its_load_balancers(
    gateway: dict[str, str], network: Network, ranges: tuple[str, ...]
) -> None:
    cluster = GkeCluster(provider="gke", project="p", location="europe-west4-a", network=network)
    traffic = Traffic(name="all", split={"alone": 100}, **gateway)
    assert letting_in(a_stack(cluster=cluster, traffic=(traffic,)), Surroundings()).balancers == ranges


def test_load_balancers_of_google_are_let_in_on_gke_alone() -> None:
    traffic = Traffic(name="all", split={"alone": 100}, gateway="shared/public")
    assert letting_in(a_stack(traffic=(traffic,)), Surroundings()).balancers == ()

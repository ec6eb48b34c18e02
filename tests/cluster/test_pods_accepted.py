"""Every object of a serving group is one that the API server would create: no unknown field, no illegal value."""

from __future__ import annotations

from typing import Any

import pytest

from components.serving.pods import tenant as tenants
from components.serving.pods.surroundings import Surroundings
from schemas.spec import Autoscale, Clients, Disruption, Quota, Serving, Taint
from tests.cluster.kubectl import Kubectl
from tests.components.serving.pods.pod_builders import a_group, a_home, a_node, a_plan, manifests, only

EVERYTHING = {
    "replicas": 3,
    "memory_bytes": 3 * 2**30,
    "env": {"ONE": "1", "two.x": "y"},
    "rolling": "surge",
    "disruption": Disruption(min_available=2),
    "spread": "zone",
    "priority": 1000,
    "clients": Clients(namespaces=("team-b",), cidrs=("10.0.0.0/8", "fd00::/8")),
    "node_selector": {"tier": "serving"},
    "tolerations": (Taint(key="model", value="active"), Taint(key="spot", effect="NoExecute")),
    "port": 80,
    "grpc_port": 81,
    "drain_s": 0.5,
}
AROUND = Surroundings(
    scraping="pod-monitor", prometheus="http://prometheus.monitoring.svc:9090", monitoring=("monitoring",),
    gateways=("istio-system",),
)  # fmt: skip
SCALES = (
    Autoscale(min=2, max=4, metric="cpu", utilization=70),
    Autoscale(max=4, metric="cpu", average=0.75),
    Autoscale(max=4, metric="memory", average=1.5),
    Autoscale(max=4, metric="memory"),
    Autoscale(max=4, metric="requests", average=100.5),
)


def assert_accepted(kubectl: Kubectl, serving: Serving, in_namespace: str, around: Surroundings | None = None) -> None:
    plan = a_plan(serving, a_node(labels=dict(serving.node_selector or {})))
    for manifest in manifests(serving, around, home=a_home(namespace=in_namespace), plan=plan):
        kubectl.accepts(manifest)


@pytest.mark.parametrize("fields", [{}, {"exclusive": False}, EVERYTHING], ids=["usual", "shared", "everything"])
@pytest.mark.parametrize("platform", ["openvino", "ovms", "mlserver"])
def test_a_group_of_any_platform_is_accepted(
    kubectl: Kubectl, namespace: str, platform: str, fields: dict[str, Any]
) -> None:
    image = "registry/inferstack-mlserver:1.7.1" if platform == "mlserver" else None
    serving = a_group(platform=platform, image=image, **fields)
    assert_accepted(kubectl, serving, namespace, AROUND if fields else None)


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: f"{scale.metric}-{scale.average or scale.utilization}")
def test_an_autoscaler_of_any_metric_is_accepted(kubectl: Kubectl, namespace: str, scale: Autoscale) -> None:
    assert_accepted(kubectl, a_group(autoscale=scale), namespace, AROUND)


def test_a_tenant_with_a_quota_is_accepted(kubectl: Kubectl, namespace: str) -> None:
    closed, *others = tenants.limits(a_home(namespace=namespace), Quota(cpus=16, memory_bytes=64 * 2**30, pods=20))
    assert kubectl.get(closed["kind"], closed["metadata"]["name"], namespace)  # every test's namespace has it
    for manifest in others:
        kubectl.accepts(manifest)


def test_a_tenants_namespace_refuses_pods_below_the_standard_and_takes_ours(kubectl: Kubectl, namespace: str) -> None:
    standard = tenants.namespace(a_home(namespace=namespace))["metadata"]["labels"]
    kubectl("label", "namespace", namespace, *(f"{key}={value}" for key, value in standard.items()))
    template = only(manifests(a_group(), home=a_home(namespace=namespace)), "Deployment")["spec"]["template"]
    ours = a_pod(namespace, {**template["spec"], "initContainers": [], "serviceAccountName": "default"})
    kubectl.accepts(ours)
    spoiled = a_pod(namespace, {"containers": [{"name": "one", "image": "one"}]})
    with pytest.raises(AssertionError, match="restricted"):
        kubectl.accepts(spoiled)


def a_pod(in_namespace: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": in_namespace}, "spec": spec}

"""Who may call whom: network policies of groups, and what a stack's namespace allows."""

from __future__ import annotations

from typing import Any

import pytest

from components.serving.pods.surroundings import Surroundings
from components.serving.pods.tenant import Tenant, hard, limits, namespace
from schemas.spec import Clients, Quota, Serving
from tests.components.cluster.recording import registered_by
from tests.components.serving.pods.pod_builders import a_group, a_home, an_access, manifests, only


def policy(serving: Serving, around: Surroundings | None = None, **parts: Any) -> Any:
    return only(manifests(serving, around, **parts), "NetworkPolicy")["spec"]


def test_a_group_is_called_from_its_own_namespace_alone() -> None:
    spec = policy(a_group())
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert [rule["from"] for rule in spec["ingress"]] == [[{"podSelector": {}}]]


def test_the_spec_lets_other_namespaces_and_networks_call() -> None:
    clients = Clients(namespaces=("team-b",), cidrs=("10.0.0.0/8",))
    callers = policy(a_group(clients=clients))["ingress"][0]["from"]
    assert {"ipBlock": {"cidr": "10.0.0.0/8"}} in callers
    assert {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "team-b"}}} in callers


def test_gateways_may_call_and_collectors_of_metrics_only_where_metrics_are() -> None:
    ingress = policy(a_group(), Surroundings(monitoring=("monitoring",), gateways=("istio-system",)))["ingress"]
    labels = [{"kubernetes.io/metadata.name": name} for name in ("istio-system", "monitoring")]
    assert {"namespaceSelector": {"matchLabels": labels[0]}} in ingress[0]["from"]
    assert ingress[1]["from"] == [{"namespaceSelector": {"matchLabels": labels[1]}}]
    assert [port["port"] for port in ingress[1]["ports"]] == [8000]


@pytest.mark.parametrize(
    ("uri", "ports"),
    [
        ("pvc://models/one", []),
        ("", []),
        ("gs://bucket/one", [80, 443, 988]),
        ("s3://bucket/one", [80, 443, 8080, 9000]),
    ],
)
def test_pods_call_nobody_but_names_and_their_store(uri: str, ports: list[int]) -> None:
    egress = policy(a_group(), access=an_access(uri=uri))["egress"]
    assert sorted({port["port"] for rule in egress for port in rule["ports"]} - {53, 5353}) == ports


@pytest.mark.parametrize("host", ["minio.minio.svc", "minio.minio.svc.cluster.local"])
def test_a_store_inside_the_cluster_is_called_on_whatever_port_its_pods_listen(host: str) -> None:
    egress = policy(a_group(), access=an_access(host=host, ports=(80,)))["egress"]
    assert egress[1:] == [{"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "minio"}}}]}]


def test_a_store_outside_is_called_on_its_own_port_as_well() -> None:
    egress = policy(a_group(), access=an_access(host="minio.example.org", ports=(9443,)))["egress"]
    assert [port["port"] for port in egress[1]["ports"]] == [80, 443, 8080, 9000, 9443]


def test_a_proxy_of_the_mesh_asks_its_control_plane() -> None:
    egress = policy(a_group(mesh=True, exclusive=False), Surroundings(mesh="mesh"))["egress"]
    to = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "mesh"}}}]
    assert egress[-1] == {"to": to, "ports": [{"protocol": "TCP", "port": 15012}]}


def test_a_namespace_refuses_pods_below_the_standard() -> None:
    labels = namespace(a_home())["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_a_namespace_is_closed_and_has_the_quota_of_the_spec() -> None:
    kinds = [one["kind"] for one in limits(a_home(), Quota(cpus=8))]
    assert kinds == ["NetworkPolicy", "ResourceQuota", "LimitRange"]
    assert [one["kind"] for one in limits(a_home(), None)] == ["NetworkPolicy"]


def test_no_group_can_have_the_name_of_the_namespaces_policy() -> None:
    (closed,) = limits(a_home(), None)
    assert "." in closed["metadata"]["name"]


def test_a_quota_limits_what_it_names() -> None:
    assert hard(Quota(cpus=8, pods=10)) == {"requests.cpu": "8", "pods": "10"}
    assert hard(Quota(memory_bytes=2**30)) == {"requests.memory": "1073741824", "limits.memory": "1073741824"}


def test_everything_of_a_tenant_is_there_before_what_is_in_it() -> None:
    import pulumi

    def program() -> None:
        home = a_home(provider=pulumi.ProviderResource("kubernetes", "demo", {}))
        assert len(Tenant(home, Quota(pods=4)).home.needs) == 4

    made = {one.type.rpartition(":")[2] for one in registered_by(program)}
    assert made >= {"Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange"}


def test_a_namespace_of_others_is_used_and_stays_as_it_is() -> None:
    import pulumi

    def program() -> None:
        Tenant(a_home(provider=pulumi.ProviderResource("kubernetes", "demo", {})), None, found=True)

    assert "Namespace" not in {one.type.rpartition(":")[2] for one in registered_by(program)}

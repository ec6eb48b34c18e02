"""Who may call a group's pods, and whom they may call: nobody, but for what is listed here. Pure.

Calls come from the stack's own namespace, from gateways, from what collects metrics, and from whom the spec names; the
kubelet's probes are never held up. Pods themselves need names, and the model store where they fetch the model by
themselves; mounted volumes need no network of the pod's. In a mesh their proxies ask its control plane.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from components.kubernetes.objects import Home, Manifest
from components.kubernetes.services import namespace_of
from components.models.access import ModelAccess
from components.serving.pods.pod import selector
from components.serving.pods.server import GRPC_PORT, REST_PORT
from components.serving.pods.surroundings import Surroundings
from components.serving.pods.workload import metadata
from schemas.spec import Serving

Rule = dict[str, Any]

NAMESPACE: Final = "kubernetes.io/metadata.name"
# Where GKE's pods ask for their identity, before and behind its own address translation.
METADATA_SERVERS: Final = (("169.254.169.254/32", 80), ("169.254.169.252/32", 988))
# Where names are asked for, and where the pods of a resolver may listen behind that (OpenShift's do).
NAME_PORTS: Final = (53, 5353)
# Where stores of other networks listen that no port is known of.
WEB_PORTS: Final = (80, 443, 8080, 9000)
ISTIOD_PORT: Final = 15012
# Where a proxy of the mesh has the metrics of its pod, and tells those who read annotations so.
MERGED_METRICS_PORT: Final = 15020


@dataclass(frozen=True)
class Doors:
    """Where a group's pods are called.

    Attributes:
        requests: ports for clients and gateways.
        metrics: the port for collectors of metrics.
        platform: ports that the pods of a platform call, by the platform's namespace.
    """

    requests: tuple[int, ...] = (REST_PORT, GRPC_PORT)
    metrics: int = REST_PORT
    platform: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def network_policy(
    serving: Serving, access: ModelAccess, home: Home, around: Surroundings, doors: Doors | None = None
) -> Manifest:
    """The policy of a group's pods, which are called at these doors; the usual ones when absent."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(serving, home),
        "spec": {
            "podSelector": {"matchLabels": selector(serving, home)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": _ingress(serving, around, doors or Doors()),
            "egress": [_names(), *_store(access, home), *_mesh(serving, around)],
        },
    }


def _ingress(serving: Serving, around: Surroundings, doors: Doors) -> list[Rule]:
    namespaces = sorted({*serving.clients.namespaces, *around.gateways})
    callers: list[Rule] = [{"podSelector": {}}]
    callers += [_pods_of(name) for name in namespaces]
    callers += [{"ipBlock": {"cidr": cidr}} for cidr in (*serving.clients.cidrs, *around.balancers)]
    rules = [{"from": callers, "ports": _ports(*doors.requests)}]
    rules += [{"from": [_pods_of(name)], "ports": _ports(*ports)} for name, ports in doors.platform.items()]
    if around.monitoring:
        metrics = (doors.metrics, MERGED_METRICS_PORT) if serving.mesh else (doors.metrics,)
        rules.append({"from": [_pods_of(name) for name in around.monitoring], "ports": _ports(*metrics)})
    return rules


def _names() -> Rule:
    """Names are asked for anywhere: where a cluster's resolver listens is its own affair."""
    return {"ports": [{"protocol": protocol, "port": port} for port in NAME_PORTS for protocol in ("UDP", "TCP")]}


def _store(access: ModelAccess, home: Home) -> list[Rule]:
    """The way to the store, where init containers fetch the model.

    Policies see the ports of pods, which a Service translates its own to: to a Service's pods all of them are open.
    """
    scheme = access.uri.partition("://")[0] if "://" in access.uri else ""
    if inside := namespace_of(access.host, home.namespace):
        return [{"to": [_pods_of(inside)]}]
    match scheme:
        case "" | "pvc" if not access.ports:
            return []
        case "gs":
            servers = [{"to": [{"ipBlock": {"cidr": cidr}}], "ports": _ports(port)} for cidr, port in METADATA_SERVERS]
            return [{"ports": _ports(443)}, *servers]
        case _:
            return [{"ports": _ports(*sorted({*access.ports, *WEB_PORTS}))}]


def _mesh(serving: Serving, around: Surroundings) -> list[Rule]:
    """The way of a pod's proxy to the control plane, which gives it its certificate and its settings."""
    return [{"to": [_pods_of(around.mesh)], "ports": _ports(ISTIOD_PORT)}] if serving.mesh else []


def _pods_of(namespace: str) -> Rule:
    return {"namespaceSelector": {"matchLabels": {NAMESPACE: namespace}}}


def _ports(*ports: int) -> list[Rule]:
    return [{"protocol": "TCP", "port": port} for port in ports]

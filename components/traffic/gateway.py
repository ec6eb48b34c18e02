"""A traffic split by the Gateway API: a Gateway, and a route with weights. Pure.

Istio, and others, run a Gateway's proxies beside it, in the stack's namespace, which is closed: a policy opens these.

KServe 0.20 makes routes too, but without weights, so ours is the only one. GKE's load balancers do not read readiness
probes: they are told what to ask, or they would ask for `/`, which no model server has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.kubernetes.objects import Home, Manifest
from components.serving.served import Served
from components.traffic.certificate import metadata, secret_name
from schemas.spec import Traffic

GROUP: Final = "gateway.networking.k8s.io"
ISTIO: Final = "istio"
# Of load balancers outside of the cluster, which have no pods.
GKE: Final = "gke-"
# How pods of a Gateway are found (GEP-1762), and where load balancers before Istio's ask whether they are well.
OF_THE_GATEWAY: Final = f"{GROUP}/gateway-name"
HEALTH_PORT: Final = 15021
# What a route's status says once a gateway takes it and finds its targets.
CARRIED_OUT: Final = tuple(
    f'jsonpath={{.status.parents[0].conditions[?(@.type=="{type_}")].status}}=True'
    for type_ in ("Accepted", "ResolvedRefs")
)
USUAL_PORTS: Final = {"http": 80, "https": 443}


def gateway(traffic: Traffic, home: Home) -> Manifest | None:
    """The Gateway; None where the spec names one that exists. With a certificate it takes no plain HTTP."""
    if traffic.gateway is not None:
        return None
    listener: dict[str, Any] = {
        "name": "http",
        "port": port_of_gateway(traffic),
        "protocol": "HTTP",
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    }
    if traffic.tls is not None:
        tls = {
            "mode": "Terminate",
            "certificateRefs": [{"group": "", "kind": "Secret", "name": secret_name(traffic, home)}],
        }
        listener |= {"name": "https", "protocol": "HTTPS", "tls": tls}
    spec: dict[str, Any] = {"gatewayClassName": traffic.gateway_class, "listeners": [listener]}
    if own := pods(traffic, home):
        spec["infrastructure"] = {"parametersRef": {"group": "", "kind": "ConfigMap", "name": own["metadata"]["name"]}}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Gateway",
        "metadata": {**metadata(traffic, home), "annotations": {"pulumi.com/waitFor": "condition=Programmed"}},
        "spec": spec,
    }


def pods(traffic: Traffic, home: Home) -> Manifest | None:
    """What Istio's pods of a Gateway that is made shall have besides; None where there are none.

    The stack's namespace demands the `restricted` standard, which Istio keeps but for this, whoever has installed it.
    https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/#automated-deployment
    """
    if traffic.gateway is not None or traffic.gateway_class != ISTIO:
        return None
    template = {"spec": {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(traffic, home),
        "data": {"deployment": json.dumps({"spec": {"template": template}})},
    }


def front_door(traffic: Traffic, home: Home) -> Manifest | None:
    """What lets everybody call the pods of a Gateway that is made; None where it can have none.

    Istio's proxies listen on the Gateway's own port; those of other classes where their Services lead.
    """
    if traffic.gateway is not None or (traffic.gateway_class or "").startswith(GKE):
        return None
    ports = [{"protocol": "TCP", "port": port} for port in (port_of_gateway(traffic), HEALTH_PORT)]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(traffic, home),
        "spec": {
            "podSelector": {"matchLabels": {OF_THE_GATEWAY: traffic.name}},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": ports} if traffic.gateway_class == ISTIO else {}],
        },
    }


def route(traffic: Traffic, targets: Mapping[str, Served], home: Home) -> Manifest:
    """The route: an HTTPRoute, or a GRPCRoute where the targets speak gRPC."""
    grpc = any(target.protocol == "grpc" for target in targets.values())
    rule: dict[str, Any] = {"backendRefs": [_backend(targets[name], share) for name, share in traffic.split.items()]}
    if not grpc:
        rule["matches"] = [{"path": {"type": "PathPrefix", "value": traffic.path}}]
        if traffic.path != "/":
            replaced = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}
            rule["filters"] = [{"type": "URLRewrite", "urlRewrite": replaced}]
    spec: dict[str, Any] = {"parentRefs": [_parent(traffic)], "rules": [rule]}
    if traffic.hostnames:
        spec["hostnames"] = list(traffic.hostnames)
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "GRPCRoute" if grpc else "HTTPRoute",
        "metadata": {**metadata(traffic, home), "annotations": {"pulumi.com/waitFor": json.dumps(CARRIED_OUT)}},
        "spec": spec,
    }


def health_checks(traffic: Traffic, targets: Mapping[str, Served], home: Home) -> Sequence[Manifest]:
    """What GKE's load balancers ask the pods of each target."""
    return [
        {
            "apiVersion": "networking.gke.io/v1",
            "kind": "HealthCheckPolicy",
            "metadata": metadata(traffic, home, f"{traffic.name}-{name}"),
            "spec": {
                "default": {
                    "checkIntervalSec": 5,
                    "timeoutSec": 5,
                    "config": {"type": "HTTP", "httpHealthCheck": {"requestPath": _health(targets[name])}},
                },
                "targetRef": {"group": "", "kind": "Service", "name": targets[name].service},
            },
        }
        for name in traffic.split
    ]


def port_of_gateway(traffic: Traffic) -> int:
    """Where a Gateway that is made listens."""
    return traffic.port or USUAL_PORTS[scheme(traffic)]


def scheme(traffic: Traffic) -> str:
    """How clients call a split: with a certificate there is no plain HTTP."""
    return "http" if traffic.tls is None else "https"


def port_of(target: Served) -> int:
    """The port that requests of the target's protocol go to."""
    return target.grpc_port if target.protocol == "grpc" and target.grpc_port else target.rest_port


def _backend(target: Served, share: int) -> dict[str, Any]:
    return {"group": "", "kind": "Service", "name": target.service, "port": port_of(target), "weight": share}


def _health(target: Served) -> str:
    return target.health or f"/v2/models/{target.model}/ready"


def _parent(traffic: Traffic) -> dict[str, str]:
    namespace, _, name = (traffic.gateway or traffic.name).rpartition("/")
    return {"group": GROUP, "kind": "Gateway", "name": name, **({"namespace": namespace} if namespace else {})}

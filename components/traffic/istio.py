"""A traffic split by Istio: a Gateway, a VirtualService with weights, and a DestinationRule for each target. Pure.

Istio's gateway runs in a namespace of its own, and reads certificates there. Mutual TLS is asked of the targets' pods,
which then refuse everybody without a proxy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.kubernetes.objects import Home, Manifest
from components.serving.served import Served
from components.traffic.certificate import metadata, secret_name
from components.traffic.gateway import port_of, port_of_gateway
from schemas.spec import Traffic

# Where the catalogue's extension puts the gateway, and how its pods are found.
NAMESPACE: Final = "istio-system"
SELECTOR: Final[Mapping[str, str]] = {"istio": "ingressgateway"}


def gateway(traffic: Traffic, home: Home) -> Manifest | None:
    """Istio's Gateway; None where the spec names one that exists. With a certificate it takes no plain HTTP."""
    if traffic.gateway is not None:
        return None
    server: dict[str, Any] = {
        "hosts": list(traffic.hostnames) or ["*"],
        "port": {"name": "http", "number": port_of_gateway(traffic), "protocol": "HTTP"},
    }
    if traffic.tls is not None:
        server["port"] |= {"name": "https", "protocol": "HTTPS"}
        server["tls"] = {"mode": "SIMPLE", "credentialName": secret_name(traffic, home, NAMESPACE)}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": metadata(traffic, home),
        "spec": {"selector": dict(SELECTOR), "servers": [server]},
    }


def virtual_service(traffic: Traffic, targets: Mapping[str, Served], home: Home) -> Manifest:
    """The VirtualService: what is for these hosts and this path goes to the targets by their shares."""
    route: dict[str, Any] = {
        "route": [
            {"destination": {"host": host(targets[name]), "port": {"number": port_of(targets[name])}}, "weight": share}
            for name, share in traffic.split.items()
        ]
    }
    if traffic.path != "/":
        route |= {"match": [{"uri": {"prefix": f"{traffic.path}/"}}], "rewrite": {"uri": "/"}}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": metadata(traffic, home),
        "spec": {
            "hosts": list(traffic.hostnames) or ["*"],
            "gateways": [traffic.gateway or traffic.name],
            "http": [route],
        },
    }


def destination_rules(traffic: Traffic, targets: Mapping[str, Served], home: Home) -> Sequence[Manifest]:
    """How each target is called: the pod with the fewest open requests first, by mutual TLS where it is asked for.

    Where it is not, the mesh decides: its own rule may demand mutual TLS of every pod with a proxy.
    """
    secured = {"tls": {"mode": "ISTIO_MUTUAL"}} if traffic.mtls else {}
    return [
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "DestinationRule",
            "metadata": metadata(traffic, home, f"{traffic.name}-{name}"),
            "spec": {
                "host": host(targets[name]),
                "trafficPolicy": {"loadBalancer": {"simple": "LEAST_REQUEST"}, **secured},
            },
        }
        for name in traffic.split
    ]


def peer_authentications(traffic: Traffic, targets: Mapping[str, Served], home: Home) -> Sequence[Manifest]:
    """What makes the pods of each target take requests over mutual TLS only."""
    return [
        {
            "apiVersion": "security.istio.io/v1",
            "kind": "PeerAuthentication",
            "metadata": metadata(traffic, home, f"{traffic.name}-{name}"),
            "spec": {"selector": {"matchLabels": dict(targets[name].selector)}, "mtls": {"mode": "STRICT"}},
        }
        for name in traffic.split
        if traffic.mtls
    ]


def host(target: Served) -> str:
    """The target's whole name in the cluster's DNS, as the mesh knows it."""
    return f"{target.host}.cluster.local"

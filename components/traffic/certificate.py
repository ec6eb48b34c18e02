"""The certificate of a traffic split, made by cert-manager or brought along. Pure.

It lies beside the gateway that shows it: in the stack's own namespace, or in that of a gateway which stacks share, and
there it bears the namespace of its stack in its name.
"""

from __future__ import annotations

from typing import Final

from components.kubernetes.objects import Home, Manifest
from schemas.spec import Traffic

COMPONENT = "traffic"
# How the pods are found that answer a certificate authority for cert-manager, beside the certificate, and where:
# https://cert-manager.io/docs/configuration/acme/http01/
SOLVER: Final = {"acme.cert-manager.io/http01-solver": "true"}
SOLVER_PORT: Final = 8089


def metadata(traffic: Traffic, home: Home, name: str = "") -> dict[str, object]:
    """Name, namespace and labels of a split's object; its name is the split's unless stated."""
    return {
        "name": name or traffic.name,
        "namespace": home.namespace,
        "labels": home.labels(traffic.name, COMPONENT),
    }


def secret_name(traffic: Traffic, home: Home, shared: str = "") -> str:
    """The Secret that holds the certificate; `shared` is the namespace of a gateway that stacks share."""
    return (traffic.tls and traffic.tls.secret) or f"{_name(traffic, home, shared)}-tls"


def certificate(traffic: Traffic, home: Home, shared: str = "") -> Manifest | None:
    """cert-manager's Certificate for the host names; None where there is no TLS, or the Secret is somebody else's."""
    if traffic.tls is None or traffic.tls.issuer is None:
        return None
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {
            **metadata(traffic, home, _name(traffic, home, shared)),
            "namespace": shared or home.namespace,
            "annotations": {"pulumi.com/waitFor": "condition=Ready"},
        },
        "spec": {
            "secretName": secret_name(traffic, home, shared),
            "dnsNames": list(traffic.hostnames),
            "issuerRef": {"group": "cert-manager.io", "kind": traffic.tls.kind, "name": traffic.tls.issuer},
            # Some clients refuse a certificate that does not say that it is a server's; a key of this kind signs only.
            "usages": ["digital signature", "server auth"],
            # A new key with each certificate: one that was read once is of no use for long.
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        },
    }


def solver_door(traffic: Traffic, home: Home) -> Manifest | None:
    """What lets whatever gateway an issuer leads through call the pods that prove whose host names these are.

    None where cert-manager makes no certificate in the stack's namespace, which is closed.
    """
    if traffic.tls is None or traffic.tls.issuer is None:
        return None
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(traffic, home, f"{traffic.name}.acme"),
        "spec": {
            "podSelector": {"matchLabels": dict(SOLVER)},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": SOLVER_PORT}]}],
        },
    }


def _name(traffic: Traffic, home: Home, shared: str) -> str:
    return f"{home.namespace}-{traffic.name}" if shared else traffic.name

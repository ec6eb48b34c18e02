"""Requests of one name spread over serving groups."""

from collections.abc import Mapping
from typing import Annotated, Literal

from schemas.record import record
from schemas.spec.fields import Name, Pattern, Percentage, Port, item, where

Hostname = Annotated[
    str,
    Pattern(
        r"^([*][.])?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$",
        "a host name such as models.example.org",
    ),
]
UrlPath = Annotated[str, Pattern(r"^/([-._~A-Za-z0-9]+(/[-._~A-Za-z0-9]+)*)?$", "a path such as /digits")]
Reference = Annotated[
    str, Pattern(r"^([a-z0-9][-a-z0-9]{0,62}/)?[a-z0-9][-a-z0-9]{0,62}$", "NAME, or NAMESPACE/NAME of an object")
]


@record(kw_only=True)
class Tls:
    """The certificate that clients of a traffic split see."""

    issuer: Name | None = item("Issuer of cert-manager that makes the certificate.", default=None)
    kind: Literal["ClusterIssuer", "Issuer"] = item("Kind of the issuer.", default="ClusterIssuer")
    secret: Name | None = item(
        "Secret with the certificate; without `issuer` it must be there already. NAME-tls when absent.", default=None
    )


@record(kw_only=True)
class Traffic:
    """Requests of one name spread over several serving groups."""

    name: Name = item("Name, also that of the objects that spread the requests.")
    split: Mapping[str, Percentage] = item("Share of each serving group, in percent; 100 together.")
    via: Literal["gateway", "istio", "platform"] = item(
        "What spreads them: a route of the Gateway API, Istio, or the groups' own platform (Seldon Core).",
        default="gateway",
    )
    gateway_class: str | None = item(
        "Class of the Gateway to make, for example istio or, on GKE, gke-l7-regional-external-managed.", default=None
    )
    gateway: Reference | None = item("A Gateway that exists, instead of making one.", default=None)
    gateway_namespace: Name | None = item(
        "Namespace of the gateway's pods where it is neither Istio's nor that of the Gateway, for example "
        "envoy-gateway-system; they may then call the groups.",
        default=None,
    )
    port: Port | None = item(
        "Port of the Gateway to make; 80, or 443 with `tls`, when absent. Traefik knows its own only, 8000 and 8443 "
        "where its chart has installed it.",
        default=None,
    )
    hostnames: tuple[Hostname, ...] = item("Host names that clients use; any when empty.", default=())
    path: UrlPath = item("Path before those of the protocol, for example /digits.", default="/")
    tls: Tls | None = item("Certificate; plain HTTP when absent.", default=None)
    mtls: bool = item("Istio: take requests over mutual TLS only.", default=False)
    at: str = where()

"""A traffic split as a component: the objects that spread requests, and where clients find them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

import pulumi

from components.kubernetes.objects import Home, Manifest, declare
from components.serving.served import Served
from components.traffic import gateway, istio
from components.traffic.certificate import certificate, solver_door
from schemas.gateways import proxies_of
from schemas.spec import GkeCluster, Spec, Traffic

TYPE: Final = "inferstack:traffic:Split"
# Whence GKE's load balancers pass requests on and ask for health:
# https://cloud.google.com/load-balancing/docs/health-check-concepts#ip-ranges
GKE_LOAD_BALANCERS: Final = ("35.191.0.0/16", "130.211.0.0/22")


@dataclass(frozen=True)
class Routed:
    """A split as its clients see it: `urls` are empty where only the gateway's address is known, once it has one."""

    name: str
    urls: tuple[str, ...]
    ready: pulumi.Resource


class TrafficSplit(pulumi.ComponentResource):
    """The objects of a split; `routed` says where it is."""

    def __init__(self, traffic: Traffic, targets: Mapping[str, Served], home: Home, *, gke: bool = False) -> None:
        """Declare them.

        Args:
            targets: the serving groups by name, those of the split among them. Of `via: platform` they are predictors
                of one SeldonDeployment already (`serving.pods.seldon.serve_together`), and the gateway is added.
            gke: whether the cluster is GKE's.
        """
        needs = [targets[name].ready for name in traffic.split]
        super().__init__(TYPE, traffic.name, {}, pulumi.ResourceOptions(depends_on=[*home.needs, *needs]))
        made: list[pulumi.Resource] = []
        for manifest in objects(traffic, targets, home, gke=gke):
            made.append(declare(manifest, home, parent=self, needs=[*needs, *made]))
        self.routed = Routed(traffic.name, urls(traffic, home), made[-1] if made else needs[0])
        self.register_outputs({"urls": list(self.routed.urls)})


def objects(traffic: Traffic, targets: Mapping[str, Served], home: Home, *, gke: bool = False) -> Sequence[Manifest]:
    """The objects of a split in the order in which they are made: routes come last. Pure."""
    match traffic.via:
        case "gateway":
            checked = gke and (traffic.gateway_class or gateway.GKE).startswith(gateway.GKE)
            found = (
                solver_door(traffic, home),
                certificate(traffic, home),
                gateway.front_door(traffic, home),
                gateway.pods(traffic, home),
                gateway.gateway(traffic, home),
                *(gateway.health_checks(traffic, targets, home) if checked else ()),
                gateway.route(traffic, targets, home),
            )
        case "istio":
            found = (
                certificate(traffic, home, istio.NAMESPACE),
                istio.gateway(traffic, home),
                *istio.destination_rules(traffic, targets, home),
                *istio.peer_authentications(traffic, targets, home),
                istio.virtual_service(traffic, targets, home),
            )
        case "platform":
            found = (certificate(traffic, home, istio.NAMESPACE), istio.gateway(traffic, home))
        case _:
            assert_never(traffic.via)
    return [one for one in found if one is not None]


def urls(traffic: Traffic, home: Home) -> tuple[str, ...]:
    """Where clients find a split by its host names; Seldon's own path is that of its routes."""
    path = f"/seldon/{home.namespace}/{traffic.name}" if traffic.via == "platform" else traffic.path.rstrip("/")
    port = f":{traffic.port}" if traffic.port else ""
    return tuple(f"{gateway.scheme(traffic)}://{host}{port}{path}" for host in traffic.hostnames)


def calling_namespaces(splits: Sequence[Traffic]) -> tuple[str, ...]:
    """Namespaces of the gateways that pass requests on, other than the stack's own: its pods must let them in."""
    found: set[str] = set()
    for traffic in splits:
        stated = traffic.gateway_namespace or (traffic.gateway or "").rpartition("/")[0]
        found |= {istio.NAMESPACE} if traffic.via in ("istio", "platform") else set()
        found |= {stated} if stated else set()
    return tuple(sorted(found))


def calling_ranges(spec: Spec) -> tuple[str, ...]:
    """Addresses of the load balancers that pass requests on from outside of the cluster, and of their proxies."""
    entered = any(traffic.via == "gateway" and (traffic.gateway_class or gateway.GKE).startswith(gateway.GKE)
                  for traffic in spec.traffic)  # fmt: skip
    if not (entered and isinstance(spec.cluster, GkeCluster)):
        return ()
    proxies = proxies_of(spec)
    return (*GKE_LOAD_BALANCERS, proxies) if proxies else GKE_LOAD_BALANCERS

"""GKE's regional load balancers: proxies with addresses of their own in the cluster's network. Pure.

They need a subnetwork that nothing else uses, and call pods from it:
https://cloud.google.com/load-balancing/docs/proxy-only-subnets
"""

from __future__ import annotations

from typing import Final

from schemas.spec import GkeCluster, Spec, Traffic

REGIONAL: Final = ("gke-l7-rilb", "gke-l7-regional-external-managed")
"""Gateway classes of such load balancers; those of several clusters have `-mc` behind their names."""

USUAL: Final = "10.9.0.0/23"


def is_regional(traffic: Traffic) -> bool:
    """Whether a split's gateway is made of such a class."""
    return (traffic.gateway_class or "").removesuffix("-mc") in REGIONAL


def proxies_of(spec: Spec) -> str:
    """The addresses of such proxies: as stated, else the usual ones where there are any; empty without."""
    if not isinstance(spec.cluster, GkeCluster):
        return ""
    usual = USUAL if any(map(is_regional, spec.traffic)) else ""
    return spec.cluster.network.proxies_cidr or usual

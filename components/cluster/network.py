"""The network of a GKE cluster: subnetwork with ranges for pods and services, NAT, and firewall for private nodes.

What exists already is used as it is: an existing network gets a subnetwork and no NAT unless the spec asks for one (its
owner decides how it reaches the internet), an existing subnetwork gets nothing. Regional gateways find their proxies'
subnetwork in an existing network, which has one for everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from components.cluster.gcp import GcpResource
from components.cluster.machines import region_of
from schemas.spec import GkeCluster, Network

PODS_RANGE: Final = "pods"
SERVICES_RANGE: Final = "services"
# Where the webhooks of extensions listen: Seldon Core, KEDA, Knative, KServe, Istio. GKE itself lets the control plane
# of a private cluster reach ports 443 and 10250 of its nodes and no other.
WEBHOOK_PORTS: Final = ("4443", "6443", "8443", "9443", "15017")


@dataclass(frozen=True)
class ClusterNetwork:
    """What a cluster needs to know of its network; `resources` must exist before it."""

    network: pulumi.Input[str]
    subnetwork: pulumi.Input[str]
    ip_allocation: Mapping[str, str]
    resources: tuple[pulumi.Resource, ...]


def cluster_network(
    cluster: GkeCluster, name: str, opts: pulumi.ResourceOptions, *, proxies: str = ""
) -> ClusterNetwork:
    """Declare the network of a cluster.

    Args:
        name: the cluster's.
        proxies: addresses of the proxies of regional gateways; empty without.
    """
    spec, project = cluster.network, cluster.project
    made: list[pulumi.Resource] = []
    network: pulumi.Input[str] = spec.name or ""
    if not spec.name:
        props = {"name": name, "project": project, "autoCreateSubnetworks": False, "routingMode": "REGIONAL"}
        own = GcpResource("gcp:compute/network:Network", f"{name}-network", props, opts, outputs=("selfLink",))
        network = own.output("selfLink")
        made.append(own)
    subnetwork: pulumi.Input[str] = spec.subnetwork or ""
    if not spec.subnetwork:
        below = _subnetwork(cluster, name, network, opts)
        subnetwork = below.output("selfLink")
        made.append(below)
    if proxies and not spec.name:
        made.append(_proxies(cluster, name, network, proxies, opts))
    if spec.control_plane_cidr and not spec.name:
        made.append(_webhooks(cluster, name, network, opts))
    if needs_nat(spec):
        made.append(_nat(cluster, name, network, opts))
    return ClusterNetwork(network, subnetwork, ip_allocation(spec), tuple(made))


def needs_nat(spec: Network) -> bool:
    """Whether a NAT is made: nodes without public addresses reach the internet through nothing else.

    Beside public nodes as well: those of a cluster that was private may have no public address yet.
    """
    made_here = not spec.name and not spec.subnetwork
    return spec.nat if spec.nat is not None else made_here


def ip_allocation(spec: Network) -> dict[str, str]:
    """Where pods and services have their addresses: ranges of the subnetwork by name, else ranges for GKE to make."""
    if not spec.subnetwork:
        return {"clusterSecondaryRangeName": PODS_RANGE, "servicesSecondaryRangeName": SERVICES_RANGE}
    pods = {"clusterSecondaryRangeName": spec.pods_range} if spec.pods_range else {}
    services = {"servicesSecondaryRangeName": spec.services_range} if spec.services_range else {}
    return {
        **(pods or {"clusterIpv4CidrBlock": spec.pods_cidr}),
        **(services or {"servicesIpv4CidrBlock": spec.services_cidr}),
    }


def _subnetwork(
    cluster: GkeCluster, name: str, network: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> GcpResource:
    spec = cluster.network
    props = {
        "name": name,
        "project": cluster.project,
        "region": region_of(cluster.location),
        "network": network,
        "ipCidrRange": spec.nodes_cidr,
        "secondaryIpRanges": [
            {"rangeName": PODS_RANGE, "ipCidrRange": spec.pods_cidr},
            {"rangeName": SERVICES_RANGE, "ipCidrRange": spec.services_cidr},
        ],
        # Private nodes reach Google's registries and buckets without the NAT.
        "privateIpGoogleAccess": True,
    }
    token = "gcp:compute/subnetwork:Subnetwork"
    return GcpResource(token, f"{name}-subnetwork", props, opts, outputs=("selfLink",))


def _proxies(
    cluster: GkeCluster, name: str, network: pulumi.Input[str], cidr: str, opts: pulumi.ResourceOptions
) -> GcpResource:
    """What the proxies of regional load balancers have their addresses in, and nothing else."""
    props = {
        "name": f"{name}-proxies",
        "project": cluster.project,
        "region": region_of(cluster.location),
        "network": network,
        "ipCidrRange": cidr,
        "purpose": "REGIONAL_MANAGED_PROXY",
        "role": "ACTIVE",
    }
    return GcpResource("gcp:compute/subnetwork:Subnetwork", f"{name}-proxies", props, opts)


def _webhooks(cluster: GkeCluster, name: str, network: pulumi.Input[str], opts: pulumi.ResourceOptions) -> GcpResource:
    """Let the control plane reach the webhooks of extensions."""
    props = {
        "name": f"{name}-webhooks",
        "project": cluster.project,
        "network": network,
        "description": "The control plane asks the webhooks of extensions",
        "direction": "INGRESS",
        "sourceRanges": [cluster.network.control_plane_cidr],
        "allows": [{"protocol": "tcp", "ports": list(WEBHOOK_PORTS)}],
    }
    return GcpResource("gcp:compute/firewall:Firewall", f"{name}-webhooks", props, opts)


def _nat(cluster: GkeCluster, name: str, network: pulumi.Input[str], opts: pulumi.ResourceOptions) -> GcpResource:
    common: dict[str, Any] = {"name": name, "project": cluster.project, "region": region_of(cluster.location)}
    router = GcpResource("gcp:compute/router:Router", f"{name}-router", {**common, "network": network}, opts)
    props = {
        **common,
        "router": router.output("name"),
        "natIpAllocateOption": "AUTO_ONLY",
        "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
    }
    return GcpResource("gcp:compute/routerNat:RouterNat", f"{name}-nat", props, opts)

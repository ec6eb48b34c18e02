"""The network of a GKE cluster: subnetwork with ranges for pods and services, router and NAT for private nodes.

What exists already is used as it is: an existing network gets a subnetwork and nothing else (its owner decides how it
reaches the internet), an existing subnetwork gets nothing. Generic resources instead of the typed SDK, here and in the
modules beside: the request is the same and `pulumi_gcp` need not be imported, which takes most of a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from components.cluster.machines import region_of
from schemas.spec import GkeCluster, Network

PODS_RANGE: Final = "pods"
SERVICES_RANGE: Final = "services"


class GcpResource(pulumi.CustomResource):
    """A resource of Google Cloud by its type token; `outputs` are properties to be read from it later."""

    def __init__(
        self,
        token: str,
        name: str,
        props: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
        *,
        outputs: tuple[str, ...] = (),
    ) -> None:
        # A property that is None makes the SDK create an output of that name.
        super().__init__(token, name, {**dict.fromkeys(outputs), **props}, opts)

    def output(self, name: str) -> pulumi.Output[str]:
        """A property as it will be known once the resource exists."""
        value: pulumi.Output[str] = getattr(self, name)
        return value


@dataclass(frozen=True)
class ClusterNetwork:
    """What a cluster needs to know of its network; `resources` must exist before it."""

    network: pulumi.Input[str]
    subnetwork: pulumi.Input[str]
    ip_allocation: Mapping[str, str]
    resources: tuple[pulumi.Resource, ...]


def cluster_network(cluster: GkeCluster, name: str, opts: pulumi.ResourceOptions) -> ClusterNetwork:
    """Declare the network of a cluster; `name` is the cluster's."""
    spec, project = cluster.network, cluster.project
    made: list[pulumi.Resource] = []
    network: pulumi.Input[str] = spec.name or ""
    if not spec.name:
        props = {"name": name, "project": project, "autoCreateSubnetworks": False, "routingMode": "REGIONAL"}
        own = GcpResource("gcp:compute/network:Network", f"{name}-network", props, opts, outputs=("selfLink",))
        network = own.output("selfLink")
        made.append(own)
    if spec.subnetwork:
        # Nothing is known of its ranges, so GKE makes them.
        blocks = {"clusterIpv4CidrBlock": spec.pods_cidr, "servicesIpv4CidrBlock": spec.services_cidr}
        return ClusterNetwork(network, spec.subnetwork, blocks, tuple(made))
    subnetwork = _subnetwork(cluster, spec, name, network, opts)
    made.append(subnetwork)
    if spec.private_nodes and not spec.name:
        made.append(_nat(cluster, name, network, opts))
    ranges = {"clusterSecondaryRangeName": PODS_RANGE, "servicesSecondaryRangeName": SERVICES_RANGE}
    return ClusterNetwork(network, subnetwork.output("selfLink"), ranges, tuple(made))


def _subnetwork(
    cluster: GkeCluster, spec: Network, name: str, network: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> GcpResource:
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


def _nat(cluster: GkeCluster, name: str, network: pulumi.Input[str], opts: pulumi.ResourceOptions) -> GcpResource:
    common = {"name": name, "project": cluster.project, "region": region_of(cluster.location)}
    router = GcpResource("gcp:compute/router:Router", f"{name}-router", {**common, "network": network}, opts)
    props = {
        **common,
        "router": router.output("name"),
        "natIpAllocateOption": "AUTO_ONLY",
        "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
    }
    return GcpResource("gcp:compute/routerNat:RouterNat", f"{name}-nat", props, opts)

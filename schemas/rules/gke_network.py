"""Addresses of a GKE cluster: ranges that are ranges, lie apart, and are large enough."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterator
from itertools import combinations
from typing import Final

from schemas.gateways import is_regional, proxies_of
from schemas.rules.gke import gke_of, most_nodes
from schemas.rules.registry import Violation, rule
from schemas.spec import GkeCluster, NodePool, Spec
from schemas.tree import Tree

Range = ipaddress.IPv4Network
MANY_PODS: Final = 110  # the most pods of a node that says nothing else
SMALLEST_SERVICES: Final = 27
FEWEST_PROXIES: Final = 64  # addresses of a subnetwork of proxies, a /26; Google asks for a /23
RESERVED_ADDRESSES: Final = 4  # of each subnetwork: network, gateway, the last two


def _ranges(spec: Spec, cluster: GkeCluster) -> dict[str, str]:
    """The ranges that count, by key: those of an existing subnetwork are its owner's."""
    network = cluster.network
    ranges = {} if network.subnetwork else {"nodesCidr": network.nodes_cidr}
    if not (network.subnetwork and network.pods_range):
        ranges["podsCidr"] = network.pods_cidr
    if not (network.subnetwork and network.services_range):
        ranges["servicesCidr"] = network.services_cidr
    if network.control_plane_cidr:
        ranges["controlPlaneCidr"] = network.control_plane_cidr
    if proxies := proxies_of(spec):
        ranges["proxiesCidr"] = proxies
    return ranges


def _range(text: str) -> Range | None:
    try:
        return Range(text)
    except ValueError:
        return None


def _at(tree: Tree, key: str) -> str:
    """The place of a key, or of the cluster where the range is the default."""
    path = f"cluster.network.{key}"
    return path if tree.has(path) else "cluster"


@rule("GKE027")
def ranges_are_ranges(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Ranges of addresses begin at their first address.

    Why: 10.0.0.1/20 is an address within 10.0.0.0/20, not a range; Google Cloud refuses it.
    Example:
        cluster: {provider: gke, project: my-project, location: europe-west4-a, network: {nodesCidr: 10.0.0.1/20}}
    Remedy: Write the range as 10.0.0.0/20.
    """
    if (cluster := gke_of(spec)) is None:
        return
    places = [(f"cluster.network.{key}", text) for key, text in _ranges(spec, cluster).items()]
    listed = cluster.network.authorized_networks
    places += [(f"cluster.network.authorizedNetworks.{index}", text) for index, text in enumerate(listed)]
    for path, text in places:
        if _range(text) is None:
            yield Violation(path, f"`{text}` is no range of addresses", remedy=_meant(text))


def _meant(text: str) -> str:
    try:
        return f"Write {ipaddress.IPv4Interface(text).network}."
    except ValueError:
        return "Write four numbers up to 255 and a length up to 32, for example 10.0.0.0/20."


@rule("GKE028")
def ranges_lie_apart(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """The ranges of nodes, pods, services, gateways and the control plane share no address.

    Why: An address belongs to one thing; Google Cloud refuses ranges that overlap.
    Example:
        cluster: {provider: gke, project: my-project, location: europe-west4-a, network: {nodesCidr: 10.4.0.0/20}}
    Remedy: Choose ranges that lie apart; the defaults are 10.0.0.0/20, 10.4.0.0/14, 10.8.0.0/20, and 10.9.0.0/23 for
        the proxies of regional gateways.
    """
    if (cluster := gke_of(spec)) is None:
        return
    known = {key: found for key, text in _ranges(spec, cluster).items() if (found := _range(text))}
    for (one, first), (other, second) in combinations(known.items(), 2):
        if first.overlaps(second):
            at = _at(tree, other) if _at(tree, other) != "cluster" else _at(tree, one)
            yield Violation(at, f"`{other}` {second} and `{one}` {first} overlap")


@rule("GKE029")
def ranges_are_large_enough(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Nodes, pods, services and the proxies of gateways have enough addresses.

    Why: Each node takes a part of the pods' range, twice as many addresses as it may have pods: 256 with 110 pods.
        A pool that finds none left does not grow. GKE refuses a smaller range for services than a /27.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          network: {podsCidr: 10.4.0.0/23}
          nodePools: [{name: serving, machineType: n2-standard-8, nodes: {min: 1, max: 8}}]
    Remedy: Take a larger range (a smaller number behind the /), or `maxPods: 32` on the pools.
    """
    if (cluster := gke_of(spec)) is None:
        return
    ranges = {key: found for key, text in _ranges(spec, cluster).items() if (found := _range(text))}
    nodes = sum(most_nodes(cluster, pool) + _surge(pool) for pool in cluster.node_pools)
    pods = sum((most_nodes(cluster, pool) + _surge(pool)) * _addresses(pool) for pool in cluster.node_pools)
    if (found := ranges.get("nodesCidr")) and found.num_addresses - RESERVED_ADDRESSES < nodes:
        yield Violation(_at(tree, "nodesCidr"), f"{found} has too few addresses for {nodes} nodes")
    if (found := ranges.get("servicesCidr")) and found.prefixlen > SMALLEST_SERVICES:
        message = f"{found} has {found.num_addresses} addresses; GKE takes a /{SMALLEST_SERVICES} or larger"
        yield Violation(_at(tree, "servicesCidr"), message, remedy="Write, for example, 10.8.0.0/20, the default.")
    if (found := ranges.get("podsCidr")) and found.num_addresses < pods:
        message = f"{found} has {found.num_addresses} addresses; {nodes} nodes take {pods} for their pods"
        yield Violation(_at(tree, "podsCidr"), message)
    if (found := ranges.get("proxiesCidr")) and found.num_addresses < FEWEST_PROXIES:
        message = f"{found} has fewer than the {FEWEST_PROXIES} addresses that proxies take"
        yield Violation(_at(tree, "proxiesCidr"), message, remedy="Take a /23; a /26 is the least.")


def _surge(pool: NodePool) -> int:
    return 0 if pool.upgrade.blue_green else pool.upgrade.max_surge


def _addresses(pool: NodePool) -> int:
    """What a node takes of the pods' range: twice its pods, rounded up to a power of two."""
    return int(2 ** math.ceil(math.log2(2 * (pool.max_pods or MANY_PODS))))


@rule("GKE030")
def control_planes_have_sixteen_addresses(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`controlPlaneCidr` is a /28, for private nodes.

    Why: GKE takes a range of exactly this size, and only where nodes are private.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          network: {controlPlaneCidr: 10.9.0.0/24}
    Remedy: Write, for example, 172.16.0.0/28, or leave the key out.
    """
    cluster = gke_of(spec)
    if cluster is None or (text := cluster.network.control_plane_cidr) is None:
        return
    path = "cluster.network.controlPlaneCidr"
    if (found := _range(text)) and found.prefixlen != 28:
        yield Violation(path, f"{found} is no /28")
    elif not cluster.network.private_nodes:
        yield Violation(path, "`controlPlaneCidr` without private nodes", key=True)


@rule("GKE031")
def private_endpoints_need_private_nodes(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A private control plane has private nodes, and networks that may reach it.

    Why: GKE refuses a private endpoint beside public nodes; without authorised networks only the cluster's own
        subnetwork reaches it, and not this program.
    Example:
        cluster: {provider: gke, project: my-project, location: europe-west4-a, network: {privateEndpoint: true}}
    Remedy: Add `authorizedNetworks` with the network that you work from, or delete `privateEndpoint`.
    """
    cluster = gke_of(spec)
    if cluster is None or not cluster.network.private_endpoint:
        return
    if not cluster.network.private_nodes:
        yield Violation("cluster.network.privateEndpoint", "a private endpoint without private nodes")
    elif not cluster.network.authorized_networks:
        yield Violation("cluster.network.privateEndpoint", "nobody outside the subnetwork may reach the control plane")


@rule("GKE032")
def subnetworks_belong_to_a_network(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """An existing subnetwork stands beside its network, and named ranges beside an existing subnetwork.

    Why: A network that is made here has no subnetwork yet, and a subnetwork that is made here has its own ranges.
    Example:
        cluster: {provider: gke, project: my-project, location: europe-west4-a, network: {subnetwork: nodes}}
    Remedy: Add the `name` of the network, or the `subnetwork`.
    """
    if (cluster := gke_of(spec)) is None:
        return
    network = cluster.network
    if network.subnetwork and not network.name:
        yield Violation("cluster.network.subnetwork", f"`{network.subnetwork}` of a network that is made here")
    for key, name in (("podsRange", network.pods_range), ("servicesRange", network.services_range)):
        if name and not network.subnetwork:
            yield Violation(f"cluster.network.{key}", f"`{name}` of a subnetwork that is made here", key=True)


@rule("GKE039")
def proxies_in_a_network_of_others_are_its_owners(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A regional gateway in a network that exists says which addresses its proxies have there.

    Why: GKE's regional load balancers are proxies in a subnetwork of their own, of which a network has one in each
        region: in a network of others it is its owner's, and the pods must let these addresses in.
    Example:
        cluster: {provider: gke, project: my-project, location: europe-west4-a, network: {name: shared}}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms}]
        traffic: [{name: all, split: {one: 100}, gatewayClass: gke-l7-rilb}]
    Remedy: Write `network: {proxiesCidr: ...}` with the range of the network's subnetwork of purpose
        REGIONAL_MANAGED_PROXY, or use gke-l7-global-external-managed, which needs none.
    """
    cluster = gke_of(spec)
    if cluster is None or not cluster.network.name or cluster.network.proxies_cidr:
        return
    for traffic in spec.traffic:
        if is_regional(traffic):
            message = f"where are the proxies of {traffic.gateway_class} in `{cluster.network.name}`?"
            yield Violation(f"{traffic.at}.gatewayClass", message)

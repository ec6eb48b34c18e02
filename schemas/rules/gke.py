"""What the rules about GKE share: the pools of a spec, the series of a machine, what is a zone.

The rules beside this module know what GKE refuses before it is asked: versions, platforms and machine types as of
August 2026, from Google's documentation, release notes and readings of running instances.
"""

from __future__ import annotations

import re
from typing import Final

from schemas.spec import GkeCluster, NodePool, NodeRange, Spec

ZONES_OF_A_REGION: Final = 3


def gke_of(spec: Spec) -> GkeCluster | None:
    """The cluster of a spec, when it is GKE's."""
    return spec.cluster if isinstance(spec.cluster, GkeCluster) else None


def pools_of(spec: Spec) -> tuple[NodePool, ...]:
    """The node pools of a spec; none where nodes are somebody else's."""
    return spec.cluster.node_pools if isinstance(spec.cluster, GkeCluster) else ()


def series_of(pool: NodePool) -> str:
    """The series of a pool's machines: `n2`."""
    return pool.machine_type.partition("-")[0]


def is_zone(location: str) -> bool:
    """Whether a place is a zone, and no region."""
    return re.search("[0-9]-[a-z]$", location) is not None


def region_of(location: str) -> str:
    """The region of a zone, or of itself."""
    return re.sub("-[a-z]$", "", location)


def zones_of(cluster: GkeCluster, pool: NodePool) -> int:
    """In how many zones a pool has nodes."""
    if pool.zones:
        return len(pool.zones)
    # A zone has its own nodes beside those of the zones named; a region has those of the zones named.
    return 1 + len(cluster.zones) if is_zone(cluster.location) else len(cluster.zones) or ZONES_OF_A_REGION


def most_nodes(cluster: GkeCluster, pool: NodePool) -> int:
    """The most nodes that a pool may have over all zones."""
    match pool.nodes:
        case NodeRange(max=most, total=True):
            return most
        case NodeRange(max=most):
            return most * zones_of(cluster, pool)
        case int(count):
            return count * zones_of(cluster, pool)

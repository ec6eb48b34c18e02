"""What a GKE cluster costs an hour at list price: a pure sum over its node pools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from components.cluster.machines import PRICES_OF, find_machine, region_of
from schemas.spec import GkeCluster, NodePool, NodeRange

# The management fee of a cluster; known from secondary sources only (github.com/murphye/cheap-gke-cluster).
CLUSTER_USD_HOUR: Final = 0.10
ZONES_OF_A_REGION: Final = 3


@dataclass(frozen=True)
class Cost:
    """USD an hour with the fewest and the most nodes; `notes` say how it comes about and what is not in it."""

    least_usd_hour: float
    most_usd_hour: float
    notes: tuple[str, ...]


def cost_of(cluster: GkeCluster) -> Cost:
    """The cost of a cluster; pools whose price is not known count nothing and say so."""
    least = most = CLUSTER_USD_HOUR
    notes = []
    for pool in cluster.node_pools:
        price = price_of(pool.machine_type, cluster.location)
        if price is None:
            notes.append(f"{pool.name}: no price of {pool.machine_type} in {region_of(cluster.location)} is known")
            continue
        few, many = node_counts(cluster, pool)
        least, most = least + few * price, most + many * price
        spot = "; spot machines cost less" if pool.spot else ""
        nodes = f"{few}" if few == many else f"{few} to {many}"
        notes.append(f"{pool.name}: {nodes} x {pool.machine_type} at {price:.4f} USD an hour{spot}")
    total = f"{least:.2f}" if least == most else f"{least:.2f} to {most:.2f}"
    notes.append(
        f"{total} USD an hour in all, list prices of {PRICES_OF} with the cluster's fee of {CLUSTER_USD_HOUR:.2f}; "
        "disks and network are not in it"
    )
    return Cost(round(least, 6), round(most, 6), tuple(notes))


def node_counts(cluster: GkeCluster, pool: NodePool) -> tuple[int, int]:
    """Fewest and most nodes of a pool over all its zones."""
    zones = _zones(cluster, pool)
    match pool.nodes:
        case NodeRange(min=few, max=many, total=True):
            return few, many
        case NodeRange(min=few, max=many):
            return few * zones, many * zones
        case int(count):
            return count * zones, count * zones


def _zones(cluster: GkeCluster, pool: NodePool) -> int:
    """In how many zones a pool has nodes; a zonal cluster has its own zone beside those that it names."""
    if pool.zones:
        return len(pool.zones)
    if region_of(cluster.location) != cluster.location:
        return 1 + len(cluster.zones)
    return len(cluster.zones) or ZONES_OF_A_REGION


def price_of(machine_type: str, location: str) -> float | None:
    """USD an hour of a machine at list price in the region of a place; None where it is not known."""
    machine = find_machine(machine_type)
    return machine.usd_hour.get(region_of(location)) if machine else None

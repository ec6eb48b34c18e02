"""What is wrong with node pools that only their machines' data tell: not sold there, memory spent on huge pages. Pure.

`schemas.rules.fit` explains the two.
"""

from __future__ import annotations

from typing import Final

from components.cluster.machines import PRICES_OF, MachineType, find_machine, machine_types, region_of
from schemas.errors import Problem
from schemas.spec import GkeCluster, NodePool

# The share of memory that huge pages may take, and where it changes:
# https://docs.cloud.google.com/kubernetes-engine/docs/how-to/node-system-config#huge-page-options
SMALL_SHARE: Final = 0.6
LARGE_SHARE: Final = 0.8
LARGE_FROM_GB: Final = 30


def pool_problems(cluster: GkeCluster) -> tuple[tuple[str, Problem], ...]:
    """Each problem with the path of the field to blame; machines that are not known have none."""
    found = []
    for pool in cluster.node_pools:
        if (machine := find_machine(pool.machine_type)) is None:
            continue
        if problem := _not_sold(machine, region_of(cluster.location)):
            found.append((f"{pool.at}.machineType", problem))
        if problem := _too_many_pages(machine, pool):
            found.append((f"{pool.at}.hugepages", problem))
    return tuple(found)


def _not_sold(machine: MachineType, region: str) -> Problem | None:
    priced = {name for one in machine_types().values() for name in one.usd_hour}
    if region not in priced or region in machine.usd_hour:
        return None
    elsewhere = " and ".join(sorted(machine.usd_hour)) or "regions that are not known here"
    return Problem(
        "GKE037",
        f"{machine.name} is not sold in {region}",
        why=f"Google's price list of {PRICES_OF} has it in {elsewhere}",
        remedy="choose another machine type or another region",
    )


def _too_many_pages(machine: MachineType, pool: NodePool) -> Problem | None:
    if (pages := pool.hugepages) is None:
        return None
    gib = (2 * pages.size_2m + 1024 * pages.size_1g) / 1024
    share = SMALL_SHARE if machine.memory_gib < LARGE_FROM_GB else LARGE_SHARE
    most = machine.memory_gib * share
    if gib <= most:
        return None
    return Problem(
        "GKE038",
        f"huge pages of {gib:g} GiB in all; {machine.name} has {machine.memory_gib:g} GiB",
        why=f"GKE takes {share:.0%} of it at most, {most:g} GiB",
        remedy=f"`size2m: {int(most * 512)}` is the most, or use a larger machine type",
    )

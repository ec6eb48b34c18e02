"""What a plan means for the nodes of a GKE cluster, the pods on them, and the cost. Pure.

Works on the resources of a plan as they were and as they shall be, whichever engine made it. How many pods are on a
node when it is emptied nobody knows beforehand: the most are assumed that an even spread over the fewest nodes puts
there.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from components.cluster.gke_changes import Decision, decide
from components.cluster.gke_cost import CLUSTER_USD_HOUR, ZONES_OF_A_REGION, price_of
from components.cluster.gke_table import CLUSTER, POOL
from components.cluster.machines import region_of
from components.cluster.node_impact import CloudImpact, CostChange, Fate, PodsLeft, PoolImpact
from components.cluster.workloads import Workload, workloads

Props = Mapping[str, Any]

BUCKET: Final = "gcp:storage/bucket:Bucket"
GONE: Final = frozenset({"deleted", "replaced"})
# From the worst to the least, by what the table says of an argument.
FATES: Final[tuple[tuple[str, Fate], ...]] = (
    ("recreate", "recreated"),
    ("resize", "resized"),
    ("add_or_remove", "moved"),
    ("unknown", "unsettled"),
    ("in_place", "changed"),
)


@dataclass(frozen=True)
class Touched:
    """One resource of a plan: what is done with it, its properties before (empty when it is new) and after."""

    urn: str
    type: str
    op: str
    old: Props
    new: Props


def concerns(type_: str) -> bool:
    """Whether a type is one that this module has something to say of."""
    return type_ in (CLUSTER, POOL)


def stopped_by(one: Touched) -> str:
    """Why the cloud's provider would refuse to delete a resource, or nothing."""
    protected = one.type == CLUSTER and one.op in ("replace", "delete") and one.old.get("deletionProtection", True)
    if not protected:
        return ""
    return "deletionProtection is on; run `up` with `deletionProtection: false` and nothing else changed first"


def refused_while_full(one: Touched) -> str:
    """What a plan cannot know and has to say: whether the bucket that it deletes is empty; or nothing."""
    if one.type != BUCKET or one.op not in ("replace", "delete") or one.old.get("forceDestroy"):
        return ""
    return "refused unless the bucket is empty: deleteContents is false; what is in it would be lost"


def judged(resources: Iterable[Touched]) -> CloudImpact:
    """What the changes of a plan mean; `resources` are all of it, those that stay as they are included."""
    every = tuple(resources)
    clusters = [one for one in every if one.type == CLUSTER]
    cluster = clusters[0] if clusters else Touched("", CLUSTER, "same", {}, {})
    decisions = {
        one.urn: decide(one.type, one.old, one.new) for one in every if one.old and one.new and concerns(one.type)
    }
    everywhere = decisions[cluster.urn].rounds if cluster.urn in decisions else 0
    pools = [_pool(one, decisions.get(one.urn), cluster, everywhere) for one in every if one.type == POOL and one.old]
    affected = tuple(pool for pool in pools if pool is not None)
    return CloudImpact(
        pools=affected,
        groups=tuple(_left(workloads(one.old for one in every if one.old), affected)),
        cost=_cost(every, cluster) if any(one.old for one in every if concerns(one.type)) else None,
        kept=tuple(_kept(every, decisions)),
        unsent=tuple(_unsent(every, decisions)),
    )


def _pool(one: Touched, decision: Decision | None, cluster: Touched, everywhere: int) -> PoolImpact | None:
    """What becomes of the nodes of a pool that is there; None where nothing is done."""
    name = str(one.old.get("name", ""))
    nodes = node_counts(one.old, zones_of(one.old, cluster.old))
    if one.op in ("delete", "replace"):
        return PoolImpact(name, "deleted" if one.op == "delete" else "replaced", nodes)
    changed = decision.changed if decision and one.op == "update" else ()
    rounds = (decision.rounds if changed and decision else 0) + everywhere
    effects = {found.argument.nodes for found in changed if not found.argument.sent}
    fate: Fate = next((fate for effect, fate in FATES if effect in effects), "untouched")
    if everywhere:
        fate = "recreated"
    elif not changed:
        return None
    after = node_counts(one.new, zones_of(one.new, cluster.new))
    becomes = after if after != nodes else None
    if fate == "untouched" and becomes:
        fate = "resized"
    return _with_settings(PoolImpact(name, fate, nodes, becomes, rounds), one.new)


def _with_settings(pool: PoolImpact, props: Props) -> PoolImpact:
    """How nodes are recreated: by the pool's settings as they will be, which are sent first."""
    if pool.fate != "recreated":
        return dataclasses.replace(pool, rounds=0)
    settings = props.get("upgradeSettings") or {}
    if settings.get("strategy") == "BLUE_GREEN":
        rollout = (settings.get("blueGreenSettings") or {}).get("standardRolloutPolicy") or {}
        return dataclasses.replace(pool, batch=int(rollout.get("batchNodeCount") or 1))
    # Left out, they are one and none.
    added, missing = int(settings.get("maxSurge", 1)), int(settings.get("maxUnavailable", 0))
    return dataclasses.replace(pool, added=added, missing=missing)


def zones_of(pool: Props, cluster: Props) -> int:
    """In how many zones a pool has nodes; a zonal cluster has its own zone beside those that it names."""
    if named := pool.get("nodeLocations"):
        return len(named)
    location, more = str(pool.get("location", "")), len(cluster.get("nodeLocations") or ())
    return 1 + more if region_of(location) != location else more or ZONES_OF_A_REGION


def node_counts(pool: Props, zones: int) -> tuple[int, int]:
    """Fewest and most nodes of a pool over all its zones."""
    if scaling := pool.get("autoscaling"):
        if "totalMaxNodeCount" in scaling:
            return int(scaling.get("totalMinNodeCount", 0)), int(scaling["totalMaxNodeCount"])
        return int(scaling.get("minNodeCount", 0)) * zones, int(scaling.get("maxNodeCount", 0)) * zones
    count = int(pool.get("nodeCount", pool.get("initialNodeCount", 0))) * zones
    return count, count


def _left(groups: Iterable[Workload], pools: tuple[PoolImpact, ...]) -> Iterator[PodsLeft]:
    by_name = {pool.pool: pool for pool in pools if pool.drained}
    for group in groups:
        pool = by_name.get(group.pool)
        if pool is None or not group.replicas:
            continue
        if pool.fate in GONE:  # a disruption budget holds them back for an hour at most
            yield PodsLeft(group.name, group.replicas, 0)
            continue
        on_a_node = math.ceil(group.replicas / max(1, pool.nodes[0]))
        spread = group.replicas - min(group.replicas, on_a_node * pool.drained)
        yield PodsLeft(group.name, group.replicas, max(spread, group.kept_by_budget))


def _cost(every: tuple[Touched, ...], cluster: Touched) -> CostChange:
    return CostChange(
        before=_sum((one.type, one.old, cluster.old) for one in every),
        after=_sum((one.type, one.new, cluster.new) for one in every if one.op != "delete"),
    )


def _sum(resources: Iterable[tuple[str, Props, Props]]) -> tuple[float, float]:
    """USD an hour with the fewest and the most nodes; machines whose price is not known count nothing."""
    least = most = 0.0
    for type_, props, cluster in resources:
        if type_ == CLUSTER and props:
            least, most = least + CLUSTER_USD_HOUR, most + CLUSTER_USD_HOUR
        elif type_ == POOL and props:
            config = props.get("nodeConfig") or {}
            price = price_of(str(config.get("machineType", "")), str(props.get("location", ""))) or 0.0
            few, many = node_counts(props, zones_of(props, cluster))
            least, most = least + few * price, most + many * price
    return round(least, 4), round(most, 4)


def _kept(every: tuple[Touched, ...], decisions: Mapping[str, Decision]) -> Iterator[str]:
    for one in every:
        for path in decisions[one.urn].sticky if one.urn in decisions and one.op != "replace" else ():
            yield f"{one.new.get('name')}: {path} is left out, and the cloud keeps what it has"


def _unsent(every: tuple[Touched, ...], decisions: Mapping[str, Decision]) -> Iterator[str]:
    for one in every:
        changed = decisions[one.urn].changed if one.urn in decisions and one.op == "update" else ()
        for found in changed:
            if found.argument.sent == "no":
                yield f"{one.new.get('name')}: {found.path} is planned, but the provider sends no request for it"

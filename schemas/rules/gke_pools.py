"""How GKE makes, upgrades and scales node pools, and what it refuses there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from schemas.rules.gke import gke_of, pools_of, zones_of
from schemas.rules.registry import Violation, rule
from schemas.spec import Spec
from schemas.tree import Tree

MOST_AT_A_TIME: Final = 20
LONGEST_SOAK_S: Final = 7 * 24 * 3600.0
LONGEST_GRACE_S: Final = 24 * 3600.0
RESERVED_LABELS: Final = re.compile("^([a-z0-9.-]+[.])?(kubernetes[.]io|k8s[.]io|google[.]com)/")


@rule("GKE006")
def compact_placement_is_in_one_zone(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Compact placement has one zone, and no blue-green upgrade.

    Why: Machines stand close together only within a zone; GKE refuses the combination with several zones or blue-green
        upgrades.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4
          nodePools: [{name: serving, machineType: n2-standard-8, compactPlacement: true}]
    Remedy: Name one zone, for example `zones: [europe-west4-a]`; use surge upgrades.
    """
    if (cluster := gke_of(spec)) is None:
        return
    for pool in pools_of(spec):
        if not pool.compact_placement:
            continue
        if zones_of(cluster, pool) > 1:
            where = "the zones named" if pool.zones or cluster.zones else f"all zones of {cluster.location}"
            yield Violation(f"{pool.at}.compactPlacement", f"the nodes of `{pool.name}` are in {where}")
        if pool.upgrade.blue_green is not None:
            yield Violation(f"{pool.at}.upgrade.blueGreen", "blue-green upgrades with compact placement", key=True)


@rule("GKE011")
def upgrades_can_proceed(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """An upgrade may add a node or take one away; surge and blue-green exclude each other.

    Why: With `maxSurge: 0` and `maxUnavailable: 0` no node could ever be replaced. A blue-green upgrade has no surge.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, upgrade: {maxSurge: 0, maxUnavailable: 0}}]
    Remedy: Write `maxSurge: 1`, or `maxUnavailable: 1` where no second machine fits (exclusive CPUs).
    """
    for pool in pools_of(spec):
        upgrade, path = pool.upgrade, f"{pool.at}.upgrade"
        if upgrade.max_surge == upgrade.max_unavailable == 0 and upgrade.blue_green is None:
            yield Violation(path, "no node may be added and none may be missing")
        for key in ("maxSurge", "maxUnavailable") if upgrade.blue_green else ():
            if tree.has(f"{path}.{key}"):
                yield Violation(f"{path}.{key}", f"`{key}` beside `blueGreen`", remedy="Delete one of them.", key=True)


@rule("GKE020")
def upgrades_stay_within_limits(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """At most 20 nodes are upgraded at a time, and a blue-green upgrade waits for seven days at most.

    Why: GKE refuses more: `maxSurge` and `maxUnavailable` together count.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, upgrade: {maxSurge: 30}}]
    Remedy: Write smaller numbers.
    """
    for pool in pools_of(spec):
        upgrade, path = pool.upgrade, f"{pool.at}.upgrade"
        together = upgrade.max_surge + upgrade.max_unavailable
        if upgrade.blue_green is None and together > MOST_AT_A_TIME:
            yield Violation(path, f"{together} nodes at a time are more than {MOST_AT_A_TIME}")
        if upgrade.blue_green and upgrade.blue_green.pool_soak_s > LONGEST_SOAK_S:
            yield Violation(f"{path}.blueGreen.poolSoak", "more than seven days")
        if upgrade.blue_green and upgrade.blue_green.batch_soak_s > LONGEST_SOAK_S:
            yield Violation(f"{path}.blueGreen.batchSoak", "more than seven days")


@rule("GKE021")
def release_channels_repair_and_upgrade(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """In a release channel nodes are repaired and upgraded by GKE.

    Why: GKE refuses a pool without automatic repair or upgrades in a cluster that follows a channel.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, autoUpgrade: false}]
    Remedy: Delete the key and use `maintenance` to choose the time; or write `releaseChannel: none`.
    """
    cluster = gke_of(spec)
    if cluster is None or cluster.release_channel == "none":
        return
    for pool in pools_of(spec):
        for key, on in (("autoRepair", pool.auto_repair), ("autoUpgrade", pool.auto_upgrade)):
            if not on:
                yield Violation(f"{pool.at}.{key}", f"`{key}: false` in the channel {cluster.release_channel}")


@rule("GKE022")
def reservations_are_named_and_for_standard_machines(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A specific reservation has a name, others have none, and spot machines use no reservation.

    Why: Spot machines are what is left over; Compute Engine gives them nothing that is reserved.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools:
            - {name: serving, machineType: n2-standard-8, spot: true, reservation: {use: specific, name: numa}}
    Remedy: Delete `spot` or `reservation`; name the reservation with `use: specific` only.
    """
    for pool in pools_of(spec):
        if (reservation := pool.reservation) is None:
            continue
        path = f"{pool.at}.reservation"
        if pool.spot and reservation.use != "none":
            yield Violation(path, "spot machines cannot use a reservation", key=True)
        if (reservation.use == "specific") != (reservation.name is not None):
            wanted = "needs a `name`" if reservation.name is None else "takes no `name`"
            yield Violation(path, f"`use: {reservation.use}` {wanted}")


@rule("GKE023")
def the_systems_pods_have_nodes(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Some pool has no taint that keeps the system's pods off.

    Why: DNS, metrics and the webhooks of extensions tolerate no taints of yours; where every pool has one they stay
        pending, and nothing works.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, taints: [{key: model}]}]
    Remedy: Add a small pool without taints: `{name: system, machineType: n2-standard-4}`.
    """
    pools = pools_of(spec)
    tainted = [pool for pool in pools if any(taint.effect != "PreferNoSchedule" for taint in pool.taints)]
    if pools and len(tainted) == len(pools):
        yield Violation("cluster.nodePools", "every pool has a taint that keeps the system's pods off", key=True)


@rule("GKE024")
def node_labels_are_ones_own(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Labels of nodes leave kubernetes.io, k8s.io and google.com alone.

    Why: These prefixes are the system's; GKE refuses them.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, labels: {kubernetes.io/role: serving}}]
    Remedy: Choose a prefix of your own, or none.
    """
    for pool in pools_of(spec):
        for key in pool.labels or {}:
            if RESERVED_LABELS.match(key):
                yield Violation(f"{pool.at}.labels", f"`{key}` is a label of the system")


@rule("GKE025")
def drains_end(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A node is empty within a day.

    Why: GKE takes at most 24 hours for `grace` and for `pdbTimeout`.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, drain: {pdbTimeout: 48h}}]
    Remedy: Write 24h or less.
    """
    for pool in pools_of(spec):
        times = {"grace": pool.drain.grace_s, "pdbTimeout": pool.drain.pdb_timeout_s} if pool.drain else {}
        for key, time_s in times.items():
            if time_s is not None and time_s > LONGEST_GRACE_S:
                yield Violation(f"{pool.at}.drain.{key}", "more than 24 hours")

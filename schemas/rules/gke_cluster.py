"""What GKE takes for a cluster as a whole: names, version, maintenance, its bucket."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from schemas.rules.gke import gke_of, pools_of
from schemas.rules.registry import Violation, rule
from schemas.spec import GkeCluster, Spec
from schemas.suggest import listed
from schemas.tree import Tree

LEAST_WINDOW_S: Final = 4 * 3600.0
LEAST_MONTHLY_S: Final = 48 * 3600.0
WEEKS: Final = 4  # whole ones in the 32 days that GKE looks at


@rule("GKE013")
def serving_needs_nodes(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A cluster on which something is served has a node pool.

    Why: The stack makes the cluster without GKE's default pool; without another, no pod could run.
    Example:
        cluster: {provider: gke, project: my-project, location: europe-west4-a}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms}]
    Remedy: Add `nodePools: [{name: serving, machineType: n2-standard-32}]`.
    """
    if isinstance(spec.cluster, GkeCluster) and spec.serving and not spec.cluster.node_pools:
        names = listed(group.name for group in spec.serving)
        yield Violation("cluster", f"{names} would have no node to run on", key=True)


@rule("GKE014")
def cluster_names_are_short(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Names of GKE clusters and node pools have at most 40 characters and begin with a letter.

    Why: GKE refuses others. A cluster without a name of its own has the stack's.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          name: a-name-that-is-much-longer-than-forty-characters
    Remedy: Choose a shorter name that begins with a letter.
    """
    if not isinstance(spec.cluster, GkeCluster):
        return
    cluster = ("cluster.name", spec.cluster.name) if spec.cluster.name else ("name", spec.name)
    for path, name in (cluster, *((f"{pool.at}.name", pool.name) for pool in pools_of(spec))):
        if len(name) > 40 or not name[0].isalpha():
            yield Violation(path, f"`{name}` is no name that GKE takes")


@rule("GKE033")
def versions_are_gkes(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`version` is a version of GKE: 1.34, 1.34.1 or 1.34.1-gke.1234000.

    Why: GKE refuses others, such as v1.34.
    Example:
        cluster: {provider: gke, project: my-project, location: europe-west4-a, version: v1.34}
    Remedy: Write, for example, 1.34, or leave `version` out: then the channel decides.
    """
    cluster = gke_of(spec)
    if not cluster or cluster.version in (None, "latest"):
        return
    if not re.fullmatch(r"1\.[0-9]+(\.[0-9]+(-gke\.[0-9]+)?)?", cluster.version or ""):
        yield Violation("cluster.version", f"`{cluster.version}` is no version of GKE")


@rule("GKE034")
def maintenance_has_time(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A maintenance window has four hours at least, and 48 hours in 32 days.

    Why: GKE refuses windows that leave it less time.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          maintenance: {start: "03:00", days: [sun], duration: 6h}
    Remedy: Name more days or a longer `duration`, for example `days: [sat, sun], duration: 6h`.
    """
    cluster = gke_of(spec)
    if cluster is None or (window := cluster.maintenance) is None:
        return
    if window.duration_s < LEAST_WINDOW_S or window.duration_s > 24 * 3600:
        yield Violation("cluster.maintenance.duration", "a window has between 4 and 24 hours")
    elif window.days and (hours_s := len(set(window.days)) * WEEKS * window.duration_s) < LEAST_MONTHLY_S:
        yield Violation("cluster.maintenance.days", f"{hours_s / 3600:g} hours in four weeks are fewer than 48")


@rule("GKE035")
def exclusions_end_after_they_begin(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A maintenance exclusion ends after it begins.

    Why: GKE refuses others; `end` is the first day on which it may work again.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          maintenance: {start: "03:00", exclusions: [{name: sales, start: "2026-12-01", end: "2026-11-20"}]}
    Remedy: Exchange the two.
    """
    cluster = gke_of(spec)
    exclusions = cluster.maintenance.exclusions if cluster and cluster.maintenance else ()
    for index, exclusion in enumerate(exclusions):
        if exclusion.end <= exclusion.start:
            yield Violation(f"cluster.maintenance.exclusions.{index}.end", f"`{exclusion.name}` has no duration")


@rule("GKE036")
def buckets_and_registries_that_exist_have_names(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A bucket or registry that exists already is named; names of buckets are those that Cloud Storage takes.

    Why: Without a name nobody knows which one is meant. Buckets have 3 to 63 lower-case letters, digits, hyphens,
        underscores and dots.
    Example:
        cluster: {provider: gke, project: my-project, location: europe-west4-a, bucket: {existing: true}}
    Remedy: Add `name`.
    """
    if (cluster := gke_of(spec)) is None:
        return
    for key, thing in (("bucket", cluster.bucket), ("registry", cluster.registry)):
        if thing.existing and not thing.name:
            yield Violation(f"cluster.{key}.existing", f"which {key}?")
    name = cluster.bucket.name
    if name and not re.fullmatch("[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", name):
        yield Violation("cluster.bucket.name", f"`{name}` is no name of a bucket", remedy="Choose another.")

"""Where GKE has clusters and nodes: regions and zones, as of August 2026."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from schemas.rules.gke import gke_of, is_zone, region_of
from schemas.rules.registry import Violation, rule
from schemas.spec import GkeCluster, Spec
from schemas.suggest import did_you_mean, nearest
from schemas.tree import Tree


@functools.cache
def regions() -> Mapping[str, tuple[str, ...]]:
    """Google Cloud's regions with their zones."""
    lines = (Path(__file__).parent / "gcp_zones.txt").read_text().splitlines()
    rows = (line.split() for line in lines if not line.startswith("#"))
    return {region: tuple(f"{region}-{letter}" for letter in letters) for region, *letters in rows}


@rule("GKE012")
def locations_are_places(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`location` is a region or a zone, and node pools are in zones of the same region.

    Why: A zone such as europe-west4-a makes a cluster with one control plane, a region such as europe-west4 one with
        three.
    Example:
        cluster: {provider: gke, project: my-project, location: Frankfurt}
    Remedy: Write, for example, europe-west4-a; `gcloud compute zones list` lists all.
    """
    if (cluster := gke_of(spec)) is None:
        return
    if not re.fullmatch("[a-z]+(-[a-z]+)+[0-9]+(-[a-z])?", cluster.location):
        yield Violation("cluster.location", f"`{cluster.location}` is neither a region nor a zone")
        return
    yield from _unknown("cluster.location", cluster.location)
    for path, zone in _zones(cluster):
        if region_of(zone) != region_of(cluster.location) or not is_zone(zone):
            region = region_of(cluster.location)
            message = f"`{zone}` is no zone of {region}, where the cluster is"
            yield Violation(path, message, remedy=f"Write, for example, {region}-b.")
        else:
            yield from _unknown(path, zone)


@rule("GKE026")
def zones_are_named_once(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """The zone of a zonal cluster is not among its `zones`.

    Why: `zones` of a zonal cluster are those beside its own; the provider refuses a plan that names it twice.
    Example:
        cluster: {provider: gke, project: my-project, location: europe-west4-a, zones: [europe-west4-a]}
    Remedy: Delete the zone from `zones`.
    """
    cluster = gke_of(spec)
    for index, zone in enumerate(cluster.zones if cluster else ()):
        if cluster and zone == cluster.location:
            yield Violation(f"cluster.zones.{index}", f"`{zone}` is the cluster's own zone")


def _zones(cluster: GkeCluster) -> Iterator[tuple[str, str]]:
    """Every zone that is named beside the location, with its place in the spec."""
    yield from ((f"cluster.zones.{index}", zone) for index, zone in enumerate(cluster.zones))
    for pool in cluster.node_pools:
        yield from ((f"{pool.at}.zones.{index}", zone) for index, zone in enumerate(pool.zones))
    provisioning = cluster.autoscaling.auto_provisioning if cluster.autoscaling else None
    for index, zone in enumerate(provisioning.zones if provisioning else ()):
        yield f"cluster.autoscaling.autoProvisioning.zones.{index}", zone


def _unknown(path: str, place: str) -> Iterator[Violation]:
    region = region_of(place)
    if region not in regions():
        near = nearest(region, regions())
        remedy = f"Write {near}." if near else ""
        yield Violation(path, f"there is no region `{region}`{did_you_mean(region, regions())}", remedy)
    elif is_zone(place) and place not in regions()[region]:
        letters = ", ".join(regions()[region])
        yield Violation(path, f"there is no zone `{place}`", remedy=f"Zones of {region} are {letters}.")

"""What GKE refuses, known before it is asked.

Versions, platforms and machine types as of August 2026, from Google's documentation, release notes and readings of
running instances; series that are not listed here are left to GKE to judge.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from schemas.rules.registry import Violation, rule
from schemas.spec import GkeCluster, NodePool, NodeRange, Spec
from schemas.suggest import did_you_mean, listed, nearest
from schemas.tree import Tree

# Platforms that `minCpuPlatform` may name, by series; one with a single platform takes none.
PLATFORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "n2": ("Intel Cascade Lake", "Intel Ice Lake"),
    "n1": ("Intel Sandy Bridge", "Intel Ivy Bridge", "Intel Haswell", "Intel Broadwell", "Intel Skylake"),
    "c4": ("Intel Emerald Rapids", "Intel Granite Rapids"),
    "c2": (),
    "c3": (),
    "n4": (),
}
# Series that exist, of which this program holds no data.
OTHER_SERIES: Final = [
    "e2",
    "m1",
    "m2",
    "m3",
    "m4",
    "h3",
    "h4d",
    "a2",
    "a3",
    "a4",
    "g2",
    "g4",
    "z3",
    "x4",
    "c4n",
    "n2d",
    "n4d",
    "c2d",
    "c3d",
    "c4d",
    "t2d",
    "t2a",
    "c4a",
    "n4a",
    "f1",
    "g1",
]
HUGE_PAGE_SERIES: Final = ("c3", "m2", "m3", "h3", "a2", "a3", "g2")
HYPERDISK_SERIES: Final = ("c4", "n4")
MANAGERS_SINCE: Final = (1, 32, 3, 1785000)


@functools.cache
def machine_types() -> tuple[str, ...]:
    """The machine types whose size, NUMA nodes and prices are known."""
    return tuple((Path(__file__).parent / "machine_types.txt").read_text().split())


def _pools(spec: Spec) -> tuple[NodePool, ...]:
    return spec.cluster.node_pools if isinstance(spec.cluster, GkeCluster) else ()


def _series(pool: NodePool) -> str:
    return pool.machine_type.partition("-")[0]


@rule("GKE001")
def machine_types_exist(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A node pool's machine type exists.

    Why: GKE refuses a type it does not know; size, NUMA nodes and price of a node follow from it.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standart-32}]
    Remedy: Name a type such as n2-standard-32, c3-standard-22 or c4-highcpu-48.
    """
    for pool in _pools(spec):
        if pool.machine_type in machine_types() or _series(pool) in OTHER_SERIES:
            continue
        near = nearest(pool.machine_type, machine_types())
        if "-custom-" in pool.machine_type:
            yield Violation(f"{pool.at}.machineType", "the NUMA nodes of custom machine types are not known")
            continue
        hint = did_you_mean(pool.machine_type, machine_types())
        message = f"there is no machine type `{pool.machine_type}`{hint}"
        yield Violation(f"{pool.at}.machineType", message, remedy=f"Write {near}." if near else "")


@rule("GKE002")
def platforms_fit_the_series(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`minCpuPlatform` names a platform that the machine's series has.

    Why: N2 machines are Intel Cascade Lake or Intel Ice Lake, C4 Emerald or Granite Rapids; series with one platform
        take no minimum.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-32, minCpuPlatform: Intel Skylake}]
    Remedy: Name a platform of the series, or leave `minCpuPlatform` out.
    """
    for pool in _pools(spec):
        known = PLATFORMS.get(_series(pool))
        if pool.min_cpu_platform is None or known is None or pool.min_cpu_platform in known:
            continue
        path, series = f"{pool.at}.minCpuPlatform", _series(pool).upper()
        if not known:
            yield Violation(
                path, f"{series} machines have one CPU platform and take no minimum", "Delete the key.", key=True
            )
            continue
        near = nearest(pool.min_cpu_platform, known)
        remedy = f"Write {near}." if near else f"Write {' or '.join(known)}."
        yield Violation(path, f"{series} machines are {' or '.join(known)}, not `{pool.min_cpu_platform}`", remedy)


@rule("GKE003")
def managers_need_a_version(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Topology manager and memory manager need GKE 1.32.3-gke.1785000 or later.

    Why: Earlier versions refuse the kubelet settings.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          version: 1.31.9-gke.1000000
          nodePools:
            - {name: serving, machineType: n2-standard-32, cpuManager: static, topologyManager: single-numa-node}
    Remedy: Ask for `version: 1.32.3-gke.1785000` or later, or leave `version` out: every channel is later by now.
    """
    if not isinstance(spec.cluster, GkeCluster) or not _is_before(spec.cluster.version, MANAGERS_SINCE):
        return
    for pool in _pools(spec):
        for key, value in (("topologyManager", pool.topology_manager), ("memoryManager", pool.memory_manager)):
            if value.lower() != "none":
                yield Violation(f"{pool.at}.{key}", f"`{key}` is refused by GKE {spec.cluster.version}", key=True)


def _is_before(version: str | None, limit: tuple[int, ...]) -> bool:
    """Whether a stated version is certainly earlier; `1.32` may be any 1.32."""
    numbers = tuple(int(n) for n in re.findall("[0-9]{1,9}", version or ""))
    return bool(numbers) and numbers < limit[: len(numbers)]


@rule("GKE004")
def numa_alignment_needs_exclusive_cpus(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A topology manager or a static memory manager stands beside `cpuManager: static`.

    Why: Only the static policy gives containers CPUs of their own, which is what is aligned with NUMA nodes; without it
        the setting would do nothing for inference.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-32, topologyManager: single-numa-node}]
    Remedy: Add `cpuManager: static`.
    """
    for pool in _pools(spec):
        if pool.cpu_manager == "static":
            continue
        if pool.topology_manager in ("restricted", "single-numa-node"):
            message = f"`topologyManager: {pool.topology_manager}` without `cpuManager: static`"
            yield Violation(f"{pool.at}.topologyManager", message)
        if pool.memory_manager == "Static":
            yield Violation(f"{pool.at}.memoryManager", "`memoryManager: Static` without `cpuManager: static`")


@rule("GKE005")
def static_memory_needs_a_topology_policy(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`memoryManager: Static` stands beside `topologyManager: restricted` or `single-numa-node`.

    Why: The memory manager pins memory by the hints of the topology manager; other policies of it guarantee nothing.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-32, cpuManager: static, memoryManager: Static}]
    Remedy: Add `topologyManager: single-numa-node`.
    """
    for pool in _pools(spec):
        if pool.memory_manager == "Static" and pool.topology_manager not in ("restricted", "single-numa-node"):
            message = f"`memoryManager: Static` beside `topologyManager: {pool.topology_manager}`"
            yield Violation(f"{pool.at}.memoryManager", message)


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
    if not isinstance(spec.cluster, GkeCluster):
        return
    for pool in _pools(spec):
        if not pool.compact_placement:
            continue
        zones = pool.zones or ((spec.cluster.location,) if _is_zone(spec.cluster.location) else ("", "", ""))
        if len(zones) > 1:
            where = "the zones named" if pool.zones else f"all zones of {spec.cluster.location}"
            yield Violation(f"{pool.at}.compactPlacement", f"the nodes of `{pool.name}` are in {where}")
        if pool.upgrade.blue_green is not None:
            yield Violation(f"{pool.at}.upgrade.blueGreen", "blue-green upgrades with compact placement", key=True)


def _is_zone(location: str) -> bool:
    return re.search("[0-9]-[a-z]$", location) is not None


@rule("GKE007")
def threads_can_be_switched_off(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`threadsPerCore` is for machines with two threads a core.

    Why: GKE refuses it for machines of one vCPU, and for T2D and T2A, which have one thread a core.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n1-standard-1, threadsPerCore: 1}]
    Remedy: Delete the key, or use a larger machine.
    """
    for pool in _pools(spec):
        single = pool.machine_type.endswith("-1") or _series(pool) in ("t2d", "t2a")
        if pool.threads_per_core is not None and single:
            yield Violation(f"{pool.at}.threadsPerCore", f"{pool.machine_type} has one thread a core", key=True)


@rule("GKE008")
def huge_pages_of_a_gigabyte_are_for_some(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Huge pages of 1 GiB are for the series C3, M2, M3, H3, A2, A3 and G2.

    Why: GKE refuses them elsewhere, N2, N4 and C4 among them.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, hugepages: {size1g: 2}}]
    Remedy: Use pages of 2 MiB (`size2m`): 512 of them for each of 1 GiB.
    """
    for pool in _pools(spec):
        if pool.hugepages and pool.hugepages.size_1g and _series(pool) not in HUGE_PAGE_SERIES:
            message = f"{_series(pool).upper()} machines have no huge pages of 1 GiB"
            yield Violation(f"{pool.at}.hugepages.size1g", message, key=True)


@rule("GKE009")
def disks_fit_the_series(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """The boot disks of C4 and N4 machines are Hyperdisks.

    Why: These series take no persistent disk, and pd-balanced is what a pool gets when it says nothing.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: c4-standard-8}]
    Remedy: Add `disk: {type: hyperdisk-balanced}`.
    """
    for pool in _pools(spec):
        if _series(pool) in HYPERDISK_SERIES and not pool.disk.type.startswith("hyperdisk"):
            path = f"{pool.at}.disk.type"
            at = path if tree.has(path) else f"{pool.at}.machineType"
            yield Violation(at, f"{_series(pool).upper()} machines do not start from {pool.disk.type}")


@rule("GKE010")
def metal_is_limited(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Bare metal is C3 with a fixed number of nodes.

    Why: GKE does not take C4 metal, and does not autoscale C3 metal.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: c3-standard-192-metal, nodes: {min: 1, max: 2}}]
    Remedy: Write a fixed number of nodes, or a type without -metal.
    """
    for pool in _pools(spec):
        if not pool.machine_type.endswith("-metal"):
            continue
        if _series(pool) == "c4":
            yield Violation(f"{pool.at}.machineType", "GKE does not take C4 metal machines")
        elif isinstance(pool.nodes, NodeRange):
            yield Violation(f"{pool.at}.nodes", "C3 metal machines are not autoscaled")


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
    for pool in _pools(spec):
        upgrade, path = pool.upgrade, f"{pool.at}.upgrade"
        if upgrade.max_surge == upgrade.max_unavailable == 0 and upgrade.blue_green is None:
            yield Violation(path, "no node may be added and none may be missing")
        for key in ("maxSurge", "maxUnavailable") if upgrade.blue_green else ():
            if tree.has(f"{path}.{key}"):
                yield Violation(f"{path}.{key}", f"`{key}` beside `blueGreen`", remedy="Delete one of them.", key=True)


@rule("GKE012")
def locations_are_places(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`location` is a region or a zone, and node pools are in zones of the same region.

    Why: A zone such as europe-west4-a makes a cluster with one control plane, a region such as europe-west4 one with
        three.
    Example:
        cluster: {provider: gke, project: my-project, location: Frankfurt}
    Remedy: Write, for example, europe-west4-a; `gcloud compute zones list` lists all.
    """
    if not isinstance(spec.cluster, GkeCluster):
        return
    if not re.fullmatch("[a-z]+(-[a-z]+)+[0-9]+(-[a-z])?", spec.cluster.location):
        yield Violation("cluster.location", f"`{spec.cluster.location}` is neither a region nor a zone")
        return
    region = re.sub("-[a-z]$", "", spec.cluster.location)
    for pool in _pools(spec):
        for index, zone in enumerate(pool.zones):
            if re.sub("-[a-z]$", "", zone) != region or not _is_zone(zone):
                message = f"`{zone}` is no zone of {region}, where the cluster is"
                yield Violation(f"{pool.at}.zones.{index}", message, remedy=f"Write, for example, {region}-b.")


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
    for path, name in (cluster, *((f"{pool.at}.name", pool.name) for pool in _pools(spec))):
        if len(name) > 40 or not name[0].isalpha():
            yield Violation(path, f"`{name}` is no name that GKE takes")

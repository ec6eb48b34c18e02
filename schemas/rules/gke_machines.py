"""Which machines GKE has: types, platforms, threads, disks, metal.

Series that are not listed here are left to GKE to judge.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from schemas.rules.gke import pools_of, series_of
from schemas.rules.registry import Violation, rule
from schemas.spec import NodeRange, Spec
from schemas.suggest import did_you_mean, nearest
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
OTHER_SERIES: Final = frozenset(
    "e2 m1 m2 m3 m4 h3 h4d a2 a3 a4 g2 g4 z3 x4 c4n n2d n4d c2d c3d c4d t2d t2a c4a n4a f1 g1".split()  # noqa: SIM905
)
HYPERDISK_SERIES: Final = ("c4", "n4")
PERSISTENT_DISK_SERIES: Final = ("n1", "n2", "n2d", "e2", "c2", "c2d", "t2d", "t2a")
IMAGES: Final = ("COS_CONTAINERD", "UBUNTU_CONTAINERD")
# How many local SSDs of 375 GiB a machine takes by choice; an empty entry has them by its type or not at all.
LOCAL_SSDS: Final[Mapping[str, tuple[int, ...]]] = {
    "n1": (1, 2, 3, 4, 5, 6, 7, 8, 16, 24),
    "n2": (1, 2, 4, 8, 16, 24),
    "c2": (1, 2, 4, 8),
    "c3": (),
    "c4": (),
    "n4": (),
}
LEAST_DISK_BYTES: Final = 10 * 2**30


@functools.cache
def machine_types() -> tuple[str, ...]:
    """The machine types whose size, NUMA nodes and prices are known."""
    return tuple((Path(__file__).parent / "machine_types.txt").read_text().split())


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
    for pool in pools_of(spec):
        if pool.machine_type in machine_types() or series_of(pool) in OTHER_SERIES:
            continue
        near = nearest(pool.machine_type, machine_types())
        if "-custom-" in pool.machine_type:
            yield Violation(f"{pool.at}.machineType", "the NUMA nodes of custom machine types are not known")
            continue
        hint = did_you_mean(pool.machine_type, machine_types())
        message = f"there is no machine type `{pool.machine_type}`{hint}"
        yield Violation(f"{pool.at}.machineType", message, remedy=f"Write {near}." if near else "")


@rule("GKE002")
def platforms_fit_theseries_of(spec: Spec, tree: Tree) -> Iterator[Violation]:
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
    for pool in pools_of(spec):
        known = PLATFORMS.get(series_of(pool))
        if pool.min_cpu_platform is None or known is None or pool.min_cpu_platform in known:
            continue
        path, series = f"{pool.at}.minCpuPlatform", series_of(pool).upper()
        if not known:
            yield Violation(
                path, f"{series} machines have one CPU platform and take no minimum", "Delete the key.", key=True
            )
            continue
        near = nearest(pool.min_cpu_platform, known)
        remedy = f"Write {near}." if near else f"Write {' or '.join(known)}."
        yield Violation(path, f"{series} machines are {' or '.join(known)}, not `{pool.min_cpu_platform}`", remedy)


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
    for pool in pools_of(spec):
        single = pool.machine_type.endswith("-1") or series_of(pool) in ("t2d", "t2a")
        if pool.threads_per_core is not None and single:
            yield Violation(f"{pool.at}.threadsPerCore", f"{pool.machine_type} has one thread a core", key=True)


@rule("GKE009")
def disks_fit_theseries_of(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """The boot disks of C4 and N4 machines are Hyperdisks, those of older series are not.

    Why: C4 and N4 take no persistent disk, and pd-balanced is what a pool gets when it says nothing; N1, N2, C2 and E2
        take no balanced Hyperdisk.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: c4-standard-8}]
    Remedy: Add `disk: {type: hyperdisk-balanced}` for C4 and N4, or delete it for others.
    """
    for pool in pools_of(spec):
        if series_of(pool) in HYPERDISK_SERIES and not pool.disk.type.startswith("hyperdisk"):
            path = f"{pool.at}.disk.type"
            at = path if tree.has(path) else f"{pool.at}.machineType"
            yield Violation(at, f"{series_of(pool).upper()} machines do not start from {pool.disk.type}")
        if series_of(pool) in PERSISTENT_DISK_SERIES and pool.disk.type.startswith("hyperdisk"):
            message = f"{series_of(pool).upper()} machines do not start from {pool.disk.type}"
            yield Violation(f"{pool.at}.disk.type", message, remedy="Write pd-balanced or pd-ssd.")


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
    for pool in pools_of(spec):
        if not pool.machine_type.endswith("-metal"):
            continue
        if series_of(pool) == "c4":
            yield Violation(f"{pool.at}.machineType", "GKE does not take C4 metal machines")
        elif isinstance(pool.nodes, NodeRange):
            yield Violation(f"{pool.at}.nodes", "C3 metal machines are not autoscaled")


@rule("GKE015")
def images_run_containers_on_linux(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A node image is COS_CONTAINERD or UBUNTU_CONTAINERD.

    Why: Others are gone from GKE, or are Windows, where neither kubelet's CPU manager nor OpenVINO's servers are.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, imageType: COS}]
    Remedy: Write COS_CONTAINERD, or leave `imageType` out.
    """
    for pool in pools_of(spec):
        if pool.image_type.upper() not in IMAGES:
            hint = did_you_mean(pool.image_type, IMAGES)
            yield Violation(f"{pool.at}.imageType", f"`{pool.image_type}` is no image for nodes{hint}")


@rule("GKE016")
def local_ssds_fit_the_machine(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Local SSDs are chosen for N1, N2 and C2 machines, in the numbers they take.

    Why: C3 and C4 have them by their type (-lssd) and in no other number; N4 has none. Numbers in between are refused.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, localSsd: {count: 3}}]
    Remedy: Take a number that the machine takes, or a type that ends in -lssd.
    """
    for pool in pools_of(spec):
        known = LOCAL_SSDS.get(series_of(pool))
        if pool.local_ssd is None or known is None or pool.local_ssd.count in known:
            continue
        path, series = f"{pool.at}.localSsd", series_of(pool).upper()
        if not known:
            yield Violation(path, f"{series} machines take no local SSDs of their own", key=True)
        else:
            numbers = ", ".join(map(str, known))
            yield Violation(f"{path}.count", f"{series} machines take {numbers} local SSDs, not {pool.local_ssd.count}")


@rule("GKE017")
def boot_disks_are_large_enough(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A boot disk has 10 GiB at least.

    Why: GKE refuses smaller ones; images of models and servers need more.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, disk: {size: 8GiB}}]
    Remedy: Write `size: 100GiB`, the default.
    """
    for pool in pools_of(spec):
        if pool.disk.size_bytes < LEAST_DISK_BYTES:
            yield Violation(f"{pool.at}.disk.size", f"{pool.disk.size_bytes / 2**30:.3g} GiB are too few")

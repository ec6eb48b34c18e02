"""What GKE lets be said to kubelet and the kernel of its nodes, from which version, and what goes together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from schemas.rules.gke import gke_of, pools_of, series_of
from schemas.rules.registry import Violation, rule
from schemas.spec import NodePool, Spec
from schemas.tree import Tree

HUGE_PAGE_SERIES: Final = ("c3", "m2", "m3", "h3", "a2", "a3", "g2")
MANAGERS_SINCE: Final = (1, 32, 3, 1785000)
IMAGE_PULLS_SINCE: Final = (1, 33, 1, 1918000)
HUGE_PAGES_SINCE: Final = (1, 33, 2, 4655000)
LEAST_PIDS: Final = 1024
MOST_PIDS: Final = 4194304  # what the kernel has
# GKE takes kernel settings of these branches only.
SYSCTLS: Final = ("fs.", "kernel.", "net.", "vm.")


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
    cluster = gke_of(spec)
    for pool in pools_of(spec):
        for key, since in _kept_back(pool):
            if cluster and _is_before(cluster.version, since):
                yield Violation(f"{pool.at}.{key}", f"`{key}` is refused by GKE {cluster.version}", key=True)


def _kept_back(pool: NodePool) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The settings of a pool that have an oldest version, and that version."""
    if pool.topology_manager != "none":
        yield "topologyManager", MANAGERS_SINCE
    if pool.memory_manager != "None":
        yield "memoryManager", MANAGERS_SINCE
    if pool.max_image_pulls is not None:
        yield "maxImagePulls", IMAGE_PULLS_SINCE
    if pool.transparent_hugepages is not None:
        yield "transparentHugepages", HUGE_PAGES_SINCE


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
    for pool in pools_of(spec):
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
    for pool in pools_of(spec):
        if pool.memory_manager == "Static" and pool.topology_manager not in ("restricted", "single-numa-node"):
            message = f"`memoryManager: Static` beside `topologyManager: {pool.topology_manager}`"
            yield Violation(f"{pool.at}.memoryManager", message)


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
    for pool in pools_of(spec):
        if pool.hugepages and pool.hugepages.size_1g and series_of(pool) not in HUGE_PAGE_SERIES:
            message = f"{series_of(pool).upper()} machines have no huge pages of 1 GiB"
            yield Violation(f"{pool.at}.hugepages.size1g", message, key=True)


@rule("GKE018")
def kernel_settings_are_those_gke_takes(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`sysctls` are settings of the branches fs, kernel, net and vm.

    Why: GKE refuses others.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, sysctls: {dev.raid.speed_limit_max: "1"}}]
    Remedy: Delete the key; `docs.cloud.google.com/kubernetes-engine/docs/how-to/node-system-config` lists all.
    """
    for pool in pools_of(spec):
        for key in pool.sysctls or {}:
            if not key.startswith(SYSCTLS):
                yield Violation(f"{pool.at}.sysctls", f"`{key}` is no kernel setting that GKE takes")


@rule("GKE019")
def quota_periods_are_short(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """The period of the CFS quota is between 1 ms and 1 s, and there is a quota.

    Why: The kernel takes no other; without a quota (`cfsQuota: false`) the period does nothing.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, cfsQuotaPeriod: 5s}]
    Remedy: Write, for example, `cfsQuotaPeriod: 100ms`, the kernel's default; without a quota delete the key.
    """
    for pool in pools_of(spec):
        period, path = pool.cfs_quota_period_s, f"{pool.at}.cfsQuotaPeriod"
        if period is not None and not 0.001 <= period <= 1:
            yield Violation(path, f"{period:g} s are no period of the CFS quota")
        elif period is not None and pool.cfs_quota is False:
            yield Violation(path, "a period of a quota that is switched off", key=True)


@rule("GKE044")
def pods_have_enough_processes(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A pod may have between 1024 and 4194304 processes.

    Why: GKE takes no other `podPidsLimit`; threads count as well, and a server has many.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, maxPids: 10}]
    Remedy: Write `maxPids: 4096`, or leave it out.
    """
    for pool in pools_of(spec):
        if pool.max_pids is not None and not LEAST_PIDS <= pool.max_pids <= MOST_PIDS:
            yield Violation(f"{pool.at}.maxPids", f"{pool.max_pids} processes are no limit that GKE takes")

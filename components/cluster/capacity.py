"""What a GKE node leaves for pods: allocatable CPU and memory, and the CPUs that kubelet keeps. Pure formulas.

Formulas: https://docs.cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes. They agree with allocatable of
real N1 and N2 nodes, CPU exactly and memory within 0.1 GiB; for newer series they are applied by inference. The static
CPU manager sets whole CPUs aside for what is reserved, lowest numbers first, so on NUMA node 0 (Kubernetes,
pkg/kubelet/cm/cpumanager).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from components.cluster.machines import MachineType
from schemas.spec import NodePool

# What pods of the system request on every node: the higher of what was measured on GKE 1.25 to 1.29
# (github.com/2i2c-org/infrastructure, issue 2121 and pull 4131).
SYSTEM_MILLICPUS: Final = 454
SYSTEM_MEMORY_MIB: Final = 656
EVICTION_MIB: Final = 100
MANY_PODS: Final = 110


@dataclass(frozen=True)
class NodeCapacity:
    """A node of a pool: CPUs as the guest sees them, cores of each NUMA node, and what pods of the user may request."""

    cpus: int
    cpus_per_core: int
    cores: int
    numa_nodes: int
    kubelet_cpus: int
    free_millicpus: int
    free_memory_mib: int

    @property
    def cores_per_node(self) -> int:
        """Physical cores of a NUMA node."""
        return self.cores // self.numa_nodes

    @property
    def whole_cores_on_first(self) -> int:
        """Cores of NUMA node 0 of which kubelet keeps no CPU."""
        return self.cores_per_node - math.ceil(self.kubelet_cpus / self.cpus_per_core)


def capacity_of(machine: MachineType, pool: NodePool) -> NodeCapacity:
    """The capacity of a pool's nodes; NUMA nodes of the measured platform where those of the pool's are not known."""
    cpus_per_core = min(machine.threads_per_core, pool.threads_per_core or machine.threads_per_core)
    cpus = machine.cores * cpus_per_core
    reserved = reserved_millicpus(cpus, pods=pool.max_pods or MANY_PODS)
    guest_gib = machine.guest_memory_mib / 1024
    memory = machine.guest_memory_mib - round(reserved_gib(guest_gib) * 1024) - EVICTION_MIB
    pages = pool.hugepages
    huge_mib = 2 * pages.size_2m + 1024 * pages.size_1g if pages else 0
    return NodeCapacity(
        cpus=cpus,
        cpus_per_core=cpus_per_core,
        cores=machine.cores,
        numa_nodes=machine.numa_nodes_on(pool.min_cpu_platform) or machine.numa_nodes,
        kubelet_cpus=math.ceil(reserved / 1000) if pool.cpu_manager == "static" else 0,
        free_millicpus=math.floor(cpus * 1000 - reserved) - SYSTEM_MILLICPUS,
        free_memory_mib=memory - huge_mib - SYSTEM_MEMORY_MIB,
    )


def reserved_millicpus(cpus: int, *, pods: int = MANY_PODS) -> float:
    """CPU that GKE reserves: 6 % of the first, 1 % of the second, 0.5 % of the next two, 0.25 % of each further one."""
    steps = (60.0, 10.0, 5.0, 5.0)
    reserved = sum(steps[:cpus]) + 2.5 * max(0, cpus - len(steps))
    return reserved + (400 if pods > MANY_PODS else 0)


def reserved_gib(memory_gib: float) -> float:
    """Memory that GKE reserves, in GiB: 25 % of the first 4, 20 % of the next 4, 10 %, 6 %, then 2 % above 128."""
    if memory_gib < 1:
        return 255 / 1024
    reserved, start = 0.0, 0.0
    for end, share in ((4, 0.25), (8, 0.20), (16, 0.10), (128, 0.06), (math.inf, 0.02)):
        reserved += max(0.0, min(memory_gib, end) - start) * share
        start = end
    return reserved

"""Sizes and prices of GKE's nodes against figures of real ones."""

from __future__ import annotations

import pytest

from components.cluster.capacity import (
    SYSTEM_MEMORY_MIB,
    SYSTEM_MILLICPUS,
    capacity_of,
    reserved_gib,
    reserved_millicpus,
)
from components.cluster.gke_cost import cost_of, node_counts
from components.cluster.machines import find_machine, machine_types, region_of
from schemas.rules import gke_machines as rules
from schemas.spec import Hugepages, NodeRange
from tests.components.cluster.gke_builders import a_cluster, a_pool


@pytest.mark.parametrize(
    ("name", "millicpus", "memory_mib"),
    # Allocatable of running nodes (github.com/2i2c-org/infrastructure, node-capacity-info.json at 1097ae3c).
    [
        ("n2-highmem-4", 3920, 28404),
        ("n2-highmem-16", 15890, 119346),
        ("n2-highmem-32", 31850, 245842),
        ("n2-highmem-64", 63770, 498637),
    ],
)
def test_allocatable_is_that_of_real_nodes(name: str, millicpus: int, memory_mib: int) -> None:
    machine = find_machine(name)
    assert machine
    capacity = capacity_of(machine, a_pool(machine_type=name))
    assert capacity.free_millicpus + SYSTEM_MILLICPUS == millicpus
    assert abs(capacity.free_memory_mib + SYSTEM_MEMORY_MIB - memory_mib) < 103


def test_reserved_cpu_and_memory_follow_the_published_steps() -> None:
    assert [reserved_millicpus(cpus) for cpus in (1, 2, 4, 22, 32)] == [60, 70, 80, 125, 150]
    assert reserved_millicpus(32, pods=200) == 550
    assert [round(reserved_gib(memory), 2) for memory in (0.5, 4, 8, 16, 128, 256)] == [
        0.25,
        1.0,
        1.8,
        2.6,
        9.32,
        11.88,
    ]


def test_one_thread_a_core_halves_the_cpus_and_keeps_the_cores() -> None:
    machine = find_machine("n2-standard-32")
    assert machine
    capacity = capacity_of(machine, a_pool(threads_per_core=1, cpu_manager="static"))
    assert (capacity.cpus, capacity.cores, capacity.numa_nodes, capacity.kubelet_cpus) == (16, 16, 2, 1)
    assert capacity.free_millicpus + SYSTEM_MILLICPUS == 15890
    assert (capacity.cores_per_node, capacity.whole_cores_on_first) == (8, 7)


def test_huge_pages_are_no_memory_for_pods() -> None:
    machine = find_machine("n2-standard-8")
    assert machine
    plain, huge = capacity_of(machine, a_pool()), capacity_of(machine, a_pool(hugepages=Hugepages(size_2m=512)))
    assert plain.free_memory_mib - huge.free_memory_mib == 1024


def test_numa_nodes_are_known_for_the_measured_platform_only() -> None:
    machine = find_machine("n2-standard-32")
    assert machine
    assert machine.numa_nodes_on("Intel Cascade Lake") == 2
    assert machine.numa_nodes_on("Intel Ice Lake") is None
    assert find_machine("n2-standard-33") is None


def test_every_machine_divides_evenly_into_nodes_and_threads() -> None:
    for machine in machine_types().values():
        assert machine.cores % machine.numa_nodes == 0
        assert machine.vcpus in (machine.cores, 2 * machine.cores)


def test_the_spec_takes_the_same_machine_types() -> None:
    assert set(rules.machine_types()) == set(machine_types())


def test_the_cost_is_the_sum_of_nodes_and_the_fee() -> None:
    cost = cost_of(a_cluster(a_pool(nodes=NodeRange(min=1, max=4)), a_pool("load", machine_type="n2-standard-8")))
    assert cost.least_usd_hour == pytest.approx(0.10 + 1.880256 + 0.470064)
    assert cost.most_usd_hour == pytest.approx(0.10 + 4 * 1.880256 + 0.470064)
    assert cost.notes[-1].startswith("2.45 to 8.09 USD an hour in all, list prices of 2026-08-03")


def test_a_price_that_is_not_known_is_said_to_be_so() -> None:
    cost = cost_of(a_cluster(a_pool(), location="asia-east1-a"))
    assert cost.least_usd_hour == 0.10
    assert cost.notes[0] == "serving: no price of n2-standard-32 in asia-east1 is known"


def test_a_regional_cluster_has_nodes_in_three_zones() -> None:
    assert node_counts(a_cluster(location="europe-west4"), a_pool(nodes=2)) == (6, 6)
    assert node_counts(a_cluster(location="europe-west4"), a_pool(nodes=2, zones=("europe-west4-a",))) == (2, 2)
    assert (region_of("europe-west4-a"), region_of("europe-west4")) == ("europe-west4", "europe-west4")

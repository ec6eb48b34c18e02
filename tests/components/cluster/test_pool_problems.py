"""Node pools that their machines' data refuse."""

from __future__ import annotations

from components.cluster.pool_problems import pool_problems
from schemas.spec import Hugepages
from tests.components.cluster.gke_builders import a_cluster, a_pool


def test_a_machine_that_its_region_does_not_sell_is_refused() -> None:
    ((path, problem),) = pool_problems(a_cluster(a_pool(machine_type="c3-standard-22", at="cluster.nodePools.serving")))
    assert (path, problem.rule) == ("cluster.nodePools.serving.machineType", "GKE037")
    assert problem.message == "c3-standard-22 is not sold in europe-central2"
    assert "europe-west4 and us-central1" in problem.why


def test_regions_and_machines_of_which_nothing_is_known_are_left_to_gke() -> None:
    assert pool_problems(a_cluster(a_pool(machine_type="c3-standard-22"), location="asia-east1-a")) == ()
    assert pool_problems(a_cluster(a_pool(machine_type="m3-ultramem-32"))) == ()


def test_huge_pages_take_a_part_of_the_memory_and_no_more() -> None:
    small = a_pool(machine_type="n2-standard-4", hugepages=Hugepages(size_2m=4915))
    assert pool_problems(a_cluster(small)) == ()
    ((_, problem),) = pool_problems(a_cluster(a_pool(machine_type="n2-standard-4", hugepages=Hugepages(size_2m=5120))))
    assert problem.rule == "GKE038"
    assert "`size2m: 4915`" in problem.remedy
    assert pool_problems(a_cluster(a_pool(hugepages=Hugepages(size_2m=100 * 512)))) == ()

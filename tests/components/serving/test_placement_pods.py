"""Serving groups as pods on GKE nodes."""

from __future__ import annotations

from typing import Any

import pytest

from components.serving.placement import Misfit
from components.serving.placement_pods import PodPlan, crowded_pools, plan_groups, plan_pods
from schemas.spec import Autoscale, GkeCluster, Instances, NodePool, NodeRange, Serving
from tests.components.cluster.gke_builders import a_cluster, a_numa_pool, a_pool


def a_group(**fields: Any) -> Serving:
    return Serving(**{"name": "digits", "model": "digits", "platform": "ovms", "at": "serving.digits", **fields})


def plan(pool: NodePool, **fields: Any) -> PodPlan:
    return plan_pods(a_cluster(pool), a_group(**fields))


def misfit(cluster: GkeCluster, **fields: Any) -> Misfit:
    with pytest.raises(Misfit) as caught:
        plan_pods(cluster, a_group(**fields))
    return caught.value


def test_seven_cores_on_each_numa_node_leave_one() -> None:
    found = plan(a_numa_pool(), instances=Instances(per_numa_node=1, cores=7))
    assert (found.replicas, found.per_node, found.cpus, found.threads) == (2, 2, 7, 7)
    assert found.fit[0] == (
        "digits: 2 x 7 cores on n2-standard-32 with one thread a core: one a NUMA node, 1 core left on each"
    )
    assert found.fit[1] == "digits: kubelet keeps 1 CPU of NUMA node 0 for itself"


def test_latency_takes_what_the_smaller_node_leaves() -> None:
    assert plan(a_numa_pool()).cores == 7


def test_throughput_is_many_pods_of_one_core() -> None:
    assert plan(a_numa_pool(), layout="throughput").per_node == 15


def test_two_threads_a_core_are_two_cpus_of_one_thread() -> None:
    found = plan(a_numa_pool(threads_per_core=None))
    assert (found.cores, found.cpus, found.threads) == (7, 14, 7)


def test_as_many_pods_as_the_fewest_nodes_take() -> None:
    assert plan(a_numa_pool(nodes=NodeRange(min=3, max=5))).replicas == 6
    assert plan(a_numa_pool(), replicas=1).replicas == 1


def test_memory_is_shared_fairly_on_small_nodes() -> None:
    found = plan(a_pool(machine_type="n2-highcpu-4"), layout="throughput")
    assert found.memory_mib * found.per_node <= 3000


def test_too_many_cores_say_what_a_node_has_and_what_fits() -> None:
    found = misfit(a_cluster(a_numa_pool()), instances=Instances(per_numa_node=1, cores=8))
    assert found.problems[0].message == (
        "digits needs 2 x 8 cores on each n2-standard-32; it has 2 x 8 cores, of which kubelet keeps 1 CPU"
    )
    assert found.problems[0].remedy == "`cores: 7` fits"
    assert found.at == ("serving.digits.instances.cores",)


def test_a_group_without_a_pool_is_told_to_have_one() -> None:
    assert "node pool" in misfit(a_cluster()).problems[0].message
    assert "node pool" in misfit(a_cluster(a_pool()), node_pool="other").problems[0].message


def test_cpus_by_hand_mean_nothing_on_a_cluster() -> None:
    assert "kubelet chooses" in misfit(a_cluster(a_pool()), cores="0-3").problems[0].message


def test_machines_of_unknown_size_are_planned_without_a_fit() -> None:
    found = plan(a_pool(machine_type="e2-medium"), instances=Instances(count=1, cores=1))
    assert (found.cores, found.replicas) == (1, 1)
    assert "is not known here" in found.fit[0]


def test_pools_that_pin_nothing_say_what_would() -> None:
    assert any("`cpuManager: static`" in line for line in plan(a_pool()).fit)
    straddling = plan(a_numa_pool(topology_manager="none")).fit
    assert any("`topologyManager: single-numa-node`" in line for line in straddling)


def test_groups_that_need_more_nodes_than_a_pool_has_are_noticed() -> None:
    cluster = a_cluster(a_numa_pool())
    plans = [plan_pods(cluster, a_group(name=name)) for name in ("one", "two")]
    assert crowded_pools(plans[:1], cluster) == ()
    assert crowded_pools(plans, cluster) == ("pool serving: one, two need 2 nodes together, and it has at most 1",)


def test_one_group_that_its_pool_never_has_room_for_is_refused() -> None:
    pool = a_numa_pool(nodes=NodeRange(min=1, max=2))
    found = misfit(a_cluster(pool), instances=Instances(per_numa_node=1, cores=7), replicas=50)
    assert found.problems[0].message == "digits may have 50 pods; pool serving has room for 4"
    assert found.problems[0].remedy == "`replicas: 4` fits, or let the pool have 25 nodes"
    assert found.at == ("serving.digits.replicas",)


def test_an_autoscaler_that_asks_for_more_than_the_pool_ever_has_is_refused() -> None:
    scaled = misfit(a_cluster(a_numa_pool()), autoscale=Autoscale(max=8), instances=Instances(count=1, cores=7))
    assert scaled.problems[0].message == "digits may have 8 pods; pool serving has room for 2"
    assert scaled.at == ("serving.digits.autoscale.max",)


def test_pods_that_need_a_node_more_than_the_pool_begins_with_are_noticed() -> None:
    pool, one = a_numa_pool(nodes=NodeRange(min=1, max=2)), Instances(per_numa_node=1, cores=7)
    note = "need 2 nodes: pool serving begins with 1, and GKE adds the others"
    assert plan(pool, instances=one, replicas=4).fit[-1] == f"digits: 4 pods {note}"
    assert plan(pool, instances=one, autoscale=Autoscale(max=3)).fit[-1] == f"digits: up to 3 pods {note}"
    assert not any(note in line for line in plan(pool, instances=one, replicas=2).fit)


def test_pods_that_share_cpus_find_as_much_room_as_they_request() -> None:
    assert plan(a_pool(), exclusive=False, instances=Instances(count=1, cores=1), replicas=6).replicas == 6


def test_a_new_pod_starts_first_where_the_pool_has_room_for_it() -> None:
    small = Instances(count=1, cores=2)
    assert plan(a_numa_pool(), instances=small).surge
    assert not plan(a_numa_pool(), instances=Instances(per_numa_node=1, cores=7)).surge
    assert not plan(a_numa_pool(), instances=small, rolling="replace").surge


def test_a_group_alone_on_its_node_waits_for_another_node_rather_than_for_its_only_pod() -> None:
    large = Instances(count=1, cores=7)
    assert plan(a_numa_pool(nodes=NodeRange(min=1, max=2)), instances=large, replicas=1).surge


def test_groups_on_one_pool_leave_each_other_no_room() -> None:
    groups = [a_group(name=name, instances=Instances(count=1, cores=7)) for name in ("one", "two")]
    cluster = a_cluster(a_numa_pool())
    assert plan_pods(cluster, groups[0]).surge
    assert not any(found.surge for found in plan_groups(cluster, groups).values())


def test_pods_of_more_than_half_a_numa_node_are_alone_on_it() -> None:
    assert plan(a_numa_pool(), instances=Instances(count=1, cores=5)).alone
    assert not plan(a_numa_pool(), instances=Instances(count=1, cores=4)).alone


def test_memory_and_hyper_threads_are_as_the_spec_says() -> None:
    found = plan(a_numa_pool(threads_per_core=None), memory_bytes=2**32, hyperthreads=True)
    assert (found.memory_mib, found.threads) == (4096, found.cpus)


def test_pods_are_pinned_where_the_pool_pins_and_they_ask_for_whole_cpus() -> None:
    assert plan(a_numa_pool()).pinned
    assert not plan(a_pool()).pinned
    shared = plan(a_numa_pool(), exclusive=False)
    assert (shared.pinned, shared.millicpus) == (False, 7 * 250)

"""Serving groups as pods on nodes that somebody else has made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from components.cluster.nodes import Kubelet
from components.serving.placement_misfit import Misfit
from components.serving.placement_nodes import plan_pods_anywhere, usable
from schemas.spec import Autoscale, Instances, KubernetesCluster, Taint
from tests.components.serving.pods.pod_builders import STATIC, a_group, a_node, a_plan, some_facts

LOOSE = Kubelet("none", "none", "container", "None", True)


def cores(number: int, **fields: Any) -> Instances:
    return Instances(cores=number, **fields)


def misfit(*nodes: Any, **fields: Any) -> Misfit:
    with pytest.raises(Misfit) as caught:
        a_plan(a_group(**fields), *nodes)
    return caught.value


def test_pods_are_as_the_spec_says_and_the_fit_says_for_how_many_there_is_room() -> None:
    plan = a_plan(a_group(instances=cores(2, count=2)))
    assert (plan.replicas, plan.cores, plan.cpus, plan.threads, plan.pinned) == (2, 2, 2, 2, True)
    assert plan.fit == ("digits: 2 x 2 cores on node node-1: room for 3",)


def test_without_the_nodes_a_plan_is_made_all_the_same() -> None:
    plan = plan_pods_anywhere(a_group(instances=cores(4)))
    assert (plan.replicas, plan.cpus, plan.pinned) == (1, 4, False)
    assert "not read" in plan.fit[0]


def test_instances_a_numa_node_are_counted_over_all_nodes() -> None:
    nodes = [a_node(name=name, numa_cpus=(3, 4)) for name in ("node-1", "node-2")]
    assert a_plan(a_group(instances=cores(3, per_numa_node=1)), *nodes).replicas == 4


def test_pods_never_straddle_numa_nodes_that_are_known() -> None:
    plan = a_plan(a_group(instances=cores(3, count=2)), a_node(numa_cpus=(3, 4)))
    assert (plan.per_node, plan.alone) == (2, True)
    assert "`cores: 4` fits" in misfit(a_node(numa_cpus=(3, 4)), instances=cores(5)).problems[0].remedy


def test_what_neighbours_have_taken_changes_what_is_said_and_nothing_else() -> None:
    serving = a_group(instances=cores(2, count=2))
    empty, full = a_plan(serving), a_plan(serving, a_node(taken_millicpus=7000, taken_memory_mib=1000))
    assert (full.surge, full.replicas, full.millicpus) == (empty.surge, empty.replicas, empty.millicpus)
    assert "room for 0 only at the moment" in full.fit[1]


def test_a_pod_that_no_node_could_run_is_refused_with_what_fits() -> None:
    found = misfit(a_node(), instances=cores(8)).problems[0]
    assert found.message == (
        "digits needs 8 CPUs and 8192 MiB a pod; node-1, the largest of its nodes, has 7.5 CPUs and 30000 MiB for pods"
    )
    assert found.remedy == "`cores: 7` fits"
    assert "memory" in misfit(a_node(), memory_bytes=2**40).problems[0].remedy


def test_cpus_by_hand_mean_nothing_on_a_cluster() -> None:
    assert misfit(cores="0-3", instances=None).problems[0].rule == "NUMA011"


def test_nodes_that_pin_nothing_or_tell_nothing_are_named() -> None:
    plan = a_plan(a_group(), a_node(kubelet=LOOSE), a_node(name="node-2", kubelet=None))
    assert not plan.pinned
    assert any("not pinned: the CPU manager of node-1" in line for line in plan.fit)
    assert any("node-2" in line and "nodes/proxy" in line for line in plan.fit)


def test_pods_may_straddle_where_the_topology_manager_lets_them() -> None:
    lax = Kubelet("static", "best-effort", "container", "None", True)
    assert any("straddle" in line for line in a_plan(a_group(), a_node(numa_cpus=(4, 4), kubelet=lax)).fit)
    assert not any("straddle" in line for line in a_plan(a_group(), a_node(numa_cpus=(4, 4), kubelet=STATIC)).fit)


def test_only_nodes_that_may_be_used_are_counted() -> None:
    nodes = (
        a_node(name="fits"),
        a_node(name="cordoned", usable=False),
        a_node(name="tainted", taints=(Taint(key="model", value="active"),)),
        a_node(name="preferred", taints=(Taint(key="model", effect="PreferNoSchedule"),)),
        a_node(name="gpu", gpus=1, labels={"gpu": "yes"}),
    )
    assert [node.name for node in usable(a_group(), nodes)] == ["fits", "preferred"]
    tolerant = a_group(tolerations=(Taint(key="model"),))
    assert "tainted" in [node.name for node in usable(tolerant, nodes)]
    assert [node.name for node in usable(a_group(node_selector={"gpu": "yes"}), nodes)] == ["gpu"]
    assert "no node" in misfit(a_node(usable=False)).problems[0].message


def test_hyper_threads_are_stated_or_read_from_labels() -> None:
    stated = KubernetesCluster(provider="kubernetes", threads_per_core=2)
    assert plan_pods_anywhere(a_group(), stated).cpus == 2
    assert plan_pods_anywhere(a_group(), None, some_facts(a_node(threads_per_core=2))).cpus == 2
    one = KubernetesCluster(provider="kubernetes", threads_per_core=1)
    assert plan_pods_anywhere(a_group(), one, some_facts(a_node(threads_per_core=2))).cpus == 1


def test_memory_is_as_stated_or_by_cores() -> None:
    assert a_plan(a_group(memory_bytes=3 * 2**30)).memory_mib == 3072
    assert a_plan(a_group(instances=cores(4))).memory_mib == 4096


def test_replacing_the_only_pod_without_room_for_another_is_told() -> None:
    plan = a_plan(a_group(), a_node(free_millicpus=1000))
    assert not plan.surge
    assert "its only pod stops before the new one starts, and requests fail meanwhile" in plan.fit[-1]
    assert a_plan(a_group(), a_node(free_millicpus=2000)).surge


def test_the_spec_may_say_how_pods_are_replaced() -> None:
    assert not a_plan(a_group(rolling="replace", replicas=2)).surge
    forced = a_plan(a_group(rolling="surge"), a_node(free_millicpus=1000))
    assert forced.surge
    assert "waits for it" in forced.fit[-1]


def test_pods_that_share_cpus_request_a_part_of_each() -> None:
    plan = a_plan(a_group(exclusive=False, instances=cores(2)), a_node(free_millicpus=1000))
    assert (plan.millicpus, plan.pinned, plan.per_node) == (500, False, 2)


def test_groups_of_the_stack_leave_each_other_no_room() -> None:
    groups = [a_group(name=name, instances=cores(3)) for name in ("one", "two")]
    plan = plan_pods_anywhere(groups[0], None, some_facts(), groups)
    assert not plan.surge
    three = [*groups, a_group(name="three", instances=cores(3))]
    assert "ask for more CPUs" in plan_pods_anywhere(three[0], None, some_facts(), three).fit[1]


def test_an_autoscaler_without_metrics_is_told_of() -> None:
    assert "metrics-server" in a_plan(a_group(autoscale=Autoscale(max=2))).fit[-1]
    facts = replace(some_facts(), kinds=frozenset({"pods.metrics.k8s.io"}))
    assert len(plan_pods_anywhere(a_group(autoscale=Autoscale(max=2)), None, facts).fit) == 1

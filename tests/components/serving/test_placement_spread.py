"""Pods that are spread strictly may be left without a place, and the plan says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.serving.placement_nodes import plan_pods_anywhere
from components.serving.placement_pods import PodPlan
from components.serving.placement_spread import Ground, stranding
from schemas.spec import Instances, Serving
from tests.components.serving.pods.pod_builders import a_node, some_facts

THREE_NODES = Ground(nodes=3, places=2, free_millicpus=2100, free_memory_mib=8192)


def a_group(name: str, **fields: object) -> Serving:
    return Serving(name=name, model="digits", **fields)  # type: ignore[arg-type]  # the fields fit, each by its name


def a_plan(name: str, replicas: int = 2, **fields: object) -> PodPlan:
    """Pods of one CPU, each alone on its NUMA node."""
    plan = PodPlan(name, None, replicas, 1, 1, 1, 1024, threads=1, streams=1, fit=(), alone=True)
    return replace(plan, **fields)  # type: ignore[arg-type]  # the fields fit, each by its name


def said(*others: tuple[Serving, PodPlan], replicas: int = 2, spread: str | None = None) -> str:
    return stranding(a_group("c", spread=spread), a_plan("c", replicas), THREE_NODES, others)


A = (a_group("a"), a_plan("a"))
B = (a_group("b"), a_plan("b"))


def test_two_groups_may_fill_the_nodes_that_a_third_needs() -> None:
    assert said(A, B) == (
        "c: its pods are spread strictly over 3 nodes, of which other groups may fill 2: one may then wait though "
        "there is room; `spread: none` lets it share a node"
    )


def test_a_group_of_strictly_spread_pods_cannot_fill_a_node_alone() -> None:
    assert said(A) == ""
    assert said((a_group("a", spread="none"), a_plan("a", 4))) != ""


@pytest.mark.parametrize("spread", ["none", "zone"])
def test_groups_that_are_not_spread_strictly_over_nodes_find_a_place(spread: str) -> None:
    assert said(A, B, spread=spread) == ""


def test_small_pods_that_share_cpus_leave_whole_cores_alone() -> None:
    shared = a_plan("a", 4, exclusive=False, alone=False)
    assert said((a_group("a", exclusive=False), shared), B) == ""


def test_pods_that_need_few_cpus_may_fill_nodes_with_their_memory() -> None:
    shared = {"exclusive": False, "alone": False}
    small, large = (a_plan("a", 2, memory_mib=mib, **shared) for mib in (1024, 7680))
    others = a_group("a", exclusive=False)
    assert said((others, small), replicas=3) == ""
    assert "of which other groups may fill 2" in said((others, large), replicas=3)


def test_a_plan_for_existing_nodes_says_it_beside_the_fit() -> None:
    groups = [a_group(name, instances=Instances(count=2, cores=1), spread="node") for name in "abc"]
    nodes = [a_node(name=f"node-{index}", cpus=2, free_millicpus=2100) for index in range(3)]
    found = plan_pods_anywhere(groups[2], None, some_facts(*nodes), groups)
    assert "spread strictly over 3 nodes" in found.fit[-1]
    alone = plan_pods_anywhere(groups[2], None, some_facts(*nodes), groups[2:])
    assert not any("strictly" in line for line in alone.fit)

"""What a plan does to nodes, to the pods on them, and to the cost."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from components.cluster.gke_impact import Touched, judged, stopped_by
from components.cluster.gke_table import CLUSTER, POOL
from components.cluster.node_impact import CloudImpact, from_json
from components.cluster.node_pool import pool_props
from components.cluster.workloads import workloads
from schemas.spec import BlueGreen, GkeCluster, Hugepages, NodePool, NodeRange, Taint, Upgrade
from tests.components.cluster.gke_builders import a_cluster, a_numa_pool


def a_change(old: NodePool, new: NodePool, op: str = "update", cluster: GkeCluster | None = None) -> list[Touched]:
    cluster = cluster or a_cluster()
    props = {"location": cluster.location, "nodeLocations": list(cluster.zones), "name": "c"}
    before, after = (pool_props(p, cluster, cluster_name="c", service_account="n@x") for p in (old, new))
    return [Touched("cluster", CLUSTER, "same", props, props), Touched("pool", POOL, op, before, after)]


def pods(replicas: int | None = 4, **spec: Any) -> dict[str, Any]:
    """A Deployment on the pool `serving`."""
    template = {"spec": {"nodeSelector": {"cloud.google.com/gke-nodepool": "serving"}}}
    counted = {} if replicas is None else {"replicas": replicas}
    return {"kind": "Deployment", "metadata": {"name": "digits"}, "spec": {**counted, "template": template, **spec}}


def standing(*manifests: dict[str, Any]) -> list[Touched]:
    return [Touched(f"o{n}", f"kubernetes:{m['kind']}", "same", m, m) for n, m in enumerate(manifests)]


def words(impact: CloudImpact) -> list[str]:
    return [pool.text for pool in impact.pools] + [group.text for group in impact.groups]


def test_a_kubelet_setting_recreates_every_node_by_surge() -> None:
    impact = judged(a_change(a_numa_pool(nodes=3), a_numa_pool(nodes=3, cpu_manager="none")))
    assert words(impact) == ["each of its 3 nodes is recreated once, 1 at a time, 1 more meanwhile (surge)"]


def test_two_blocks_recreate_every_node_twice_under_the_pools_settings() -> None:
    upgrade = Upgrade(max_surge=0, max_unavailable=2)
    new = a_numa_pool(nodes=3, upgrade=upgrade, cpu_manager="none", hugepages=Hugepages(size_2m=512))
    impact = judged(a_change(a_numa_pool(nodes=3, upgrade=upgrade), new))
    assert words(impact) == ["each of its 3 nodes is recreated twice, 2 at a time, up to 2 missing meanwhile"]


def test_a_blue_green_pool_has_its_new_nodes_first() -> None:
    upgrade = Upgrade(blue_green=BlueGreen(batch_nodes=2))
    nodes = NodeRange(min=2, max=4)
    impact = judged(
        a_change(
            a_numa_pool(nodes=nodes, upgrade=upgrade),
            a_numa_pool(nodes=nodes, upgrade=upgrade, machine_type="n2-standard-48"),
        )
    )
    assert words(impact) == [
        "each of its 2 to 4 nodes is recreated once: as many new ones beside them first, then 2 emptied at a time "
        "(blue-green)"
    ]


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (a_numa_pool(nodes=3), "2 -> 3 nodes"),
        (a_numa_pool(nodes=2, taints=(Taint(key="model"),)), "changed on its running nodes"),
        (a_numa_pool(nodes=2, upgrade=Upgrade(max_surge=2)), "its nodes stay as they are"),
        (
            a_numa_pool(nodes=2, zones=("europe-central2-a", "europe-central2-b")),
            "nodes come and go by zone; 2 -> 4 nodes",
        ),
        (
            a_numa_pool(nodes=1, machine_type="n2-standard-48"),
            "each of its 2 nodes is recreated once, 1 at a time, 1 more meanwhile (surge); 2 -> 1 node",
        ),
    ],
)
def test_other_changes_resize_move_or_leave_the_nodes(new: NodePool, says: str) -> None:
    assert words(judged(a_change(a_numa_pool(nodes=2), new))) == [says]


def test_a_replaced_pool_loses_its_nodes_before_new_ones_come_and_its_groups_stop() -> None:
    change = a_change(a_numa_pool(nodes=2), a_numa_pool(nodes=2, spot=True), op="replace")
    impact = judged([*change, *standing(pods())])
    assert words(impact) == ["its 2 nodes go before new ones come", "INTERRUPTED: no replica answers meanwhile"]


def test_replicas_on_the_nodes_that_are_emptied_do_not_answer() -> None:
    change = a_change(a_numa_pool(nodes=2), a_numa_pool(nodes=2, cpu_manager="none"))
    (group,) = judged([*change, *standing(pods(4))]).groups
    assert (group.group, group.left, group.replicas, group.interrupted) == ("digits", 2, 4, False)
    (one,) = judged([*change, *standing(pods(1))]).groups
    assert one.interrupted


def test_a_disruption_budget_keeps_replicas_where_the_nodes_alone_would_not() -> None:
    change = a_change(a_numa_pool(nodes=1), a_numa_pool(nodes=1, cpu_manager="none"))
    budget = {"kind": "PodDisruptionBudget", "metadata": {"name": "digits"}, "spec": {"maxUnavailable": "25%"}}
    (group,) = judged([*change, *standing(pods(4), budget)]).groups
    assert group.left == 3


def test_groups_on_other_pools_and_new_groups_are_not_concerned() -> None:
    change = a_change(a_numa_pool("other", nodes=2), a_numa_pool("other", nodes=2, cpu_manager="none"))
    assert judged([*change, *standing(pods())]).groups == ()
    new = Touched("new", "kubernetes:Deployment", "create", {}, pods())
    touched = a_change(a_numa_pool(nodes=2), a_numa_pool(nodes=2, cpu_manager="none"))
    assert judged([*touched, new]).groups == ()


def test_an_autoscaled_group_counts_the_replicas_it_has_at_least() -> None:
    scaler = {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "digits"}, "spec": {"minReplicas": 3}}
    (found,) = workloads([pods(None), scaler])
    assert (found.name, found.pool, found.replicas) == ("digits", "serving", 3)


def test_groups_of_kserve_and_seldon_are_found_by_the_pool_of_their_pods() -> None:
    selector = {"nodeSelector": {"cloud.google.com/gke-nodepool": "serving"}}
    kserve = {
        "kind": "InferenceService",
        "metadata": {"name": "a"},
        "spec": {"predictor": {"minReplicas": 2, **selector}},
    }
    graph = {"replicas": 3, "componentSpecs": [{"spec": selector}]}
    seldon = {"kind": "SeldonDeployment", "metadata": {"name": "b"}, "spec": {"predictors": [graph]}}
    job = {"kind": "Job", "metadata": {"name": "c"}, "spec": {"template": {"spec": selector}}}
    assert [(one.name, one.replicas) for one in workloads([kserve, seldon, job])] == [("a", 2), ("b", 3)]


def test_the_cost_is_told_before_and_after() -> None:
    impact = judged(a_change(a_numa_pool(nodes=1), a_numa_pool(nodes=2)))
    assert impact.cost is not None
    assert impact.cost.text == "1.98 -> 3.86 USD an hour (+1.88)"
    ranged = judged(a_change(a_numa_pool(nodes=1), a_numa_pool(nodes=NodeRange(min=1, max=3))))
    assert ranged.cost is not None
    assert ranged.cost.text == "1.98 -> 1.98 to 5.74 USD an hour (+0.00 to +3.76)"
    same = judged(a_change(a_numa_pool(), a_numa_pool()))
    assert same.cost is not None
    assert same.cost.text == "1.98 USD an hour, as before"


def test_a_new_stack_has_no_cost_before() -> None:
    cluster, pool = a_change(a_numa_pool(), a_numa_pool())
    new = [Touched(one.urn, one.type, "create", {}, one.new) for one in (cluster, pool)]
    assert judged(new) == CloudImpact()


def test_a_regional_cluster_counts_the_nodes_of_three_zones_or_of_those_it_names() -> None:
    regional = a_cluster(location="europe-west4")
    (pool,) = judged(a_change(a_numa_pool(nodes=1), a_numa_pool(nodes=1, cpu_manager="none"), cluster=regional)).pools
    assert pool.nodes == (3, 3)
    two = a_cluster(location="europe-west4", zones=("europe-west4-a", "europe-west4-b"))
    (pool,) = judged(a_change(a_numa_pool(nodes=1), a_numa_pool(nodes=1, cpu_manager="none"), cluster=two)).pools
    assert pool.nodes == (2, 2)


def test_what_the_cloud_keeps_and_what_nothing_sends_is_said() -> None:
    impact = judged(a_change(a_numa_pool(), a_numa_pool(min_cpu_platform=None), op="same"))
    assert impact.kept == ("serving: nodeConfig.minCpuPlatform is left out, and the cloud keeps what it has",)
    old, new = ({"name": "p", "placementPolicy": {"type": type_}} for type_ in ("COMPACT", "OTHER"))
    (unsent,) = judged([Touched("p", POOL, "update", old, new)]).unsent
    assert unsent.startswith("p: placementPolicy.type is planned")


def test_a_cache_on_every_node_recreates_the_nodes_of_every_pool() -> None:
    off, on = (
        {"location": "europe-west4-a", "addonsConfig": {"dnsCacheConfig": {"enabled": value}}}
        for value in (False, True)
    )
    pool = pool_props(a_numa_pool(), a_cluster(), cluster_name="c", service_account="n@x")
    impact = judged([Touched("c", CLUSTER, "update", off, on), Touched("p", POOL, "same", pool, pool)])
    assert words(impact) == ["its node is recreated once, 1 at a time, 1 more meanwhile (surge)"]


@pytest.mark.parametrize(
    ("old", "stopped"), [({}, True), ({"deletionProtection": True}, True), ({"deletionProtection": False}, False)]
)
def test_a_protected_cluster_would_not_be_deleted(old: dict[str, Any], stopped: bool) -> None:
    for op in ("delete", "replace"):
        assert bool(stopped_by(Touched("c", CLUSTER, op, old, {}))) == stopped
    assert not stopped_by(Touched("c", CLUSTER, "update", old, {}))


def test_all_of_it_survives_as_json() -> None:
    change = a_change(a_numa_pool(nodes=2), a_numa_pool(nodes=3, cpu_manager="none", min_cpu_platform=None))
    impact = judged([*change, *standing(pods())])
    assert from_json(asdict(impact)) == impact

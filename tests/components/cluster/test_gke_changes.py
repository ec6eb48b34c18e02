"""What changes of GKE resources come to, against what the provider is known to do."""

from __future__ import annotations

from typing import Any

import pytest

from components.cluster.gke_changes import Decision, decide, knows, replaces
from components.cluster.gke_table import CLUSTER, POOL
from components.cluster.node_pool import pool_props
from schemas.spec import BlueGreen, Hugepages, NodePool, Shielded, Taint, Upgrade
from tests.components.cluster.gke_builders import a_cluster, a_numa_pool, a_pool

SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
BUCKET = "gcp:storage/bucket:Bucket"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def a_pools_props(pool: NodePool) -> dict[str, Any]:
    return pool_props(pool, a_cluster(pool), cluster_name="c", service_account=pool.service_account or "nodes@x")


def change(old: NodePool, new: NodePool) -> Decision:
    return decide(POOL, a_pools_props(old), a_pools_props(new))


def test_nothing_changed_is_nothing_to_decide() -> None:
    same = change(a_numa_pool(), a_numa_pool())
    assert (same.changed, same.sticky) == ((), ())
    assert same.inputs == a_pools_props(a_numa_pool())


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"spot": True}, "nodeConfig.spot"),
        ({"service_account": "other@x"}, "nodeConfig.serviceAccount"),
        ({"threads_per_core": 2}, "nodeConfig.advancedMachineFeatures.threadsPerCore"),
        ({"min_cpu_platform": "Intel Ice Lake"}, "nodeConfig.minCpuPlatform"),
        ({"name": "other"}, "name"),
        ({"shielded": Shielded(secure_boot=False)}, "nodeConfig.shieldedInstanceConfig.enableSecureBoot"),
    ],
)
def test_some_fields_of_a_pool_replace_it(fields: dict[str, Any], path: str) -> None:
    assert change(a_numa_pool(), a_numa_pool(**fields)).replaces == (path,)


def test_taking_the_threads_away_replaces_the_pool() -> None:
    found = change(a_numa_pool(), a_numa_pool(threads_per_core=None))
    assert "nodeConfig.advancedMachineFeatures" in found.replaces


def test_adding_compact_placement_replaces_and_its_kind_alone_would_not() -> None:
    assert change(a_pool(), a_pool(compact_placement=True)).replaces == ("placementPolicy",)
    other = decide(POOL, {"placementPolicy": {"type": "COMPACT"}}, {"placementPolicy": {"type": "OTHER"}})
    assert other.replaces == ()
    assert [found.argument.sent for found in other.changed] == ["no"]


@pytest.mark.parametrize(
    "fields", [{"machine_type": "n2-standard-48"}, {"image_type": "UBUNTU_CONTAINERD"}, {"cpu_manager": "none"}]
)
def test_other_fields_recreate_the_nodes_in_place(fields: dict[str, Any]) -> None:
    found = change(a_numa_pool(), a_numa_pool(**fields))
    assert found.replaces == ()
    assert (len(found.recreates), found.rounds) == (1, 1)


def test_each_block_recreates_the_nodes_once_more_and_machine_and_disks_do_together() -> None:
    disk = a_numa_pool().disk
    bigger = change(a_numa_pool(), a_numa_pool(machine_type="n2-standard-48", disk=type(disk)(size_bytes=2**38)))
    assert (len(bigger.recreates), bigger.rounds) == (2, 1)
    more = change(a_numa_pool(), a_numa_pool(cpu_manager="none", hugepages=Hugepages(size_2m=512)))
    assert more.rounds == 2


def test_taints_are_changed_on_running_nodes() -> None:
    found = change(a_pool(), a_pool(taints=(Taint(key="model", value="active"),)))
    assert (found.replaces, found.recreates) == ((), ())
    assert {one.argument.nodes for one in found.changed} == {"in_place"}


def test_leaving_out_the_platform_keeps_the_old_one() -> None:
    found = change(a_numa_pool(), a_numa_pool(min_cpu_platform=None))
    assert found.sticky == ("nodeConfig.minCpuPlatform",)
    assert found.inputs["nodeConfig"]["minCpuPlatform"] == "Intel Cascade Lake"
    assert found.changed == ()


def test_leaving_out_one_label_is_a_change_and_leaving_out_all_is_none() -> None:
    two, one = a_pool(labels={"a": "1", "b": "2"}), a_pool(labels={"a": "1"})
    assert [found.path for found in change(two, one).changed] == ["nodeConfig.labels"]
    assert change(one, a_pool()).changed == ()


def test_taking_the_topology_manager_away_is_an_update() -> None:
    found = change(a_numa_pool(), a_numa_pool(topology_manager="none"))
    assert "topologyManager" not in found.inputs["nodeConfig"]["kubeletConfig"]
    assert found.recreates == ("nodeConfig.kubeletConfig.topologyManager",)


def test_going_to_blue_green_keeps_the_surge_and_touches_no_node() -> None:
    found = change(a_pool(), a_pool(upgrade=Upgrade(blue_green=BlueGreen())))
    assert found.sticky == ("upgradeSettings.maxSurge", "upgradeSettings.maxUnavailable")
    assert {one.argument.nodes for one in found.changed} == {"none"}


def test_an_argument_that_is_false_counts_as_left_out_unless_its_block_comes() -> None:
    assert decide(POOL, {"nodeConfig": {}}, {"nodeConfig": {"spot": False}}).changed == ()
    came = decide(POOL, {"nodeConfig": {}}, {"nodeConfig": {"confidentialNodes": {"confidentialInstanceType": "SEV"}}})
    assert came.replaces == ("nodeConfig.confidentialNodes.confidentialInstanceType",)


def test_what_is_not_known_yet_replaces_where_a_change_would() -> None:
    assert decide(POOL, {"cluster": "c"}, {"cluster": UNKNOWN}).replaces == ("cluster",)
    assert decide(POOL, {"nodeConfig": {"spot": True}}, {"nodeConfig": UNKNOWN}).replaces == ("nodeConfig",)


def test_a_set_has_no_order_and_a_list_has_one() -> None:
    scopes = {"nodeConfig": {"oauthScopes": ["a", "b"]}}, {"nodeConfig": {"oauthScopes": ["b", "a"]}}
    assert decide(POOL, *scopes).changed == ()
    tags = {"nodeConfig": {"tags": ["a", "b"]}}, {"nodeConfig": {"tags": ["b", "a"]}}
    assert [found.path for found in decide(POOL, *tags).changed] == ["nodeConfig.tags"]


def test_an_element_of_a_set_of_blocks_is_replaced_by_another() -> None:
    def networks(name: str) -> dict[str, Any]:
        return {"masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "192.0.2.0/24", "displayName": name}]}}

    paths = {found.path for found in decide(CLUSTER, networks("a"), networks("b")).changed}
    assert "masterAuthorizedNetworksConfig.cidrBlocks.cidrBlock" in paths


def test_authorised_networks_that_are_left_out_stay_as_they_are() -> None:
    old = {"masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "192.0.2.0/24"}]}}
    assert decide(CLUSTER, old, {}).sticky == ("masterAuthorizedNetworksConfig",)


def test_a_name_of_its_own_is_deleted_before_it_is_created() -> None:
    assert decide(CLUSTER, {"name": "a", "location": "x"}, {"name": "a", "location": "y"}).delete_before_replace
    assert decide("gcp:serviceaccount/account:Account", {}, {"accountId": "a"}).delete_before_replace
    assert not decide("gcp:projects/service:Service", {}, {"service": "iam"}).delete_before_replace
    assert decide("gcp:projects/iAMMember:IAMMember", {}, {"role": "r"}).delete_before_replace
    assert not decide("gcp:storage/bucketIAMMember:BucketIAMMember", {}, {"role": "r"}).delete_before_replace


@pytest.mark.parametrize(("new", "replaced"), [("10.0.0.0/19", ()), ("10.0.0.0/21", ("ipCidrRange",))])
def test_a_subnetwork_grows_in_place_and_is_replaced_otherwise(new: str, replaced: tuple[str, ...]) -> None:
    assert decide(SUBNETWORK, {"ipCidrRange": "10.0.0.0/20"}, {"ipCidrRange": new}).replaces == replaced


def test_ranges_of_a_subnetwork_are_known_by_their_names() -> None:
    pods, services = (
        {"rangeName": name, "ipCidrRange": f"10.{n}.0.0/16"} for n, name in enumerate(("pods", "services"))
    )
    assert (
        decide(SUBNETWORK, {"secondaryIpRanges": [pods, services]}, {"secondaryIpRanges": [services, pods]}).changed
        == ()
    )


def a_pod_range(cidr: str) -> dict[str, Any]:
    return {"networkConfig": {"podIpv4CidrBlock": cidr}}


@pytest.mark.parametrize(
    ("type_", "old", "new"),
    [
        (CLUSTER, {"network": "projects/p/global/networks/n"}, {"network": "n"}),
        (
            CLUSTER,
            {"subnetwork": "https://www.googleapis.com/compute/v1/projects/p/regions/r/subnetworks/n"},
            {"subnetwork": "projects/p/regions/r/subnetworks/n"},
        ),
        (BUCKET, {"location": "EUROPE-WEST4"}, {"location": "europe-west4"}),
        ("gcp:container/nodePool:NodePool", a_pod_range("10.4.0.0/14"), a_pod_range("/14")),
        (BUCKET, {}, {"autoclass": {"enabled": False}}),
        ("gcp:projects/service:Service", {"project": "p"}, {"project": "projects/p"}),
    ],
)  # fmt: skip
def test_two_ways_of_writing_the_same_are_no_change(type_: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    assert decide(type_, old, new).changed == ()


def test_links_to_things_of_one_name_in_two_regions_differ() -> None:
    old, new = ({"subnetwork": f"projects/p/regions/{region}/subnetworks/n"} for region in ("r", "s"))
    assert decide(CLUSTER, old, new).replaces == ("subnetwork",)


def test_a_feature_that_cannot_be_switched_off_replaces_the_cluster() -> None:
    on, off = {"enableL4IlbSubsetting": True}, {"enableL4IlbSubsetting": False}
    assert decide(CLUSTER, on, off).replaces == ("enableL4IlbSubsetting",)
    assert decide(CLUSTER, off, on).replaces == ()


def test_an_argument_that_nobody_knows_is_an_update() -> None:
    found = decide(POOL, {}, {"bestEffortProvisioning": {"enabled": True}})
    assert ([one.path for one in found.changed], found.replaces) == (["bestEffortProvisioning"], ())


def test_outputs_that_the_program_never_sets_are_no_change() -> None:
    assert decide(POOL, {"instanceGroupUrls": ["x"], "spot": None, "id": "y"}, {}).changed == ()


def test_a_type_that_is_not_in_the_table_is_updated() -> None:
    assert not knows("gcp:sql/database:Database")
    assert decide("gcp:sql/database:Database", {"name": "a"}, {"name": "b"}).replaces == ()
    assert replaces("gcp:sql/database:Database", ["name"]) == ()


def test_changed_paths_alone_tell_what_replaces() -> None:
    paths = ["nodeConfig.spot", "nodeConfig.taints[0].key", "nodeConfig.metadata.a", "nodeCount"]
    assert replaces(POOL, paths) == ("nodeConfig.spot", "nodeConfig.metadata.a")

"""The GKE cluster as a Pulumi program: every property is one that the SDK knows, and says what the spec says."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from components.cluster.accounts import account_id
from components.cluster.gke import GkeCluster
from components.cluster.gke_changes import knows
from components.cluster.maintenance import maintenance_policy
from components.cluster.network import ip_allocation, needs_nat
from schemas.spec import GkeCluster as GkeClusterSpec
from schemas.spec import ImageRegistry, MaintenanceWindow, ModelBucket, Network, NodeRange, Upgrade
from tests.components.cluster.gke_builders import a_cluster, a_full_cluster, a_full_pool, a_numa_pool, a_pool
from tests.components.cluster.recording import Registered, registered_by
from tests.components.cluster.sdk_shapes import mismatches

POOL = "gcp:container/nodePool:NodePool"
CLUSTER = "gcp:container/cluster:Cluster"


def planned(spec: GkeClusterSpec, proxies: str = "") -> list[Registered]:
    return registered_by(lambda: GkeCluster(spec, stack="digits", proxies=proxies))


def props(resources: list[Registered], type_: str, name: str = "") -> dict[str, Any]:
    return next(r.props for r in resources if r.type == type_ and name in r.name)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # The SDK warns of classes of its own while it is imported.
def test_every_property_is_known_to_the_sdk() -> None:
    pytest.importorskip("pulumi_gcp")
    from pulumi_gcp import artifactregistry, compute, container, projects, serviceaccount, storage

    args = {
        CLUSTER: (container.Cluster, container.ClusterArgs),
        POOL: (container.NodePool, container.NodePoolArgs),
        "gcp:compute/network:Network": (compute.Network, compute.NetworkArgs),
        "gcp:compute/subnetwork:Subnetwork": (compute.Subnetwork, compute.SubnetworkArgs),
        "gcp:compute/firewall:Firewall": (compute.Firewall, compute.FirewallArgs),
        "gcp:compute/router:Router": (compute.Router, compute.RouterArgs),
        "gcp:compute/routerNat:RouterNat": (compute.RouterNat, compute.RouterNatArgs),
        "gcp:serviceaccount/account:Account": (serviceaccount.Account, serviceaccount.AccountArgs),
        "gcp:projects/iAMMember:IAMMember": (projects.IAMMember, projects.IAMMemberArgs),
        "gcp:projects/service:Service": (projects.Service, projects.ServiceArgs),
        "gcp:serviceaccount/iAMMember:IAMMember": (serviceaccount.IAMMember, serviceaccount.IAMMemberArgs),
        "gcp:storage/bucket:Bucket": (storage.Bucket, storage.BucketArgs),
        "gcp:storage/bucketIAMMember:BucketIAMMember": (storage.BucketIAMMember, storage.BucketIAMMemberArgs),
        "gcp:artifactregistry/repository:Repository": (artifactregistry.Repository, artifactregistry.RepositoryArgs),
        "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": (
            artifactregistry.RepositoryIamMember,
            artifactregistry.RepositoryIamMemberArgs,
        ),
    }
    made = [
        r
        for spec in (a_full_cluster(), existing_network())
        for r in planned(spec, "10.9.0.0/23")
        if r.type.startswith("gcp:")
    ]
    assert {r.type for r in made} == set(args)
    assert [wrong for r in made for wrong in mismatches(args[r.type][1], r.props, r.name)] == []
    assert {type_: resource.pulumi_type for type_, (resource, _) in args.items()} == {type_: type_ for type_ in args}


def existing_network() -> GkeClusterSpec:
    return a_cluster(a_pool(), network=Network(name="shared", subnetwork="nodes"))


def test_every_type_is_in_the_table_of_changes() -> None:
    types = {r.type for r in planned(a_full_cluster()) if r.type.startswith("gcp:")}
    assert [type_ for type_ in types if not knows(type_)] == []


@pytest.mark.parametrize("which", ["full", "plain"])
def test_every_input_of_every_resource_is_as_it_was(which: str, golden: Any) -> None:
    made = planned(a_full_cluster(), "10.9.0.0/23") if which == "full" else planned(a_cluster(a_numa_pool()))
    told = {f"{r.type} {r.name}": whole(r.props) for r in made if r.type.startswith("gcp:")}
    golden(f"gke-{which}.json", json.dumps(told, indent=2, sort_keys=True) + "\n")


def whole(value: Any) -> Any:
    """Numbers go over the wire as floats; whole ones are told as such."""
    if isinstance(value, dict):
        return {key: whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def test_a_pool_says_everything_the_way_the_api_wants_it() -> None:
    config = props(planned(a_full_cluster()), POOL, "full")["nodeConfig"]
    assert [taint["effect"] for taint in config["taints"]] == ["PREFER_NO_SCHEDULE", "NO_EXECUTE"]
    assert config["kubeletConfig"] == {
        "cpuManagerPolicy": "static",
        "topologyManager": {"policy": "single-numa-node", "scope": "pod"},
        "memoryManager": {"policy": "Static"},
        "cpuCfsQuota": False,
        "cpuCfsQuotaPeriod": "10000us",
        "podPidsLimit": 4096,
        "maxParallelImagePulls": 4,
    }
    assert config["reservationAffinity"]["values"] == ["projects/shared-project/reservations/numa"]


def test_a_pool_may_count_its_nodes_over_all_zones() -> None:
    pool = props(planned(a_full_cluster()), POOL, "plain")
    assert pool["autoscaling"] == {"totalMinNodeCount": 2, "totalMaxNodeCount": 6}
    assert pool["nodeConfig"]["localNvmeSsdBlockConfig"] == {"localSsdCount": 1}


def test_a_plain_pool_sets_the_cpu_manager_so_that_going_back_changes_it() -> None:
    pool = props(planned(a_cluster(a_pool(upgrade=Upgrade(max_surge=0, max_unavailable=1)))), POOL)
    assert pool["nodeCount"] == 1
    assert pool["nodeConfig"]["kubeletConfig"] == {"cpuManagerPolicy": "none"}
    assert pool["upgradeSettings"] == {"strategy": "SURGE", "maxSurge": 0, "maxUnavailable": 1}
    assert not {"minCpuPlatform", "taints", "labels", "advancedMachineFeatures"} & pool["nodeConfig"].keys()


def test_private_nodes_reach_out_through_a_nat() -> None:
    types = Counter(r.type for r in planned(a_cluster(a_pool())))
    assert types["gcp:compute/routerNat:RouterNat"] == 1
    without = Counter(r.type for r in planned(a_cluster(a_pool(), network=Network(nat=False))))
    assert without["gcp:compute/routerNat:RouterNat"] == without["gcp:compute/router:Router"] == 0


def test_public_nodes_are_stated_and_keep_the_nat_of_those_that_are_still_private() -> None:
    made = planned(a_cluster(a_pool(), network=Network(private_nodes=False)))
    assert props(made, CLUSTER)["privateClusterConfig"] == {"enablePrivateNodes": False, "enablePrivateEndpoint": False}
    assert props(made, POOL)["networkConfig"] == {"enablePrivateNodes": False}
    assert [r for r in made if r.type == "gcp:compute/routerNat:RouterNat"]


def test_a_control_plane_for_everybody_says_so() -> None:
    """GKE keeps a list of networks that a program leaves out."""
    stated = props(planned(a_cluster(a_pool())), CLUSTER)["masterAuthorizedNetworksConfig"]
    assert stated == {"cidrBlocks": [{"cidrBlock": "0.0.0.0/0"}]}


def test_the_control_plane_of_private_nodes_reaches_the_webhooks_of_extensions() -> None:
    wall = props(planned(a_full_cluster()), "gcp:compute/firewall:Firewall")
    assert wall["sourceRanges"] == ["172.16.0.0/28"]
    assert "9443" in wall["allows"][0]["ports"]
    assert not [r for r in planned(a_cluster(a_pool())) if r.type.endswith(":Firewall")]


def test_pods_and_services_have_ranges_of_the_subnetwork() -> None:
    made = planned(a_cluster(a_pool()))
    ranges = {r["rangeName"] for r in props(made, "gcp:compute/subnetwork:Subnetwork")["secondaryIpRanges"]}
    assert set(props(made, CLUSTER)["ipAllocationPolicy"].values()) == ranges == {"pods", "services"}


def test_proxies_of_regional_gateways_have_addresses_of_their_own() -> None:
    made = props(planned(a_cluster(a_pool()), "10.9.0.0/23"), "gcp:compute/subnetwork:Subnetwork", "proxies")
    assert (made["ipCidrRange"], made["purpose"], made["role"]) == ("10.9.0.0/23", "REGIONAL_MANAGED_PROXY", "ACTIVE")


def test_the_proxies_of_an_existing_network_are_its_owners() -> None:
    made = planned(a_cluster(a_pool(), network=Network(name="shared")), "10.9.0.0/23")
    assert [r.name for r in made if r.type == "gcp:compute/subnetwork:Subnetwork"] == ["digits-subnetwork"]


def test_an_existing_network_is_left_alone() -> None:
    made = planned(existing_network())
    assert not [r for r in made if r.type.startswith("gcp:compute")]
    assert (props(made, CLUSTER)["network"], props(made, CLUSTER)["subnetwork"]) == ("shared", "nodes")


def test_nodes_run_as_an_account_with_few_rights() -> None:
    made = planned(a_cluster(a_pool()))
    roles = {r.props["role"] for r in made if r.type == "gcp:projects/iAMMember:IAMMember"}
    assert roles == {"roles/container.defaultNodeServiceAccount"}
    pull = props(made, "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember")
    assert (pull["role"], pull["repository"]) == ("roles/artifactregistry.reader", "digits-images.name")
    assert props(made, POOL)["nodeConfig"]["serviceAccount"] == "digits-nodes.email"


def test_no_account_is_made_when_every_pool_has_its_own() -> None:
    made = planned(a_cluster(a_full_pool()))
    assert [r.name for r in made if r.type == "gcp:serviceaccount/account:Account"] == ["digits-models"]
    assert not [r for r in made if r.type.startswith("gcp:projects/iAM")]


def test_pods_of_one_account_in_the_stacks_namespace_read_the_models() -> None:
    made = planned(a_cluster(a_pool()))
    identity = props(made, "gcp:serviceaccount/iAMMember:IAMMember")
    assert identity["role"] == "roles/iam.workloadIdentityUser"
    assert identity["member"] == "serviceAccount:my-project.svc.id.goog[digits/models]"
    assert identity["serviceAccountId"] == "digits-models.name"
    right = props(made, "gcp:storage/bucketIAMMember:BucketIAMMember")
    assert (right["bucket"], right["role"]) == ("my-project-digits-models", "roles/storage.objectUser")


def test_a_bucket_and_a_registry_that_exist_are_used_as_they_are() -> None:
    spec = a_cluster(
        a_pool(),
        bucket=ModelBucket(name="ours", existing=True),
        registry=ImageRegistry(name="images", existing=True, location="europe"),
    )
    made = planned(spec)
    assert not [
        r for r in made if r.type in ("gcp:storage/bucket:Bucket", "gcp:artifactregistry/repository:Repository")
    ]
    told: list[Any] = []
    registered_by(lambda: told.append(GkeCluster(spec, stack="digits").registry))
    registered_by(lambda: GkeCluster(spec, stack="digits").bucket.apply(told.append))
    assert told == ["europe-docker.pkg.dev/my-project/images", "ours"]


def test_others_know_the_account_that_reads_models() -> None:
    found: list[str] = []
    registered_by(lambda: GkeCluster(a_cluster(a_pool()), stack="digits").model_account.apply(found.append))
    assert found == ["digits-models.email"]


def test_others_know_the_rights_that_this_account_needs() -> None:
    found: list[str] = []

    def program() -> None:
        made = GkeCluster(a_cluster(a_pool()), stack="digits", uses={"other": "roles/storage.objectViewer"})
        for right in made.model_rights:
            right.urn.apply(lambda urn: found.append(urn.rpartition("::")[2]))

    registered_by(program)
    assert sorted(found) == ["digits-models-identity", "digits-models-use", "digits-models-use-other"]


def test_the_cluster_has_the_stacks_name_unless_the_spec_has_one() -> None:
    assert props(planned(a_cluster(a_pool())), CLUSTER)["name"] == "digits"
    assert props(planned(a_full_cluster()), CLUSTER)["name"] == "named"


def test_the_cluster_says_what_the_spec_says() -> None:
    cluster = props(planned(a_full_cluster()), CLUSTER)
    assert cluster["releaseChannel"] == {"channel": "EXTENDED"}
    assert cluster["minMasterVersion"] == "1.34"
    assert cluster["masterAuthorizedNetworksConfig"] == {"cidrBlocks": [{"cidrBlock": "192.0.2.0/24"}]}
    assert cluster["deletionProtection"] is True
    assert cluster["resourceLabels"] == {"team": "ml"}


def test_the_kubeconfig_reaches_the_cluster_once_it_stands() -> None:
    found: list[str] = []
    registered_by(lambda: GkeCluster(a_cluster(a_pool()), stack="digits").kubeconfig.apply(found.append))
    assert json.loads(found[0])["clusters"][0]["cluster"] == {
        "server": "https://digits.endpoint",
        "certificate-authority-data": "digits.certificate",
    }


def test_pools_are_found_by_their_names_in_the_spec() -> None:
    pools: list[str] = []
    spec = a_cluster(a_numa_pool(), a_pool("loadtest", nodes=NodeRange(min=0, max=2)))
    registered_by(lambda: pools.extend(GkeCluster(spec, stack="digits").node_pools))
    assert pools == ["serving", "loadtest"]


@pytest.mark.parametrize("name", ["digits", "a-cluster-with-a-name-of-forty-characters"])
def test_account_ids_have_at_most_thirty_characters(name: str) -> None:
    assert 6 <= len(account_id(name, "nodes")) <= 30
    assert account_id(name, "nodes").endswith("-nodes")


def test_a_maintenance_window_every_day_is_gkes_own() -> None:
    assert maintenance_policy(MaintenanceWindow(start="03:00")) == {"dailyMaintenanceWindow": {"startTime": "03:00"}}


def test_a_maintenance_window_of_some_days_recurs_and_may_pass_midnight() -> None:
    policy = maintenance_policy(MaintenanceWindow(start="22:00", days=("fri", "sat"), duration_s=6 * 3600.0))
    assert policy["recurringWindow"] == {
        "startTime": "2024-01-01T22:00:00Z",
        "endTime": "2024-01-02T04:00:00Z",
        "recurrence": "FREQ=WEEKLY;BYDAY=FR,SA",
    }


def test_an_existing_subnetwork_may_have_its_ranges_named() -> None:
    named = Network(name="shared", subnetwork="nodes", pods_range="gke-pods", nat=True)
    assert ip_allocation(named) == {"clusterSecondaryRangeName": "gke-pods", "servicesIpv4CidrBlock": "10.8.0.0/20"}
    assert needs_nat(named)

"""What changes of GKE resources come to, against what the provider is known to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cluster.gke_changes import decide, replaces
from components.cluster.node_pool import node_config
from schemas.spec import NodePool, Taint
from tests.components.cluster.gke_builders import a_numa_pool, a_pool

POOL = "gcp:container/nodePool:NodePool"
CLUSTER = "gcp:container/cluster:Cluster"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"


def a_pools_props(pool: NodePool) -> dict[str, Any]:
    return {"name": pool.name, "cluster": "c", "nodeConfig": node_config(pool, "nodes@x")}


def change(old: NodePool, new: NodePool) -> Any:
    return decide(POOL, a_pools_props(old), a_pools_props(new))


def test_nothing_changed_is_nothing_to_decide() -> None:
    same = change(a_numa_pool(), a_numa_pool())
    assert (same.replaces, same.sticky, same.recreates) == ((), (), ())
    assert same.inputs == a_pools_props(a_numa_pool())


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"spot": True}, "nodeConfig.spot"),
        ({"service_account": "other@x"}, ""),
        ({"threads_per_core": None}, "nodeConfig.advancedMachineFeatures"),
        ({"min_cpu_platform": "Intel Ice Lake"}, "nodeConfig.minCpuPlatform"),
        ({"name": "other"}, "name"),
    ],
)
def test_some_fields_of_a_pool_replace_it(fields: dict[str, Any], path: str) -> None:
    assert change(a_numa_pool(), a_numa_pool(**fields)).replaces == ((path,) if path else ())


@pytest.mark.parametrize(
    "fields", [{"machine_type": "n2-standard-48"}, {"image_type": "UBUNTU_CONTAINERD"}, {"cpu_manager": "none"}]
)
def test_other_fields_recreate_the_nodes_in_place(fields: dict[str, Any]) -> None:
    found = change(a_numa_pool(), a_numa_pool(**fields))
    assert found.replaces == ()
    assert found.recreates


def test_taints_are_changed_on_running_nodes() -> None:
    found = change(a_pool(), a_pool(taints=(Taint(key="model", value="active"),)))
    assert (found.replaces, found.recreates) == ((), ())


def test_leaving_out_the_platform_keeps_the_old_one() -> None:
    found = change(a_numa_pool(), a_numa_pool(min_cpu_platform=None))
    assert found.sticky == ("nodeConfig.minCpuPlatform",)
    assert found.inputs["nodeConfig"]["minCpuPlatform"] == "Intel Cascade Lake"
    assert found.replaces == ()


def test_taking_the_topology_manager_away_is_an_update() -> None:
    found = change(a_numa_pool(), a_numa_pool(topology_manager="none"))
    assert "topologyManager" not in found.inputs["nodeConfig"]["kubeletConfig"]
    assert found.recreates == ("nodeConfig.kubeletConfig.topologyManager",)


def test_a_name_of_its_own_is_deleted_before_it_is_created() -> None:
    assert decide(CLUSTER, {"name": "a", "location": "x"}, {"name": "a", "location": "y"}).delete_before_replace
    assert not decide("gcp:projects/service:Service", {}, {"service": "iam"}).delete_before_replace
    assert decide("gcp:projects/iAMMember:IAMMember", {}, {"role": "r"}).delete_before_replace


@pytest.mark.parametrize(("new", "replaced"), [("10.0.0.0/19", ()), ("10.0.0.0/21", ("ipCidrRange",))])
def test_a_subnetwork_grows_in_place_and_is_replaced_otherwise(new: str, replaced: tuple[str, ...]) -> None:
    assert decide(SUBNETWORK, {"ipCidrRange": "10.0.0.0/20"}, {"ipCidrRange": new}).replaces == replaced


def test_a_type_that_is_not_in_the_table_is_updated() -> None:
    assert decide("gcp:storage/bucket:Bucket", {"name": "a"}, {"name": "b"}).replaces == ()
    assert replaces("gcp:storage/bucket:Bucket", ["name"]) == ()


def test_the_table_agrees_with_the_facts_it_was_made_from() -> None:
    facts = os.environ.get("INFERSTACK_TEST_GKE_CHANGES")
    if not facts:
        pytest.skip("INFERSTACK_TEST_GKE_CHANGES does not name the file of facts")
    reference = yaml.safe_load(Path(facts).read_text())["resources"]
    known = {resource["pulumi"]["type"]: resource["arguments"] for resource in reference.values()}
    table = yaml.safe_load((Path(__file__).parents[3] / "components/cluster/gke_changes.yaml").read_text())
    for type_ in table.keys() & known.keys():
        arguments = {camel(fact.get("py", path)): fact for path, fact in known[type_].items()}
        for path in table[type_]["replace"]:
            assert arguments[path]["change"] == "replace", f"{type_} {path}"
        for path in table[type_]["sticky"]:
            assert arguments[path].get("sticky"), f"{type_} {path}"
        for path in table[type_].get("recreate", ()):
            assert arguments[path].get("nodes") == "recreate", f"{type_} {path}"


def camel(path: str) -> str:
    """`node_config.disk_type` as Pulumi writes it."""
    first = [word.split("_") for word in path.split(".")]
    return ".".join(words[0] + "".join(word.capitalize() for word in words[1:]) for words in first)

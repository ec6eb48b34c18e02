"""A cluster as its API objects tell, and as people are told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from components.cluster.nodes import ClusterFacts, Kubelet, StorageClass, kubelet_of, node_of, storage_class_of
from components.cluster.nodes_reader import read_cluster
from components.cluster.preflight import cluster_json, describe_cluster
from schemas.errors import PreflightError
from schemas.spec import Taint


def a_node_object(name: str = "node-1", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"feature.node.kubernetes.io/cpu-hardware_multithreading": "true"}},
        "spec": spec,
        "status": {
            "capacity": {"cpu": "16", "memory": "65536Mi"},
            "allocatable": {"cpu": "15500m", "memory": "60000Mi"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def a_pod(cpu: str, *, namespace: str = "team-b", **changes: Any) -> dict[str, Any]:
    request = {"resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}
    return {
        "metadata": {"name": "one", "namespace": namespace, "labels": changes.pop("labels", {})},
        "spec": {"nodeName": "node-1", "containers": [request, request], **changes},
        "status": {"phase": "Running"},
    }


def test_a_nodes_size_is_what_it_leaves_for_pods() -> None:
    node = node_of(a_node_object())
    assert (node.cpus, node.free_millicpus, node.free_memory_mib) == (16, 15500, 60000)
    assert (node.threads_per_core, node.usable, node.kubelet) == (2, True, None)


def test_pods_of_the_system_make_a_node_smaller_and_those_of_others_only_fuller() -> None:
    node = node_of(a_node_object(), pods=[a_pod("500m"), a_pod("250m", namespace="kube-system")])
    assert (node.free_millicpus, node.taken_millicpus) == (15000, 1000)
    assert (node.free_memory_mib, node.taken_memory_mib) == (60000 - 2048, 2048)


def test_an_init_container_that_asks_for_more_counts_instead_of_the_others() -> None:
    first = {"resources": {"requests": {"cpu": "4"}}}
    assert node_of(a_node_object(), pods=[a_pod("500m", initContainers=[first])]).taken_millicpus == 4000


def test_pods_that_have_ended_take_nothing() -> None:
    ended = {**a_pod("1"), "status": {"phase": "Succeeded"}}
    assert node_of(a_node_object(), pods=[ended]).taken_millicpus == 0


def test_cordoned_nodes_are_not_usable_and_taints_are_kept() -> None:
    node = node_of(a_node_object(unschedulable=True, taints=[{"key": "gpu", "effect": "NoSchedule"}]))
    assert not node.usable
    assert node.taints == (Taint(key="gpu"),)


@pytest.mark.parametrize(
    ("resource", "gpus"),
    [("nvidia.com/gpu", 2), ("amd.com/gpu", 2), ("gpu.intel.com/i915", 2), ("nvidia.com/mig-1g.5gb", 2), ("a/b", 0)],
)
def test_gpus_of_any_maker_are_noticed(resource: str, gpus: int) -> None:
    found = a_node_object()
    found["status"]["allocatable"][resource] = "2"
    assert node_of(found).gpus == gpus


def test_numa_nodes_are_known_where_something_tells_of_them() -> None:
    zones = [
        {"name": f"node-{index}", "type": "Node", "resources": [{"name": "cpu", "allocatable": cpus}]}
        for index, cpus in ((1, "8"), (0, "7"))
    ]
    assert node_of(a_node_object(), zones=[*zones, {"name": "cache", "type": "L3"}]).numa_cpus == (7, 8)


def test_a_kubelet_that_says_nothing_has_the_usual_policies() -> None:
    assert kubelet_of({}) == Kubelet("none", "none", "container", "None", True)
    told = {
        "kubeletconfig": {"cpuManagerPolicy": "static", "topologyManagerPolicy": "restricted", "cpuCFSQuota": False}
    }
    assert kubelet_of(told) == Kubelet("static", "restricted", "container", "None", False)
    assert kubelet_of(told).pins


def test_the_default_storage_class_is_known_by_its_annotation() -> None:
    marked = {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    assert storage_class_of({"metadata": marked, "provisioner": "p"}) == StorageClass("fast", "p", True)


class Recorded:
    """A cluster as a table of answers."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers

    def get(self, path: str, accept: str = "") -> Any | None:
        return self.answers.get(path.partition("?limit")[0])


def test_a_cluster_is_read_as_far_as_it_may_be() -> None:
    facts = read_cluster(
        Recorded(
            {
                "/version": {"gitVersion": "v1.34.4"},
                "/api/v1/nodes": {"items": [a_node_object()]},
                "/api/v1/pods": {"items": [a_pod("1"), a_pod("2", labels={"app.kubernetes.io/part-of": "demo"})]},
                "/apis": {
                    "items": [
                        {"metadata": {"name": "keda.sh"}, "versions": [{"resources": [{"resource": "scaledobjects"}]}]}
                    ]
                },
                "/api/v1/namespaces": {
                    "items": [
                        {"metadata": {"name": "team-b"}},
                        {"metadata": {"name": "ours", "labels": {"app.kubernetes.io/part-of": "demo"}}},
                    ]
                },
                "/apis/apps/v1/deployments": {"items": [{"metadata": {"namespace": "keda", "name": "keda-operator"}}]},
            }
        ),
        stack="demo",
    )
    assert (facts.minor, facts.kinds, facts.deployments) == (34, {"scaledobjects.keda.sh"}, {"keda/keda-operator"})
    assert facts.namespaces == {"team-b"}
    assert facts.nodes[0].taken_millicpus == 2000
    assert facts.nodes[0].kubelet is None


def test_long_lists_are_read_page_by_page() -> None:
    class Paged(Recorded):
        def get(self, path: str, accept: str = "") -> Any | None:
            if path.startswith("/api/v1/nodes?") and "continue" not in path:
                return {"items": [a_node_object("node-1")], "metadata": {"continue": "more"}}
            if path.startswith("/api/v1/nodes?"):
                return {"items": [a_node_object("node-2")], "metadata": {}}
            return None

    assert [node.name for node in read_cluster(Paged({}), stack="demo").nodes] == ["node-1", "node-2"]


def test_a_cluster_whose_nodes_are_secret_is_a_clear_error() -> None:
    with pytest.raises(PreflightError, match="nodes"):
        read_cluster(Recorded({}), stack="demo")


def test_people_are_told_what_there_is() -> None:
    config = {"cpuManagerPolicy": "static"}
    facts = ClusterFacts(
        version="v1.29.1",
        nodes=tuple(node_of(a_node_object(name), config=config) for name in ("node-1", "node-2")),
        storage_classes=(StorageClass("fast", "csi", True),),
    )
    assert describe_cluster(facts, {"keda": "keda", "gateway-api": ""}) == (
        "Kubernetes v1.29.1; pods of ovms and mlserver need 1.30 or later",
        "2 nodes: 16 CPUs, 15.5 of them and 60000 MiB for pods; 2 threads a core; exclusive CPUs (CPU manager static, "
        "topology manager none, memory manager None)",
        "storage classes: fast (csi) by default",
        "installed by others, and left alone: gateway-api, keda (in keda)",
    )


def test_scripts_are_told_the_same_node_by_node() -> None:
    facts = ClusterFacts(
        version="v1.34.4", nodes=(node_of(a_node_object("node-1"), config={"cpuManagerPolicy": "none"}),)
    )
    told = json.loads(json.dumps(cluster_json(facts, {"keda": "keda"}), allow_nan=False))
    (node,) = told["nodes"]
    assert (node["name"], node["free_millicpus"], node["kubelet"]["cpu_manager"]) == ("node-1", 15500, "none")
    assert (told["version"], told["installed"]) == ("v1.34.4", {"keda": "keda"})

"""Whether a pod is pinned, and what broke it: verdicts on pods as the API tells them and as they look inside."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.cluster.nodes import Kubelet
from components.serving.pinning import ContainerFacts, Inside, PodFacts, Verdict, judge
from components.serving.pinning_reader import SCRIPT, inside_of, pod_facts, rest_port
from components.serving.pods.live import Group
from stack.render.pinning_text import pinning_json, render_pinning

STATIC = Kubelet("static", "single-numa-node", "container", "None", True)
GROUP = Group("digits", "openvino", "v2", "digits", "demo", {"app": "digits"}, "openvino", 8000, 9000, 2)


def a_container(name: str = "openvino", *, init: bool = False, **changes: Any) -> ContainerFacts:
    return replace(ContainerFacts(name, init, 2000, 2000, 2048, 2048), **changes)


def an_inside(**changes: Any) -> Inside:
    """A process with CPUs 2 and 3 of a machine with two NUMA nodes of four CPUs."""
    numa = {0: frozenset(range(4)), 1: frozenset(range(4, 8))}
    own = frozenset({2, 3})
    return replace(Inside(own, (own, frozenset({2}), frozenset({3})), numa=numa, inference_threads=2), **changes)


def a_pod(name: str = "digits-0", **changes: Any) -> PodFacts:
    pod = PodFacts(
        name, "digits", "node-1", "Running", "Guaranteed", "openvino",
        (a_container("check", init=True), a_container()), STATIC, an_inside(),
    )  # fmt: skip
    return replace(pod, **changes)


def verdict(pod: PodFacts, *others: PodFacts, asked: bool = True) -> Verdict:
    found = judge([pod, *others], asked={"digits": asked})
    return next(one for one in found if one.pod == pod.name)


SHARED = an_inside(cpuset=frozenset(range(8)), threads=(frozenset(range(8)),))


def test_a_pod_with_cpus_of_its_own_is_pinned() -> None:
    found = verdict(a_pod())
    assert (found.ok, found.pinned, found.cpus, found.numa_nodes, found.threads) == (True, True, (2, 3), (0,), 2)
    assert found.facts[:3] == ("CPUs 2-3 of its own", "NUMA node 0", "2 inference threads")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"cpu_request": 1000}, "requests 1 CPUs and 2048 MiB of memory, and is limited to 2 CPUs"),
        ({"memory_limit_mib": None}, "limited to 2 CPUs and any amount of memory"),
        ({"cpu_request": 1500, "cpu_limit": 1500}, "asks for 1.5 CPUs, which is no whole number"),
    ],
)
def test_a_serving_container_with_other_resources_is_blamed(changes: dict[str, Any], says: str) -> None:
    pod = a_pod(containers=(a_container(**changes),), qos="Burstable", inside=SHARED)
    found = verdict(pod)
    assert not found.ok
    assert says in found.broken[0]
    assert found.broken[0].startswith("container openvino ")


def test_an_injected_sidecar_is_blamed_by_name() -> None:
    sidecar = a_container("istio-proxy", cpu_request=100, memory_request_mib=128)
    found = verdict(a_pod(containers=(a_container(), sidecar), qos="Burstable", inside=SHARED))
    assert found.broken == (
        "container istio-proxy (not ours: injected?) requests 0.1 CPUs and 128 MiB of memory, and is limited to 2 "
        "CPUs and 2048 MiB of memory",
    )


def test_an_init_container_is_blamed_as_such() -> None:
    init = a_container("storage-initializer", init=True, cpu_request=100)
    found = verdict(a_pod(containers=(init, a_container()), qos="Burstable", inside=SHARED))
    assert found.broken[0].startswith("init container storage-initializer (not ours: injected?) requests 0.1 CPUs")


def test_a_kubelet_without_static_cpu_manager_is_blamed() -> None:
    found = verdict(a_pod(kubelet=replace(STATIC, cpu_manager="none"), inside=SHARED))
    assert found.broken == ("the kubelet of node-1 has the CPU manager policy none, not static",)


def test_another_qos_class_is_told_where_no_container_explains_it() -> None:
    found = verdict(a_pod(qos="BestEffort", inside=SHARED))
    assert found.broken == ("the pod's QoS class is BestEffort, not Guaranteed",)


def test_shared_cpus_without_a_reason_are_told_with_a_way_out() -> None:
    found = verdict(a_pod(kubelet=None, inside=SHARED))
    assert "cpuset is 0-7" in found.broken[0]
    assert "delete the pod" in found.broken[0]


def test_all_cpus_of_a_machine_are_nobody_s_own() -> None:
    whole = an_inside(numa={0: frozenset({2, 3})})
    assert not verdict(a_pod(inside=whole)).pinned


def test_two_pods_on_the_same_cpus_are_both_blamed() -> None:
    one, two = a_pod("one"), a_pod("two")
    assert verdict(one, two).broken == ("two may run on the same CPUs",)
    assert verdict(two, one).broken == ("one may run on the same CPUs",)


def test_pods_on_other_nodes_may_have_the_same_cpus() -> None:
    assert verdict(a_pod("one"), a_pod("two", node="node-2")).ok


def test_cpus_of_two_numa_nodes_are_a_fault_even_if_they_are_its_own() -> None:
    across = frozenset({3, 4})
    found = verdict(a_pod(inside=an_inside(cpuset=across, threads=(across,))))
    assert found.pinned
    assert "NUMA nodes 0-1" in found.broken[0]


def test_more_threads_than_cpus_are_a_fault() -> None:
    assert verdict(a_pod(inside=an_inside(inference_threads=8))).broken == ("it infers with 8 threads on 2 CPUs",)


def test_a_group_that_is_to_share_is_as_asked() -> None:
    shared = a_pod(containers=(a_container(cpu_limit=None),), qos="Burstable", inside=SHARED)
    found = verdict(shared, asked=False)
    assert (found.ok, found.pinned, found.facts[0]) == (True, False, "CPUs 0-7, shared")


def test_a_pod_that_cannot_be_looked_into_is_not_as_asked() -> None:
    found = verdict(a_pod(phase="Pending", inside=None, qos="Guaranteed"))
    assert found.broken == ("nothing can be read inside: the pod is Pending",)


def test_memory_elsewhere_and_a_quota_are_told() -> None:
    found = verdict(a_pod(inside=an_inside(pages={0: 1, 1: 3}, quota_cpus=2.0)))
    assert found.ok
    assert {"only 25% of memory there", "CFS quota of 2 CPUs"} <= set(found.facts)


def test_the_api_s_pod_becomes_facts() -> None:
    resources = {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "1Gi"}}
    pod = {
        "metadata": {"name": "digits-0"},
        "spec": {
            "nodeName": "node-1",
            "initContainers": [{"name": "check", "resources": {"limits": {"cpu": "1", "memory": "64Mi"}}}],
            "containers": [{"name": "openvino", "resources": resources}, {"name": "bare"}],
        },
        "status": {"phase": "Running", "qosClass": "Burstable"},
    }
    check, openvino, bare = pod_facts(GROUP, pod).containers
    assert (check.even, openvino.even, bare.even) == (True, False, False)
    assert (openvino.cpu_request, openvino.cpu_limit, openvino.memory_limit_mib) == (500, 2000, 1024)


def test_the_pod_s_own_port_is_asked_not_that_of_its_service() -> None:
    ports = [{"name": "grpc", "containerPort": 9500}, {"name": "http", "containerPort": 9001}]
    pod = {"spec": {"containers": [{"name": "proxy"}, {"name": "openvino", "ports": ports}]}}
    assert rest_port(GROUP, pod) == 9001
    assert rest_port(GROUP, {"spec": {"containers": [{"name": "openvino"}]}}) == 8000


PROBE = """==> self
40
==> /proc/1/task/1/status
PPid:\t0
Cpus_allowed_list:\t2-3
==> /proc/1/task/9/status
PPid:\t0
Cpus_allowed_list:\t3
==> /proc/40/task/40/status
PPid:\t0
Cpus_allowed_list:\t2-3
==> /proc/41/task/41/status
PPid:\t40
Cpus_allowed_list:\t0-7
==> /proc/1/numa_maps
7f00 default anon=3 dirty=3 N0=3 kernelpagesize_kB=4
==> /sys/devices/system/node/node0/cpulist
0-3
==> /sys/devices/system/node/node1/cpulist
4-7
"""
V2 = "==> /sys/fs/cgroup/cpuset.cpus.effective\n2-3\n==> /sys/fs/cgroup/cpu.max\nmax 100000\n"
V1 = (
    "==> /sys/fs/cgroup/cpuset/cpuset.cpus\n2-3\n==> /sys/fs/cgroup/cpu/cpu.cfs_quota_us\n150000\n"
    "==> /sys/fs/cgroup/cpu/cpu.cfs_period_us\n100000\n"
)


@pytest.mark.parametrize(("groups", "quota"), [(V2, None), (V1, 1.5), ("", None)])
def test_what_was_read_inside_becomes_facts_without_the_reader_itself(groups: str, quota: float | None) -> None:
    inside = inside_of(PROBE + groups)
    assert inside.cpuset == {2, 3}
    assert inside.threads == (frozenset({2, 3}), frozenset({3}))
    assert (inside.nodes, dict(inside.pages), inside.quota_cpus) == ((0,), {0: 3}, quota)


def test_nothing_readable_inside_is_an_error_and_no_verdict() -> None:
    with pytest.raises(ValueError, match="cannot be seen"):
        inside_of("sh: not found")


def test_the_script_reads_a_real_system(tmp_path: Path) -> None:
    import subprocess

    output = subprocess.run(["sh", "-c", SCRIPT], capture_output=True, text=True, check=True).stdout
    assert inside_of(output).threads


def test_verdicts_are_rendered_for_people_and_scripts() -> None:
    verdicts = judge([a_pod(), a_pod("digits-1", node="node-2", inside=SHARED, kubelet=None)], asked={})
    text = render_pinning(verdicts)
    assert text.startswith("digits-0 on node-1: pinned\n    CPUs 2-3 of its own; NUMA node 0; 2 inference threads;")
    assert "digits-1 on node-2: NOT AS ASKED" in text
    assert text.endswith("\n1 of 2 as asked\n")
    assert render_pinning([], idle=True) == "nothing to verify: the stack serves nothing\n"
    assert [one["ok"] for one in json.loads(json.dumps(pinning_json(verdicts)))["pods"]] == [True, False]

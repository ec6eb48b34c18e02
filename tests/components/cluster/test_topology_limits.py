"""Topologies of built machines: what cgroups, affinity and switched-off CPUs leave."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.cluster.topology import Withheld, as_json, counted, read
from schemas.errors import PreflightError
from tests.components.cluster.machine_builder import a_machine, in_cgroup_v1, in_cgroup_v2, record


def test_a_machine_of_one_core_is_one_node(tmp_path: Path) -> None:
    topology = read(a_machine(tmp_path, cores=1))
    assert topology.cpus == (0,)
    assert [node.id for node in topology.nodes] == [0]
    assert topology.quota_cpus is None


def test_hardware_threads_of_one_core_stay_together(tmp_path: Path) -> None:
    topology = read(a_machine(tmp_path, cores=4, threads=2, nodes=2))
    assert [[core.cpus for core in node.cores] for node in topology.nodes] == [[(0, 4), (1, 5)], [(2, 6), (3, 7)]]
    assert topology.sockets == (0, 1)


def test_a_cpuset_of_version_2_may_leave_out_core_0(tmp_path: Path) -> None:
    root = in_cgroup_v2(a_machine(tmp_path), {"a/b/cpuset.cpus.effective": "1-3"}, group="/a/b")
    topology = read(root)
    assert topology.cpus == (1, 2, 3)
    assert topology.withheld == (Withheld("cpuset", (0,)),)


def test_a_cpuset_of_version_1_is_that_of_the_innermost_group(tmp_path: Path) -> None:
    files = {"cpuset/cpuset.cpus": "0-3", "cpuset/docker/x/cpuset.cpus": "2-3", "cpuset/docker/x/cpuset.mems": "1"}
    topology = read(in_cgroup_v1(a_machine(tmp_path, nodes=2), files, group="/docker/x"))
    assert topology.cpus == (2, 3)
    assert [(node.id, node.memory_bytes) for node in topology.nodes] == [(1, 2**30)]


def test_a_group_without_a_cpuset_has_its_parents(tmp_path: Path) -> None:
    files = {"a/cpuset.cpus.effective": "0-1", "a/b/cgroup.procs": "1"}
    assert read(in_cgroup_v2(a_machine(tmp_path), files, group="/a/b")).cpus == (0, 1)


def test_the_quota_of_version_2_is_the_tightest_of_all_ancestors(tmp_path: Path) -> None:
    files = {"a/cpu.max": "150000 100000", "a/b/cpu.max": "max 100000", "a/b/c/cpu.max": "400000 100000"}
    assert read(in_cgroup_v2(a_machine(tmp_path), files, group="/a/b/c")).quota_cpus == 1.5


def test_the_quota_of_version_1_is_the_tightest_of_all_ancestors(tmp_path: Path) -> None:
    files = {}
    for group, quota in (("", -1), ("a/", 50000), ("a/b/", 200000)):
        files[f"cpu,cpuacct/{group}cpu.cfs_quota_us"] = str(quota)
        files[f"cpu,cpuacct/{group}cpu.cfs_period_us"] = "100000"
    assert read(in_cgroup_v1(a_machine(tmp_path), files, group="/a/b")).quota_cpus == 0.5


@pytest.mark.parametrize(("group", "mount_root"), [("/docker/x", "/docker/x"), ("/docker/x", "/other"), ("/../x", "/")])
def test_a_container_finds_its_limits_at_the_top_of_the_mount(tmp_path: Path, group: str, mount_root: str) -> None:
    files = {"cpu.max": "200000 100000", "cpuset.cpus.effective": "0"}
    topology = read(in_cgroup_v2(a_machine(tmp_path), files, group=group, mount_root=mount_root))
    assert (topology.quota_cpus, topology.cpus) == (2.0, (0,))


def test_affinity_counts_after_what_the_cpuset_leaves_out(tmp_path: Path) -> None:
    root = in_cgroup_v2(a_machine(tmp_path), {"cpuset.cpus.effective": "0-2"})
    topology = read(root, affinity=frozenset({2, 3}))
    assert topology.cpus == (2,)
    assert topology.withheld == (Withheld("cpuset", (3,)), Withheld("affinity", (0, 1)))


def test_a_recorded_machine_does_not_take_this_processs_affinity(tmp_path: Path) -> None:
    assert len(read(a_machine(tmp_path, cores=512)).cpus) == 512


def test_switched_off_cpus_are_known_without_a_list_of_online_ones(tmp_path: Path) -> None:
    root = record(a_machine(tmp_path, threads=2), {"sys/devices/system/cpu/cpu4/online": "0"})
    (root / "sys/devices/system/cpu/online").unlink()
    topology = read(root)
    assert topology.withheld == (Withheld("offline", (4,)),)
    assert topology.cores[0].cpus == (0,)


def test_a_machine_without_numa_nodes_is_one_node_with_all_memory(tmp_path: Path) -> None:
    cpus = {f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings": f"{1 << cpu:08x}" for cpu in range(2)}
    topology = read(record(tmp_path, cpus | {"proc/meminfo": "MemTotal: 1024 kB"}))
    assert [(node.id, node.memory_bytes, len(node.cores)) for node in topology.nodes] == [(0, 2**20, 2)]


@pytest.mark.parametrize("name", ["cpu_capacity", "cpufreq/cpuinfo_max_freq"])
def test_slow_cores_of_a_hybrid_machine_are_efficiency_cores(tmp_path: Path, name: str) -> None:
    figures = {0: 1024, 1: 1000, 2: 640, 3: 640}
    root = record(
        a_machine(tmp_path), {f"sys/devices/system/cpu/cpu{cpu}/{name}": str(figure) for cpu, figure in figures.items()}
    )
    assert [core.kind for core in read(root).cores] == ["performance", "performance", "efficiency", "efficiency"]


def test_cores_that_intel_calls_atom_are_efficiency_cores(tmp_path: Path) -> None:
    root = record(a_machine(tmp_path), {"sys/devices/cpu_core/cpus": "0-1", "sys/devices/cpu_atom/cpus": "2-3"})
    assert [core.kind for core in read(root).cores] == ["performance", "performance", "efficiency", "efficiency"]


def test_a_shared_cache_is_listed_once_with_who_shares_it(tmp_path: Path) -> None:
    files = {}
    for cpu in range(4):
        for index, level, shared in ((0, "1", str(cpu)), (3, "3", "0-3")):
            folder = f"sys/devices/system/cpu/cpu{cpu}/cache/index{index}"
            files |= {f"{folder}/level": level, f"{folder}/size": "32K", f"{folder}/shared_cpu_list": shared}
    found = [(cache.level, cache.size_bytes, cache.cpus) for cache in read(record(a_machine(tmp_path), files)).caches]
    assert found == [(1, 32768, (0,)), (1, 32768, (1,)), (1, 32768, (2,)), (1, 32768, (3,)), (3, 32768, (0, 1, 2, 3))]


def test_model_and_kernel_are_read_from_proc(tmp_path: Path) -> None:
    files = {"proc/cpuinfo": "model name\t: Intel(R)   Xeon(R)\n", "proc/version": "Linux version 6.1.0 (gcc)"}
    topology = read(record(a_machine(tmp_path), files))
    assert (topology.cpu_model, topology.kernel) == ("Intel(R) Xeon(R)", "Linux 6.1.0")


def test_this_machine_is_limited_to_the_affinity_of_the_process() -> None:
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system has no affinity")
    assert set(read().cpus) <= os.sched_getaffinity(0)


def test_a_system_without_sys_is_counted_and_says_so() -> None:
    topology = counted()
    assert len(topology.cores) == os.cpu_count()
    assert len(topology.nodes) == 1
    assert "has no /sys" in topology.source


def test_the_json_form_has_plain_values_only(tmp_path: Path) -> None:
    found = as_json(read(a_machine(tmp_path, cores=1)))
    assert found["nodes"][0]["cores"] == [{"id": 0, "socket": 0, "cpus": [0], "kind": "uniform"}]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda root: root / "nowhere", "there is no folder"),
        (lambda root: record(root, {"sys/readme": "x"}), "holds no machine"),
        (lambda root: a_machine(root / "inside", cores=1).parent, "holds no machine"),
        (lambda root: record(root, {"m.tar": "x"}) / "m.tar", "is a file"),
        (lambda root: record(a_machine(root), {"sys/devices/system/cpu/online": "0-x"}), "cannot be read"),
        (lambda root: in_cgroup_v2(a_machine(root), {"cpuset.cpus.effective": "9"}), "no CPU of this machine"),
    ],
)
def test_a_folder_without_a_usable_machine_is_explained(tmp_path: Path, make, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(PreflightError, match=says) as caught:
        read(make(tmp_path))
    assert caught.value.why
    assert caught.value.remedy


def test_the_machine_one_folder_deeper_is_suggested(tmp_path: Path) -> None:
    inside = a_machine(tmp_path / "inside", cores=1)
    with pytest.raises(PreflightError) as caught:
        read(tmp_path)
    assert caught.value.remedy == f"did you mean {inside}?"

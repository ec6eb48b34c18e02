"""Recorded real machines against figures written down from the oracle (hwloc), and the oracle itself if installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from components.cluster.picture import WIDTH, draw
from components.cluster.topology import Topology, read

MACHINES = (
    "16amd64-8n2c-cpusets",
    "16em64t-4s2c2t-offlines",
    "20em64t-hybrid-1p6c2t+2ca4co1t",
    "32em64t-2n8c+dax+nvme+mic+dimms",
    "40intel64-2g2n4c+pcilocality",
    "48amd64-4pa2n6c-sparse",
    "nvidiagpunumanodes",
    "offline-cpu0-node0",
)

# Most of a recording is about devices: unpacking all of it would take longer than all tests together.
NEEDED = re.compile(r"/(proc|dev|sys/fs|sys/devices/cpu_\w+|sys/devices/system/(cpu|node))(/(?!.*/memory\d+)|$)")

Machine = Callable[[str], Path]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The folder of a recorded machine, unpacked."""
    archives = os.environ.get("INFERSTACK_TEST_TOPOLOGIES")
    if not archives:
        pytest.skip("INFERSTACK_TEST_TOPOLOGIES does not name a folder of recorded machines")

    @cache
    def unpack(name: str) -> Path:
        folder = tmp_path_factory.mktemp("machine")
        with tarfile.open(Path(archives) / f"{name}.tar.bz2") as archive:
            wanted = [member for member in archive.getmembers() if NEEDED.search(member.name)]
            archive.extractall(folder, wanted, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
        return next(path for path in folder.iterdir() if path.is_dir())

    return unpack


def counts(topology: Topology) -> dict[int, int]:
    """Cores on each node that has any."""
    return {node.id: len(node.cores) for node in topology.nodes if node.cores}


def test_two_nodes_of_eight_cores_are_read(machine: Machine) -> None:
    topology = read(machine("32em64t-2n8c+dax+nvme+mic+dimms"))
    assert counts(topology) == {0: 8, 1: 8}
    assert [node.memory_bytes // 2**20 for node in topology.nodes] == [16354, 16384]
    assert [(c.size_bytes // 2**20, len(c.cpus)) for c in topology.caches if c.level == 3] == [(20, 8), (20, 8)]


def test_interleaved_cpu_numbers_belong_to_their_nodes(machine: Machine) -> None:
    topology = read(machine("40intel64-2g2n4c+pcilocality"))
    assert counts(topology) == {0: 10, 1: 10, 2: 10, 3: 10}
    assert [core.cpus for core in topology.nodes[1].cores] == [(cpu,) for cpu in range(1, 40, 4)]


def test_switched_off_threads_leave_cores_with_one(machine: Machine) -> None:
    topology = read(machine("16em64t-4s2c2t-offlines"))
    assert (len(topology.cores), len(topology.cpus), topology.sockets) == (7, 12, (0, 1, 2, 3))
    assert {core.cpus for core in topology.cores} >= {(0, 8), (6,), (10,)}


def test_node_numbers_with_gaps_are_kept(machine: Machine) -> None:
    topology = read(machine("48amd64-4pa2n6c-sparse"))
    assert counts(topology) == dict.fromkeys((0, 1, 2, 33, 34, 45, 72, 73), 6)


def test_a_recorded_cpuset_counts_for_cpus_and_memory(machine: Machine) -> None:
    topology = read(machine("16amd64-8n2c-cpusets"))
    assert len(topology.cores) == 10
    assert [node.id for node in topology.nodes if node.memory_bytes] == [1, 2, 3, 4]
    assert {w.reason: w.cpus for w in topology.withheld} == {"offline": (4,), "cpuset": (7, 8, 9, 10, 11)}


def test_cores_of_an_offline_node_keep_to_themselves(machine: Machine) -> None:
    topology = read(machine("offline-cpu0-node0"))
    assert counts(topology) == {0: 9, 1: 8}
    assert [node.memory_bytes // 2**30 for node in topology.nodes] == [0, 64]
    assert 0 not in topology.cpus


def test_nodes_with_memory_and_no_cores_are_kept(machine: Machine) -> None:
    topology = read(machine("nvidiagpunumanodes"))
    assert counts(topology) == {0: 4, 8: 4}
    assert all(len(core.cpus) == 4 for core in topology.cores)
    assert [node.id for node in topology.nodes if not node.cores] == [250, 251, 252, 253, 254, 255]


def test_performance_cores_have_two_threads_and_efficiency_cores_one(machine: Machine) -> None:
    kinds = [(core.kind, len(core.cpus)) for core in read(machine("20em64t-hybrid-1p6c2t+2ca4co1t")).cores]
    assert kinds == [("performance", 2)] * 6 + [("efficiency", 1)] * 8


@pytest.mark.parametrize("name", MACHINES)
def test_cores_and_memory_agree_with_the_oracle(machine: Machine, name: str) -> None:
    if not (lstopo := shutil.which("lstopo-no-graphics")):
        pytest.skip("hwloc (lstopo-no-graphics) is not installed")
    folder = machine(name)
    command = [lstopo, "--input", str(folder), "--of", "xml", "-"]
    environment = {**os.environ, "HWLOC_KEEP_NVIDIA_GPU_NUMA_NODES": "1"}
    said = subprocess.run(command, capture_output=True, check=True, env=environment, timeout=30).stdout
    objects = list(ElementTree.fromstring(said).iter("object"))
    cores = {
        tuple(sorted(int(pu.get("os_index", "")) for pu in core.iter("object") if pu.get("type") == "PU"))
        for core in objects
        if core.get("type") == "Core"
    }
    memory = {
        int(o.get("os_index", "")): int(o.get("local_memory", "0")) for o in objects if o.get("type") == "NUMANode"
    }
    topology = read(folder)
    assert {core.cpus for core in topology.cores} == cores
    assert {node.id: node.memory_bytes for node in topology.nodes if node.memory_bytes} == memory


@pytest.mark.parametrize("name", MACHINES)
def test_the_picture_shows_every_cpu_and_stays_narrow(machine: Machine, name: str) -> None:
    topology = read(machine(name))
    heading, body = draw(topology).split("\n\n", 1)
    assert heading
    assert max(map(len, body.splitlines())) <= WIDTH
    shown = {int(word) for line in body.splitlines() if line.startswith("│") for word in line.split() if word.isdigit()}
    assert shown >= set(topology.cpus)

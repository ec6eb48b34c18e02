"""The picture of a topology, as a person sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from components.cluster.picture import WIDTH, draw
from components.cluster.sysfs import Cache
from components.cluster.topology import Core, NumaNode, Topology, Withheld
from components.serving.placement import Request, place
from schemas.spec import Instances

Golden = Callable[[str, str], None]


def a_topology(*, nodes: int = 1, cores: int = 2, threads: int = 1) -> Topology:
    """Equal nodes; the second threads of all cores come after all first threads."""
    total = nodes * cores
    return Topology(
        nodes=tuple(
            NumaNode(
                node,
                16 * 2**30,
                tuple(
                    Core(core, node, tuple(node * cores + core + thread * total for thread in range(threads)))
                    for core in range(cores)
                ),
            )
            for node in range(nodes)
        ),
        cpu_model="Intel(R) Xeon(R)",
        kernel="Linux 6.1.0",
    )


def test_one_core_is_drawn_as_one_cell(golden: Golden) -> None:
    golden("one-core.txt", draw(a_topology(cores=1)))


def test_128_cores_on_two_nodes_stay_readable(golden: Golden) -> None:
    picture = draw(a_topology(nodes=2, cores=64, threads=2))
    assert max(map(len, picture.splitlines())) <= WIDTH
    golden("128-cores.txt", picture)


def test_ascii_is_enough_for_a_plain_terminal(golden: Golden) -> None:
    picture = draw(a_topology(nodes=2, cores=8), ascii_only=True)
    assert picture.isascii()
    golden("ascii.txt", picture)


def test_what_is_off_limits_says_why(golden: Golden) -> None:
    topology = replace(
        a_topology(),
        withheld=(Withheld("offline", (5,)), Withheld("cpuset", (2, 3, 4)), Withheld("affinity", (7,))),
        quota_cpus=1.5,
        caches=(Cache(2, "unified", 2**20, (0,)), Cache(2, "unified", 2**20, (1,)), Cache(3, "unified", 2**25, (0, 1))),
    )
    golden("off-limits.txt", draw(topology))


def test_instances_stand_under_their_cores(golden: Golden) -> None:
    topology = a_topology(nodes=2, cores=8)
    requests = [
        Request("digits-latency", instances=Instances(per_numa_node=1, cores=3)),
        Request("digits-throughput", layout="throughput", exclusive=False),
        Request("digits-wide", layout="latency", exclusive=False),
    ]
    golden("instances.txt", draw(topology, place(topology, requests).instances))

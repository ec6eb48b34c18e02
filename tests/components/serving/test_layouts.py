"""The layouts that a search goes through."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from components.cluster.topology import Topology
from components.serving.layouts import layouts
from components.serving.placement import Request, place
from tests.builders.results import a_machine
from tests.components.serving.test_placement_properties import topologies

ONE = Request("one")


def found(topology: Topology, request: Request = ONE) -> list[str]:
    return [str(layout) for layout in layouts(topology, request)]


def test_two_cores_have_three_layouts_and_the_cheapest_comes_first() -> None:
    assert found(a_machine(cores=2)) == ["1 instance of 1 core", "1 instance of 2 cores", "2 instances of 1 core"]


def test_sizes_and_numbers_double_up_to_what_fits_on_each_node() -> None:
    assert found(a_machine(nodes=2, cores=3)) == [
        "1 instance of 1 core",
        "1 instance of 2 cores",
        "2 instances of 1 core",
        "1 instance of 3 cores",
        "2 instances of 2 cores",
        "4 instances of 1 core",
        "2 instances of 3 cores",
        "6 instances of 1 core",
    ]


def test_the_layout_that_a_group_has_does_not_count() -> None:
    machine = a_machine(cores=2)
    assert found(machine, replace(ONE, layout="latency")) == found(machine, replace(ONE, cores="0")) == found(machine)


def test_a_quota_leaves_out_what_would_be_stopped_in_the_middle_of_requests() -> None:
    assert found(replace(a_machine(cores=4), quota_cpus=2.0)) == [
        "1 instance of 1 core",
        "1 instance of 2 cores",
        "2 instances of 1 core",
    ]


def test_the_most_that_a_quota_allows_is_among_them() -> None:
    listed = found(replace(a_machine(cores=16), quota_cpus=6.5))
    assert listed[-3:] == ["1 instance of 6 cores", "3 instances of 2 cores", "6 instances of 1 core"]


def test_nothing_is_listed_for_more_threads_than_there_are() -> None:
    assert found(replace(a_machine(cores=2), quota_cpus=2.0), replace(ONE, threads=8)) == []


@given(topologies())
def test_every_layout_fits_and_takes_the_cores_that_it_says(topology: Topology) -> None:
    listed = layouts(topology, ONE)
    assert len(set(listed)) == len(listed)
    assert [one.total for one in listed] == sorted(one.total for one in listed)
    for layout in listed:
        placed = place(topology, (replace(ONE, instances=layout.instances),)).instances
        assert len(placed) == layout.count
        assert len({cpu for one in placed for cpu in one.cpus}) <= layout.total

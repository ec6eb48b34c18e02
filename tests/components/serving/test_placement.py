"""Placement by example: what each way of asking gives, and what is said when it does not fit."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from components.cluster.topology import Core, NumaNode, Topology, Withheld
from components.serving.placement import Misfit, Placement, Request, place, request_of
from components.serving.placement_request import throughput_cores
from schemas.rules import explain
from schemas.spec import Instances, Serving


def a_topology(*, nodes: int = 2, cores: int = 8, threads: int = 1, quota_cpus: float | None = None) -> Topology:
    """Equal nodes; the second threads of all cores come after all first threads."""
    total = nodes * cores

    def core(number: int) -> Core:
        return Core(number % cores, number // cores, tuple(range(number, total * threads, total)))

    return Topology(
        tuple(NumaNode(n, 2**34, tuple(core(n * cores + c) for c in range(cores))) for n in range(nodes)),
        quota_cpus=quota_cpus,
        cpu_model="Xeon",
    )


def cpus(placement: Placement, group: str = "a") -> list[tuple[int, ...]]:
    return [one.cpus for one in placement.instances if one.group == group]


def misfit(topology: Topology, *requests: Request) -> Misfit:
    with pytest.raises(Misfit) as caught:
        place(topology, requests)
    return caught.value


def test_latency_is_one_instance_a_node_with_all_its_cores() -> None:
    found = place(a_topology(), [Request("a", layout="latency")])
    assert cpus(found) == [tuple(range(8)), tuple(range(8, 16))]
    assert [(one.memory_node, one.threads, one.streams) for one in found.instances] == [(0, 8, 1), (1, 8, 1)]
    assert found.fit == ("a: 2 x 8 cores on Xeon: one a NUMA node, no core left",)


def test_a_group_that_says_nothing_is_laid_out_for_latency() -> None:
    assert cpus(place(a_topology(), [Request("a")])) == cpus(place(a_topology(), [Request("a", layout="latency")]))


def test_throughput_is_one_core_an_instance_while_the_size_is_unknown() -> None:
    assert cpus(place(a_topology(nodes=1, cores=3), [Request("a", layout="throughput")])) == [(0,), (1,), (2,)]


@pytest.mark.parametrize(("mebibytes", "cores"), [(1, 1), (16, 2), (199, 2), (200, 4), (5000, 4)])
def test_larger_models_get_more_cores_an_instance(mebibytes: int, cores: int) -> None:
    assert throughput_cores(mebibytes * 2**20) == cores


def test_large_models_get_what_a_small_node_has() -> None:
    found = place(a_topology(cores=3), [Request("a", layout="throughput", model_bytes=2**30)])
    assert cpus(found) == [(0, 1, 2), (3, 4, 5)]


def test_instances_on_each_node_leave_the_rest_free() -> None:
    found = place(a_topology(), [Request("a", instances=Instances(per_numa_node=1, cores=7))])
    assert found.fit == ("a: 2 x 7 cores on Xeon: one a NUMA node, 1 core left on each",)
    assert found.spare_cpus == (7, 15)


def test_a_count_without_cores_is_split_evenly() -> None:
    assert [len(one) for one in cpus(place(a_topology(), [Request("a", instances=Instances(count=3))]))] == [4, 4, 4]


def test_a_count_is_spread_over_the_nodes() -> None:
    found = place(a_topology(), [Request("a", instances=Instances(count=2, cores=2))])
    assert cpus(found) == [(0, 1), (8, 9)]


def test_a_single_instance_spans_the_machine_without_binding_memory() -> None:
    found = place(a_topology(), [Request("a", instances=Instances(count=1))])
    assert cpus(found) == [tuple(range(16))]
    assert found.instances[0].memory_node is None


def test_cores_by_hand_are_cpus_and_may_cross_nodes() -> None:
    found = place(a_topology(), [Request("a", cores="7-8"), Request("b", cores="0-3")])
    assert cpus(found) == [(7, 8)]
    assert [one.memory_node for one in found.instances] == [None, 0]


def test_hyperthreads_give_both_threads_of_a_core() -> None:
    found = place(a_topology(nodes=1, cores=2, threads=2), [Request("a", hyperthreads=True)])
    assert cpus(found) == [(0, 1, 2, 3)]
    assert found.instances[0].threads == 4


def test_without_hyperthreads_only_first_threads_are_given() -> None:
    assert cpus(place(a_topology(nodes=1, cores=2, threads=2), [Request("a")])) == [(0, 1)]


def test_groups_of_open_size_divide_the_machine_evenly() -> None:
    found = place(a_topology(nodes=1), [Request("a"), Request("b", layout="throughput")])
    assert cpus(found) == [(0, 1, 2, 3)]
    assert cpus(found, "b") == [(4,), (5,), (6,), (7,)]


def test_groups_that_are_not_exclusive_overlap() -> None:
    found = place(a_topology(nodes=1), [Request("a", exclusive=False), Request("b", exclusive=False)])
    assert cpus(found, "a") == cpus(found, "b") == [tuple(range(8))]


def test_overlapping_groups_keep_off_exclusive_cores() -> None:
    requests = [Request("b", exclusive=False), Request("a", instances=Instances(count=1, cores=2))]
    assert cpus(place(a_topology(nodes=1), requests), "b") == [tuple(range(2, 8))]


def test_large_instances_are_packed_before_small_ones() -> None:
    requests = [
        Request("a", instances=Instances(count=2, cores=4)),
        Request("b", instances=Instances(count=1, cores=8)),
    ]
    found = place(a_topology(), requests)
    assert cpus(found, "b") == [tuple(range(8))]
    assert cpus(found, "a") == [(8, 9, 10, 11), (12, 13, 14, 15)]


def test_memory_is_not_bound_when_there_is_one_node_or_none_wanted() -> None:
    assert place(a_topology(nodes=1), [Request("a")]).instances[0].memory_node is None
    assert place(a_topology(), [Request("a", bind_memory=False)]).instances[0].memory_node is None


def test_a_quota_makes_open_groups_smaller() -> None:
    found = place(a_topology(quota_cpus=4.5), [Request("a")])
    assert [len(one) for one in cpus(found)] == [2, 2]
    assert "a CFS quota allows 4.5 of 16 CPUs" in found.fit[0]


def test_a_quota_under_one_cpu_still_runs_one_thread() -> None:
    found = place(a_topology(nodes=1, quota_cpus=0.5), [Request("a", layout="throughput")])
    assert [(one.cpus, one.threads) for one in found.instances] == [((0,), 1)]


def test_cores_by_hand_keep_their_mask_and_run_fewer_threads_under_a_quota() -> None:
    one = place(a_topology(quota_cpus=2), [Request("a", cores="0-3")]).instances[0]
    assert (one.cpus, one.threads) == ((0, 1, 2, 3), 2)


def test_spare_cpus_are_not_spare_when_the_quota_is_spent() -> None:
    assert place(a_topology(quota_cpus=4), [Request("a", layout="throughput")]).spare_cpus == ()


def test_stated_threads_and_streams_are_kept() -> None:
    one = place(a_topology(), [Request("a", cores="0-3", threads=2, streams=2)]).instances[0]
    assert (one.threads, one.streams) == (2, 2)


def test_too_many_cores_say_what_is_free_and_what_would_fit() -> None:
    latency = Request("digits-latency", instances=Instances(per_numa_node=1, cores=4))
    found = misfit(
        a_topology(cores=10), latency, Request("big", instances=Instances(count=1, cores=8), at="serving.big")
    )
    assert found.problems[0].message == (
        "big needs 8 cores on one NUMA node; the largest has 6 free of 10 (4 taken by digits-latency)"
    )
    assert found.problems[0].remedy == "`cores: 6` fits, or `exclusive: false` lets groups overlap"
    assert found.at == ("serving.big.instances.cores",)


@pytest.mark.parametrize(
    ("asked", "remedy"),
    [
        (Instances(count=1, cores=9), "`cores: 8` fits, or `cores: 16` spans the machine"),
        (Instances(count=5, cores=4), "`count: 4` or `cores: 2` fits"),
        (Instances(per_numa_node=1, cores=9), "`cores: 8` fits"),
        (Instances(per_numa_node=9), "ask for fewer or smaller instances"),
    ],
)
def test_overlap_is_offered_only_where_others_have_the_cores(asked: Instances, remedy: str) -> None:
    for exclusive in (True, False):
        found = misfit(a_topology(), Request("a", instances=asked, exclusive=exclusive))
        assert found.problems[0].remedy == remedy


def test_all_misfits_are_told_at_once_in_the_order_of_the_spec() -> None:
    requests = [
        Request("a", instances=Instances(count=9, cores=2)),
        Request("b", cores="0,99"),
        Request("c", instances=Instances(per_numa_node=1, cores=9)),
    ]
    assert [problem.message.split()[0] for problem in misfit(a_topology(), *requests).problems] == ["a", "b", "c"]


def test_a_count_that_does_not_fit_names_smaller_counts_and_cores() -> None:
    problem = misfit(a_topology(), Request("a", instances=Instances(count=5, cores=3))).problems[0]
    assert "4 would fit" in problem.message
    assert problem.remedy.startswith("`count: 4` or `cores: 2` fits")


def test_an_instance_between_a_node_and_the_machine_is_refused() -> None:
    problem = misfit(a_topology(), Request("a", instances=Instances(count=1, cores=12))).problems[0]
    assert problem.remedy.startswith("`cores: 8` fits, or `cores: 16` spans the machine")


def test_more_groups_than_cores_are_told_to_overlap() -> None:
    found = misfit(a_topology(nodes=1, cores=2), *(Request(name) for name in "abc"))
    assert len(found.problems) == 3
    assert "`exclusive: false`" in found.problems[0].remedy


def test_a_cpu_off_limits_says_by_what() -> None:
    topology = replace(a_topology(nodes=1, cores=4), withheld=(Withheld("cpuset", (4, 5)),))
    problem = misfit(topology, Request("a", cores="3-6")).problems[0]
    assert (problem.rule, problem.message) == ("NUMA011", "a cannot use CPU 4-6")
    assert problem.why == "CPU 4-5: not in the cpuset of this process; CPU 6: the machine has no such CPU"


def test_two_hands_on_one_core_are_refused_when_one_is_exclusive() -> None:
    topology = a_topology(nodes=1, cores=4, threads=2)
    problem = misfit(topology, Request("a", cores="0"), Request("b", cores="4", exclusive=False)).problems[0]
    assert problem.rule == "NUMA012"
    both = [Request("a", cores="0", exclusive=False), Request("b", cores="4", exclusive=False)]
    assert len(place(topology, both).instances) == 2


def test_stated_sizes_over_the_quota_are_refused() -> None:
    problem = misfit(a_topology(quota_cpus=3.5), Request("a", instances=Instances(count=2, cores=2))).problems[0]
    assert (problem.rule, problem.message) == ("NUMA013", "a needs 4 threads; the CFS quota allows 3.5 CPUs")


def test_more_threads_than_cpus_are_refused() -> None:
    found = misfit(a_topology(), Request("a", cores="0-1", threads=4, at="serving.a"))
    assert (found.problems[0].rule, found.at) == ("NUMA014", ("serving.a.threads",))


@pytest.mark.parametrize("rule", ["NUMA010", "NUMA011", "NUMA012", "NUMA013", "NUMA014"])
def test_every_misfit_has_an_explanation(rule: str) -> None:
    assert explain(rule).part("Why")


def test_a_request_takes_over_what_the_spec_says() -> None:
    serving = Serving(name="a", model="m", layout="throughput", streams=2, exclusive=False, at="serving.a")
    expected = Request("a", layout="throughput", streams=2, exclusive=False, model_bytes=7, at="serving.a")
    assert request_of(serving, model_bytes=7) == expected


def test_a_thousand_instances_are_placed_in_linear_time() -> None:
    topology = a_topology(nodes=8, cores=256)

    def cost_s(count: int) -> float:
        requests = [Request(f"g{index}", instances=Instances(count=4, cores=1)) for index in range(count // 4)]
        best = float("inf")
        for _ in range(3):
            started = time.process_time()
            place(topology, requests)
            best = min(best, time.process_time() - started)
        return best

    assert cost_s(2000) < 8 * cost_s(500)  # four times as many; sixteen times the work would be quadratic

"""What must hold of every placement, on any machine and for any groups."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

from hypothesis import assume, given, note
from hypothesis import strategies as st

from components.cluster.topology import Core, NumaNode, Topology
from components.serving.placement import Misfit, Placement, Request, place
from schemas.spec import Instances


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """Machines of up to 4 nodes with up to 6 cores of 1 or 2 threads, some hybrid, some with a quota."""
    numbers = iter(draw(st.permutations(range(48))))
    kinds = draw(st.sampled_from([("uniform",), ("performance", "efficiency")]))
    nodes = []
    for number in range(draw(st.integers(1, 4))):
        cores = [
            Core(
                index,
                number,
                tuple(sorted(next(numbers) for _ in range(draw(st.integers(1, 2))))),
                draw(st.sampled_from(kinds)),
            )
            for index in range(draw(st.integers(0, 6)))
        ]
        nodes.append(
            NumaNode(number * 3, draw(st.sampled_from([0, 2**30])), tuple(sorted(cores, key=lambda c: c.cpus)))
        )
    assume(any(node.cores for node in nodes))
    return Topology(tuple(nodes), quota_cpus=draw(st.sampled_from([None, None, 0.5, 1.0, 2.5, 4.0, 16.0])))


small = st.integers(1, 3)
shapes = st.one_of(
    st.builds(lambda layout: {"layout": layout}, st.sampled_from([None, "latency", "throughput"])),
    st.builds(lambda k, c: {"instances": Instances(per_numa_node=k, cores=c)}, st.integers(1, 2), st.none() | small),
    st.builds(lambda n, c: {"instances": Instances(count=n, cores=c)}, small, st.none() | small),
)


@st.composite
def placements(draw: st.DrawFn, *, most: int = 4) -> tuple[Topology, list[Request], Placement]:
    """A machine, up to so many groups of any shape that fit it, and their placement."""
    topology = draw(topologies())
    by_hand = st.sets(st.sampled_from(topology.cpus), min_size=1, max_size=3)
    named = by_hand.map(lambda cpus: {"cores": ",".join(map(str, sorted(cpus)))})
    requests: list[Request] = []
    found = place(topology, requests)
    for index in range(draw(st.integers(1, most))):
        request = Request(
            f"g{index}",
            **draw(st.one_of(shapes, named)),
            hyperthreads=draw(st.booleans()),
            exclusive=draw(st.booleans()),
            model_bytes=draw(st.sampled_from([None, 2**20, 2**26, 2**30])),
        )
        try:
            found = place(topology, [*requests, request])
        except Misfit as misfit:
            note(f"left out {request}: {misfit.problems}")
        else:
            requests.append(request)
    return topology, requests, found


Case = tuple[Topology, list[Request], Placement]
cases = given(placements())


@cases
def test_exclusive_groups_share_no_core_with_anybody(case: Case) -> None:
    topology, requests, found = case
    exclusive = {request.group for request in requests if request.exclusive}
    core_of = {cpu: core for core in topology.cores for cpu in core.cpus}
    for one, other in combinations(found.instances, 2):
        if one.group in exclusive or other.group in exclusive or one.group == other.group:
            assert not {core_of[cpu] for cpu in one.cpus} & {core_of[cpu] for cpu in other.cpus}


@cases
def test_an_instance_stays_on_one_node_or_spans_the_machine(case: Case) -> None:
    topology, requests, found = case
    node_of = {cpu: node.id for node in topology.nodes for core in node.cores for cpu in core.cpus}
    asked = {request.group: request for request in requests}
    for one in found.instances:
        request = asked[one.group]
        spans = request.instances is not None and request.instances.count == 1
        assert len({node_of[cpu] for cpu in one.cpus}) == 1 or spans or request.cores


@cases
def test_only_usable_cpus_are_given_and_never_nothing(case: Case) -> None:
    topology, requests, found = case
    for one in found.instances:
        assert one.cpus
        assert set(one.cpus) <= set(topology.cpus)
        assert 1 <= one.threads <= len(one.cpus)
    assert {one.group for one in found.instances} == {request.group for request in requests}


@cases
def test_threads_stay_within_the_quota(case: Case) -> None:
    topology, requests, found = case
    allowed = len(topology.cpus) if topology.quota_cpus is None else max(1, int(topology.quota_cpus))
    exclusive = {request.group for request in requests if request.exclusive}
    assert sum(one.threads for one in found.instances if one.group in exclusive) <= allowed
    assert all(one.threads <= allowed for one in found.instances)


@cases
def test_physical_cores_come_before_their_second_threads(case: Case) -> None:
    topology, requests, found = case
    core_of = {cpu: core for core in topology.cores for cpu in core.cpus}
    asked = {request.group: request for request in requests}
    for one in found.instances:
        if not asked[one.group].cores:
            taken = Counter(core_of[cpu] for cpu in one.cpus)
            for core, count in taken.items():
                assert count == (len(core.cpus) if asked[one.group].hyperthreads else 1)
                assert core.cpus[0] in one.cpus


@given(placements(most=1))
def test_performance_cores_are_taken_before_efficiency_cores(case: Case) -> None:
    topology, requests, found = case
    assume(requests and not requests[0].cores)
    used = {cpu for one in found.instances for cpu in one.cpus}
    for node in topology.nodes:
        ranks = [(core.kind == "efficiency", core.cpus[0] in used) for core in node.cores]
        free_performance = any(not slow and not taken for slow, taken in ranks)
        assert not (free_performance and any(slow and taken for slow, taken in ranks))


@cases
def test_memory_is_bound_only_where_the_instance_sits(case: Case) -> None:
    topology, _requests, found = case
    with_memory = {node.id: node for node in topology.nodes if node.memory_bytes}
    for one in found.instances:
        if one.memory_node is not None:
            assert len(with_memory) > 1
            assert set(one.cpus) <= {cpu for core in with_memory[one.memory_node].cores for cpu in core.cpus}


@cases
def test_spare_cpus_are_first_threads_of_cores_nobody_uses(case: Case) -> None:
    topology, _requests, found = case
    core_of = {cpu: core for core in topology.cores for cpu in core.cpus}
    used = {core_of[cpu] for one in found.instances for cpu in one.cpus}
    assert all(core_of[cpu] not in used and core_of[cpu].cpus[0] == cpu for cpu in found.spare_cpus)
    if topology.quota_cpus is None:
        assert len(found.spare_cpus) == len(topology.cores) - len(used)


@cases
def test_the_same_arguments_give_the_same_answer(case: Case) -> None:
    topology, requests, found = case
    assert place(topology, requests) == found


@given(topologies(), st.lists(shapes, min_size=1, max_size=5), st.booleans())
def test_a_misfit_always_says_why_and_what_to_do(
    topology: Topology, asked: list[dict[str, Any]], exclusive: bool
) -> None:
    requests = [Request(f"g{index}", **fields, exclusive=exclusive) for index, fields in enumerate(asked)]
    try:
        place(topology, requests)
    except Misfit as misfit:
        problems, paths = misfit.problems, misfit.at
    else:
        problems, paths = (), ()
    assert len(problems) == len(paths)
    assert all(problem.message and problem.why and problem.remedy for problem in problems)

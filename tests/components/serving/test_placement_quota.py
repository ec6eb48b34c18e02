"""What a quota allows of a stack's pods, and leaves to its Jobs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.serving.placement_misfit import Misfit
from components.serving.placement_pods import PodPlan
from components.serving.placement_quota import Share, share_of
from schemas.spec import Autoscale, Benchmark, Convert, KubernetesCluster, Model, Quota, Serving, Spec

GIB = 2**30
CONVERTED = Model(name="digits", source="https://example.com/m.onnx", sha256="a" * 64, convert=Convert(place="cluster"))
AS_IT_IS = Model(name="digits", source="gs://models/digits")


def a_spec(*groups: Serving, model: Model = CONVERTED, benchmarks: tuple[Benchmark, ...] = ()) -> Spec:
    return Spec(
        api_version="inferstack/v1", name="demo", cluster=KubernetesCluster(provider="kubernetes"), models=(model,),
        serving=groups or (a_group(),), benchmarks=benchmarks,
    )  # fmt: skip


def a_group(name: str = "one", **fields: object) -> Serving:
    return Serving(name=name, model="digits", **fields)  # type: ignore[arg-type]  # the fields fit, each by its name


def a_plan(name: str = "one", **fields: object) -> PodPlan:
    """Two pods of one CPU and 1 GiB, of which a third is started first when they are replaced."""
    plan = PodPlan(name, None, 2, 1, 1, 1, 1024, threads=1, streams=1, fit=(), surge=True)
    return replace(plan, **fields)  # type: ignore[arg-type]  # the fields fit, each by its name


def shared(quota: Quota | None, spec: Spec | None = None, *plans: PodPlan) -> Share:
    return share_of(quota, spec or a_spec(), {plan.group: plan for plan in plans or (a_plan(),)})


def test_without_a_quota_everything_is_as_it_was() -> None:
    found = shared(None)
    assert (dict(found.plans), found.job_mib, found.notes) == ({"one": a_plan()}, 8192, ())


@pytest.mark.parametrize(
    ("quota", "told"),
    [
        (Quota(pods=2), "the groups and a Job beside them request 3 pods, and the quota allows 2"),
        (Quota(cpus=2), "the groups and a Job beside them request 2.25 CPUs, and the quota allows 2"),
        (Quota(memory_bytes=2 * GIB), "the groups and a Job beside them request 2560 MiB of memory, and the quota"),
    ],
)
def test_what_the_quota_forbids_is_refused_where_it_stands(quota: Quota, told: str) -> None:
    with pytest.raises(Misfit) as caught:
        shared(quota)
    (problem,) = caught.value.problems
    assert problem.message.startswith(told)
    assert caught.value.at[0].startswith("cluster.quota.")


def test_groups_that_need_no_job_may_fill_the_quota() -> None:
    assert shared(Quota(pods=2), a_spec(model=AS_IT_IS)).notes == ()
    steady = Benchmark(name="steady", targets=("one",), client_cores=2)
    with pytest.raises(Misfit) as caught:
        shared(Quota(cpus=3), a_spec(model=AS_IT_IS, benchmarks=(steady,)))
    assert "request 4 CPUs" in caught.value.problems[0].message


def test_a_job_has_the_memory_that_the_groups_leave() -> None:
    found = shared(Quota(memory_bytes=4 * GIB))
    assert found.job_mib == 2048
    assert found.notes == ("quota: leaves 2048 MiB of memory for a Job that makes a model, which else may use 8192",)
    assert shared(Quota(memory_bytes=64 * GIB)).job_mib == 8192


def test_a_new_pod_waits_for_an_old_one_where_the_quota_has_no_room_for_both() -> None:
    found = shared(Quota(pods=2), a_spec(a_group(), model=AS_IT_IS)).plans["one"]
    assert (found.surge, found.fit) == (False, ())
    alone = shared(Quota(pods=1), a_spec(a_group(), model=AS_IT_IS), a_plan(replicas=1)).plans["one"]
    assert alone.fit == (
        "one: there is no room for a second; its only pod stops before the new one starts, and requests fail meanwhile",
    )
    asked = shared(Quota(pods=2), a_spec(a_group(rolling="surge"), model=AS_IT_IS)).plans["one"]
    assert asked.fit == ("one: the quota has no room for a pod more: `rolling: surge` waits for it",)
    assert shared(Quota(pods=3), a_spec(model=AS_IT_IS)).plans["one"].surge


def test_an_autoscaler_that_the_quota_stops_is_told() -> None:
    group = a_group(autoscale=Autoscale(min=2, max=6, metric="cpu", utilization=70.0))
    found = shared(Quota(pods=4), a_spec(group))
    assert found.notes == ("quota: autoscaling ends before its most, which would be 6 pods in all, and 4 are allowed",)

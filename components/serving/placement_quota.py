"""The groups of a stack against the quota of its namespace, and what that leaves to Jobs. Pure.

A quota counts what pods request, those too that come and go: the one more of a rollout, and the Jobs that make models
and measure. A pod that it forbids is never made, and whoever waits for it waits in vain: so it is all settled here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from components.models.order import JOB_LEAST_MIB, JOB_MILLICPUS, JOB_MOST_MIB
from components.serving.placement_misfit import Misfit
from components.serving.placement_pods import PodPlan, rolled
from schemas.errors import Problem
from schemas.spec import Quota, Serving, Spec
from schemas.stores import way_of

# What each pod of a benchmark's load requests (`components.benchmarks.on_cluster.manifests`).
LOAD_MIB: Final = 1024
SHORT: Final = "the quota has no room for a pod more"


@dataclass(frozen=True)
class Asked:
    """What pods request together."""

    pods: int = 0
    millicpus: int = 0
    memory_mib: int = 0

    def __add__(self, other: Asked) -> Asked:
        return Asked(self.pods + other.pods, self.millicpus + other.millicpus, self.memory_mib + other.memory_mib)

    def within(self, quota: Quota) -> bool:
        """Whether a quota allows it."""
        return not list(_over(quota, self))


@dataclass(frozen=True)
class Share:
    """What a quota leaves.

    Attributes:
        plans: the groups, replaced without a pod more where there is no room for it.
        job_mib: memory that a Job may use.
        notes: what a plan says of it.
    """

    plans: Mapping[str, PodPlan]
    job_mib: int = JOB_MOST_MIB
    notes: tuple[str, ...] = field(default_factory=tuple)


def share_of(quota: Quota | None, spec: Spec, plans: Mapping[str, PodPlan]) -> Share:
    """How a stack shares its quota.

    Raises:
        Misfit: the quota forbids some of its pods.
    """
    if quota is None:
        return Share(plans)
    groups = sum((_pods(plan, plan.replicas) for plan in plans.values()), Asked())
    jobs = _jobs(spec)
    if over := list(_over(quota, groups + jobs)):
        raise _misfit(over, jobs)
    rolling = {one.name: _rolling(one, plans[one.name], groups, quota) for one in spec.serving}
    left = JOB_MOST_MIB
    if quota.memory_bytes is not None:
        left = min(left, quota.memory_bytes // 2**20 - groups.memory_mib)
    return Share(rolling, left, tuple(_notes(quota, spec, plans, left if jobs.pods else JOB_MOST_MIB)))


def _pods(plan: PodPlan, count: int) -> Asked:
    return Asked(count, count * plan.millicpus, count * plan.pod_memory_mib)


def _jobs(spec: Spec) -> Asked:
    """The most that Jobs request at the least: they come one after another, if they must."""
    makes = any(way_of(model) != "as-is" for model in spec.models)
    pods, cpus, memory = ([1], [JOB_MILLICPUS], [JOB_LEAST_MIB]) if makes else ([0], [0], [0])
    for benchmark in spec.benchmarks:
        count = 1 + (benchmark.workers or 0)
        pods.append(count)
        cpus.append(count * 1000 * benchmark.client_cores)
        memory.append(count * LOAD_MIB)
    return Asked(max(pods), max(cpus), max(memory))


def _over(quota: Quota, asked: Asked) -> Iterator[tuple[str, str, str]]:
    """The members of a quota that are exceeded: the key, what is asked for, and what is allowed."""
    if quota.pods is not None and asked.pods > quota.pods:
        yield "pods", f"{asked.pods} pods", str(quota.pods)
    if quota.cpus is not None and asked.millicpus > quota.cpus * 1000:
        yield "cpus", f"{asked.millicpus / 1000:g} CPUs", str(quota.cpus)
    if quota.memory_bytes is not None and asked.memory_mib > quota.memory_bytes // 2**20:
        yield "memory", f"{asked.memory_mib} MiB of memory", f"{quota.memory_bytes // 2**20} MiB"


def _misfit(over: list[tuple[str, str, str]], jobs: Asked) -> Misfit:
    who = "the groups and a Job beside them" if jobs.pods else "the groups"
    return Misfit(
        tuple(
            Problem(
                "QUOTA001", f"{who} request {asked}, and the quota allows {allowed}",
                why="a pod that the quota forbids is never made", remedy=f"raise `quota.{key}`, or ask for less",
            )
            for key, asked, allowed in over
        ),
        tuple(f"cluster.quota.{key}" for key, _, _ in over),
    )  # fmt: skip


def _rolling(serving: Serving, plan: PodPlan, groups: Asked, quota: Quota) -> PodPlan:
    """The plan of a group, whose new pods wait for the end of old ones where the quota has no room for both."""
    if not plan.surge or (groups + _pods(plan, 1)).within(quota):
        return plan
    return rolled(serving, replace(plan, surge=False), room=False, short=SHORT)


def _notes(quota: Quota, spec: Spec, plans: Mapping[str, PodPlan], job_mib: int) -> Iterator[str]:
    replicas = {one.name: one.autoscale.max if one.autoscale else plans[one.name].replicas for one in spec.serving}
    most = sum((_pods(plans[name], count) for name, count in replicas.items()), Asked())
    for _, asked, allowed in _over(quota, most):
        yield f"quota: autoscaling ends before its most, which would be {asked} in all, and {allowed} are allowed"
    if job_mib < JOB_MOST_MIB:
        yield f"quota: leaves {job_mib} MiB of memory for a Job that makes a model, which else may use {JOB_MOST_MIB}"

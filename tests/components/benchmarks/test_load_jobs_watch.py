"""Why a Job does not go on, in the words of the cluster."""

from __future__ import annotations

from typing import Any

from components.benchmarks.on_cluster.watch import containers_of, state_of, state_of_job


def a_pod(phase: str, **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "status": {"phase": phase, **status}}


def a_container(name: str = "measure", **state: Any) -> dict[str, Any]:
    return {"name": name, "state": state}


def test_a_pod_that_no_node_takes_says_what_the_scheduler_said() -> None:
    refused = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: no CPU"}
    found = state_of(a_pod("Pending", conditions=[refused]))
    assert (found.phase, found.why, found.scaling) == ("waiting", "Unschedulable: 0/1 nodes: no CPU", False)


def test_a_pod_that_a_node_is_made_for_is_known() -> None:
    assert state_of(a_pod("Pending"), [{"reason": "TriggeredScaleUp", "message": "loadtest 0->1"}]).scaling


def test_an_image_that_cannot_be_had_is_told_with_its_container() -> None:
    waiting = {"reason": "ImagePullBackOff", "message": "not found"}
    found = state_of(a_pod("Pending", initContainerStatuses=[a_container("vegeta-1", waiting=waiting)]))
    assert (found.phase, found.why) == ("waiting", "container vegeta-1: ImagePullBackOff: not found")


def test_a_running_init_container_is_a_running_pod() -> None:
    found = state_of(a_pod("Pending", initContainerStatuses=[a_container("prepare", running={})]))
    assert (found.phase, found.begun) == ("running", True)


def test_a_failed_container_says_its_last_words() -> None:
    ended = {"exitCode": 3, "message": "there is no data file\n"}
    found = state_of(a_pod("Failed", containerStatuses=[a_container(terminated=ended)]))
    assert (found.phase, found.why) == ("failed", "container measure ended with exit code 3: there is no data file")


def test_a_pod_that_its_node_refused_says_why() -> None:
    found = state_of(a_pod("Failed", reason="TopologyAffinityError", message="no NUMA node has 8 CPUs"))
    assert found.why == "TopologyAffinityError: no NUMA node has 8 CPUs"


def test_a_job_that_ran_out_of_time_says_so() -> None:
    condition = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "too long"}
    found = state_of_job({"status": {"conditions": [condition]}}, None)
    assert (found.phase, found.why) == ("failed", "DeadlineExceeded: too long")


def test_a_job_whose_pods_are_refused_says_why() -> None:
    event = {"type": "Warning", "reason": "FailedCreate", "message": "exceeded quota"}
    assert state_of_job({}, None, [event]).why == "FailedCreate: exceeded quota"


def test_only_containers_that_began_have_a_log() -> None:
    pod = a_pod(
        "Pending",
        initContainerStatuses=[a_container("prepare", terminated={"exitCode": 0}), a_container("vegeta-1", waiting={})],
        containerStatuses=[a_container("collect", waiting={})],
    )
    assert containers_of(pod) == ("prepare",)

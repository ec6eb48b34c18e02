"""When an object is ready, and what keeps pods from running."""

from __future__ import annotations

from typing import Any

import pytest

from stack.engines.kubernetes.readiness import checks_for, troubles_of


def a_workload(kind: str, status: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A workload of generation 2 whose controller has seen it."""
    return {
        "apiVersion": "batch/v1" if kind == "Job" else "apps/v1",
        "kind": kind,
        "metadata": {"name": "a", "generation": 2},
        "spec": spec,
        "status": {"observedGeneration": 2, **status},
    }


def ready(obj: dict[str, Any]) -> bool:
    return all(test(obj).ready for test in checks_for(obj))


def told(obj: dict[str, Any]) -> str:
    return "; ".join(test(obj).text for test in checks_for(obj))


def a_condition(type_: str, status: str = "True", **more: str) -> dict[str, Any]:
    return {"conditions": [{"type": type_, "status": status, **more}]}


def test_a_deployment_is_ready_when_all_its_new_pods_are_available() -> None:
    done = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}

    assert ready(a_workload("Deployment", done, replicas=2))
    assert ready(a_workload("Deployment", {}, replicas=0))
    assert not ready(a_workload("Deployment", {**done, "replicas": 3}, replicas=2))
    assert not ready(a_workload("Deployment", {**done, "updatedReplicas": 1}, replicas=2))
    assert not ready(a_workload("Deployment", {**done, "observedGeneration": 1}, replicas=2))
    assert told(a_workload("Deployment", {**done, "replicas": 3}, replicas=2)) == (
        "2 of 2 available, 2 updated, 1 old still there"
    )


def test_a_deployment_that_exceeds_its_deadline_has_failed() -> None:
    late = a_condition("Progressing", "False", reason="ProgressDeadlineExceeded", message="it took too long")
    (test,) = checks_for(obj := a_workload("Deployment", late, replicas=1))

    assert test(obj).failed
    assert test(obj).text == "it took too long"


def test_a_stateful_set_waits_for_as_many_new_pods_as_its_partition_lets_through() -> None:
    status = {"readyReplicas": 3, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a"}
    partition = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}

    assert not ready(a_workload("StatefulSet", status, replicas=3))
    assert ready(a_workload("StatefulSet", status, replicas=3, updateStrategy=partition))
    assert ready(a_workload("StatefulSet", status, replicas=3, updateStrategy={"type": "OnDelete"}))


def test_a_daemon_set_is_ready_on_every_node_that_it_is_meant_for() -> None:
    status = {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1}

    assert not ready(a_workload("DaemonSet", status))
    assert ready(a_workload("DaemonSet", {**status, "numberAvailable": 2}))


def test_a_job_is_ready_when_it_is_complete_and_fails_when_it_failed() -> None:
    failed = a_workload("Job", a_condition("Failed", reason="BackoffLimitExceeded", message="too often"))
    (test,) = checks_for(failed)

    assert ready(a_workload("Job", a_condition("Complete")))
    assert not ready(a_workload("Job", {"active": 1}))
    assert test(failed).failed
    assert test(failed).text == "BackoffLimitExceeded: too often"


@pytest.mark.parametrize(
    ("type_", "ingress", "expected"),
    [("ClusterIP", [], True), ("LoadBalancer", [], False), ("LoadBalancer", [{"ip": "192.0.2.1"}], True)],
)
def test_only_a_service_of_a_load_balancer_waits_for_an_address(type_: str, ingress: list[Any], expected: bool) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"type": type_}}

    assert ready({**service, "status": {"loadBalancer": {"ingress": ingress}}}) is expected


def test_most_kinds_are_ready_at_once() -> None:
    assert checks_for({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}) == ()


def annotated(status: dict[str, Any], **notes: str) -> dict[str, Any]:
    metadata = {"name": "a", "annotations": {f"pulumi.com/{key}": value for key, value in notes.items()}}
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": metadata, "status": status}


@pytest.mark.parametrize(
    ("stated", "status", "expected"),
    [
        ("condition=Ready", a_condition("Ready"), True),
        ("condition=Ready", a_condition("Ready", "False"), False),
        ("condition=Ready=False", a_condition("Ready", "False"), True),
        ("jsonpath={.status.phase}=Running", {"phase": "Running"}, True),
        ("jsonpath={.status.phase}=Running", {"phase": "Pending"}, False),
        ("jsonpath={.status.phase}", {}, False),
        ("jsonpath={.status.items[0].count}=3", {"items": [{"count": 3}]}, True),
        ('jsonpath={.status.conditions[?(@.type=="Ready")].status}=True', a_condition("Ready"), True),
        ('jsonpath={.status.conditions[?(@.type=="Ready")].status}=True', a_condition("Other"), False),
        ('["condition=Ready", "jsonpath={.status.phase}"]', {**a_condition("Ready"), "phase": "x"}, True),
        ('["condition=Ready", "jsonpath={.status.phase}"]', a_condition("Ready"), False),
    ],
)
def test_what_is_waited_for_may_be_stated(stated: str, status: dict[str, Any], expected: bool) -> None:
    assert ready(annotated(status, waitFor=stated)) is expected


def test_a_chosen_condition_that_does_not_hold_says_why() -> None:
    refused = [{"type": "Accepted", "status": "True"}, {"type": "Resolved", "status": "False", "message": "no Service"}]
    path = '{.status.conditions[?(@.type=="Resolved")].status}'
    (test,) = checks_for(annotated({}, waitFor=f"jsonpath={path}=True"))
    assert test(annotated({"conditions": refused})).text == f"{path} is False, not True; no Service"


@pytest.mark.parametrize(("observed", "expected"), [({"observedGeneration": 1}, False),
                                                   ({"observedGeneration": 2}, True), ({}, True)])  # fmt: skip
def test_a_condition_of_an_earlier_spec_does_not_count(observed: dict[str, int], expected: bool) -> None:
    changed = annotated({"conditions": [{"type": "Ready", "status": "True", **observed}]}, waitFor="condition=Ready")
    changed["metadata"]["generation"] = 2
    assert ready(changed) is expected


def test_what_cannot_be_waited_for_is_refused() -> None:
    with pytest.raises(ValueError, match="waitFor knows"):
        checks_for(annotated({}, waitFor="delete"))


def test_what_shall_not_be_waited_for_has_no_tests() -> None:
    assert checks_for({**a_workload("Job", {}), "metadata": annotated({}, skipAwait="true")["metadata"]}) == ()


def test_pods_say_in_the_clusters_words_why_they_do_not_run() -> None:
    waiting = {"name": "main", "state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}}
    starting = {"name": "main", "state": {"waiting": {"reason": "ContainerCreating"}}}
    crashed = {
        "name": "main",
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"reason": "Error", "exitCode": 3, "message": "no model\n"}},
    }
    homeless = a_condition("PodScheduled", "False", reason="Unschedulable", message="0/1 nodes: Insufficient cpu")

    def pod(name: str, status: dict[str, Any]) -> dict[str, Any]:
        return {"metadata": {"name": name}, "status": status}

    assert troubles_of(
        (
            pod("a", {"containerStatuses": [waiting]}),
            pod("b", {"initContainerStatuses": [crashed], "containerStatuses": [starting]}),
            pod("c", homeless),
            pod("d", {"phase": "Failed", "reason": "Evicted", "message": "disk"}),
        )
    ) == (
        "a: main: ErrImagePull: not found",
        "b: main: CrashLoopBackOff",
        "b: main: Error, exit code 3: no model",
        "c: Unschedulable: 0/1 nodes: Insufficient cpu",
        "d: Evicted: disk",
    )

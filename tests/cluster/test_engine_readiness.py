"""Waiting for objects to become ready: what is not is told with the pods' own reasons, and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.engines.events import Event, Progress
from tests.cluster.kubectl import Kubectl
from tests.cluster.stacks import Declared, Stack, pausing, the_change


@pytest.fixture
def stack(tmp_path: Path, kubeconfig: Path, namespace: str) -> Stack:
    return Stack(tmp_path, kubeconfig, namespace)


@pytest.fixture(scope="module")
def idle(kubectl: Kubectl) -> str:
    return pausing(kubectl)


def soon(manifest: dict[str, object], seconds: int = 6) -> Declared:
    """An object that is not waited for long."""
    import pulumi

    limit = f"{seconds}s"
    return Declared(manifest, opts={"custom_timeouts": pulumi.CustomTimeouts(create=limit, update=limit)})


def test_a_deployment_is_waited_for_until_it_is_rolled_out(stack: Stack, kubectl: Kubectl, idle: str) -> None:
    told: list[Event] = []
    stack = Stack(stack.place, stack.kubeconfig, stack.namespace, listener=told.append)

    stack.made({"a": stack.deployment(image=idle, replicas=1)})

    assert kubectl.get("deployment", "server", stack.namespace)["status"]["availableReplicas"] == 1
    assert stack.state("a")["outputs"]["status"]["availableReplicas"] == 1
    assert any(isinstance(event, Progress) and "0 of 1 available" in event.text for event in told)


def test_what_does_not_become_ready_is_kept_and_mended_by_the_next_up(stack: Stack, idle: str) -> None:
    broken = {"a": soon(stack.deployment(replicas=1)), "b": Declared(stack.service(), needs=("a",))}

    outcome = stack.up(broken)
    kept = stack.state("a")
    change = the_change(stack.preview({"a": broken["a"]}))
    stack.made({"a": stack.deployment(image=idle, replicas=1)})

    (failed,) = outcome.failed
    assert failed.message == f"Deployment {stack.namespace}/server did not become ready."
    assert "0 of 1 available" in failed.why
    assert "localhost/nowhere:1" in failed.why
    assert [skipped.subject.name for skipped in outcome.skipped] == ["b"]
    assert outcome.error is not None
    assert outcome.error.exit_code == 7
    assert kept["id"] == f"{stack.namespace}/server"
    assert "0 of 1 available" in kept["initErrors"][0]
    assert (change.op, change.properties) == ("update", ())
    assert "initErrors" not in stack.state("a")


def test_a_job_that_fails_says_why_and_one_that_ends_is_complete(stack: Stack, idle: str) -> None:
    failed = stack.up({"job": stack.job(idle, command="/no-such")})
    again = stack.preview({"job": stack.job(idle, command="/no-such")})
    unready = {"pulumi.com/replaceUnready": "true"}
    replaced = stack.preview({"job": stack.job(idle, command="/no-such", annotations=unready)})
    stack.made({"job": stack.job(idle, completions=0)})

    (failure,) = failed.failed
    assert "BackoffLimitExceeded" in failure.why
    assert "/no-such" in failure.why
    assert the_change(again).op == "update"
    assert the_change(replaced).op == "replace"
    assert stack.state("job")["outputs"]["status"]["conditions"][-1]["type"] == "Complete"


def test_a_wait_that_is_stopped_is_gone_on_with_by_the_next_up(stack: Stack, kubectl: Kubectl, idle: str) -> None:
    engine = stack.engine()

    def stop(event: Event) -> None:
        if isinstance(event, Progress):
            engine.stop()

    outcome = engine.up(stack.program({"a": stack.deployment(replicas=1)}), on_event=stop)
    uid = kubectl.get("deployment", "server", stack.namespace)["metadata"]["uid"]
    change = the_change(stack.preview({"a": stack.deployment(replicas=1)}))
    stack.made({"a": stack.deployment(image=idle, replicas=1)})

    assert outcome.interrupted
    assert change.reasons == ("the last run did not finish making this",)
    assert kubectl.get("deployment", "server", stack.namespace)["metadata"]["uid"] == uid


def test_a_wait_says_what_holds_it_up_and_so_does_the_end_of_one_that_is_stopped(stack: Stack) -> None:
    told: list[str] = []
    engine = stack.engine()

    def stop(event: Event) -> None:
        if isinstance(event, Progress):
            told.append(event.text)
            if "localhost/nowhere:1" in event.text:
                engine.stop()

    outcome = engine.up(stack.program({"a": stack.deployment(replicas=1)}), on_event=stop)

    (left,) = outcome.not_reached
    assert "0 of 1 available, 1 updated" in told
    assert "localhost/nowhere:1" in told[-1]
    assert "localhost/nowhere:1" in left.why


def test_a_job_that_a_quota_forbids_says_so_while_it_waits(stack: Stack, kubectl: Kubectl, idle: str) -> None:
    told: list[str] = []
    kubectl("-n", stack.namespace, "create", "quota", "none", "--hard=pods=0")
    stack = Stack(
        stack.place,
        stack.kubeconfig,
        stack.namespace,
        listener=lambda event: told.append(event.text) if isinstance(event, Progress) else None,
    )

    stack.up({"job": soon(stack.job(idle), seconds=12)})

    assert any("exceeded quota" in text for text in told)


def test_what_shall_not_be_waited_for_is_not(stack: Stack) -> None:
    stack.made({"a": stack.deployment(replicas=1, annotations={"pulumi.com/skipAwait": "true"})})


def test_what_is_waited_for_can_be_stated(stack: Stack, idle: str) -> None:
    stated = {"pulumi.com/waitFor": "jsonpath={.status.readyReplicas}=1"}
    stack.made({"a": stack.deployment(image=idle, replicas=1, annotations=stated)})
    never = stack.config({"x": "1"}, annotations={"pulumi.com/waitFor": '["condition=Never"]'})

    (failed,) = stack.up(
        {"a": stack.deployment(image=idle, replicas=1, annotations=stated), "b": soon(never, 1)}
    ).failed

    assert failed.why.startswith("condition Never is absent")


def test_a_load_balancer_without_an_address_is_not_ready(stack: Stack) -> None:
    (failed,) = stack.up({"a": soon(stack.service(type="LoadBalancer"), 1)}).failed

    assert failed.why.startswith("the load balancer has given no address yet after 1 s")


def test_what_the_quota_forbids_is_told_by_the_deployment(stack: Stack, kubectl: Kubectl, idle: str) -> None:
    kubectl("-n", stack.namespace, "create", "quota", "none", "--hard=pods=0")

    (failed,) = stack.up({"a": soon(stack.deployment(image=idle, replicas=1))}).failed

    assert "exceeded quota" in failed.why


def test_an_object_with_a_finalizer_is_waited_for_and_the_finalizer_named(stack: Stack, kubectl: Kubectl) -> None:
    import pulumi

    held = stack.config({"x": "1"}, finalizers=["tests.example.com/never"])
    stack.made({"a": Declared(held, opts={"custom_timeouts": pulumi.CustomTimeouts(delete="1s")})})

    (failed,) = stack.up({}).failed
    kept = the_change(stack.preview({}))
    freed = '{"metadata":{"finalizers":null}}'
    kubectl("-n", stack.namespace, "patch", "configmap", "config", "--type=merge", "-p", freed)
    stack.made({})

    assert failed.message.startswith(f"ConfigMap {stack.namespace}/config is still there 1 s after")
    assert "tests.example.com/never" in failed.why
    assert kept.op == "delete"
    assert "a" not in [record.name for record in stack.engine().resources()]

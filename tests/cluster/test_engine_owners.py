"""Fields and objects that somebody else owns: never overwritten, never adopted, unless told to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.errors import PreflightError
from stack.engines.kubernetes.errors import AlreadyExists, FieldConflict
from tests.cluster.kubectl import Kubectl
from tests.cluster.stacks import Manifest, Stack, paths_of, the_change

TAKE = {"pulumi.com/patchForce": "true"}


@pytest.fixture
def stack(tmp_path: Path, kubeconfig: Path, namespace: str) -> Stack:
    return Stack(tmp_path, kubeconfig, namespace)


def applied_by(kubectl: Kubectl, manager: str, manifest: Manifest) -> None:
    """Apply a manifest as another tool would."""
    words = ("apply", "--server-side", "--force-conflicts", f"--field-manager={manager}", "-f", "-")
    kubectl(*words, given=json.dumps(manifest))


def scaled(stack: Stack, replicas: int) -> Manifest:
    """A Deployment of which only the replicas are stated."""
    metadata = {"name": "server", "namespace": stack.namespace}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"replicas": replicas}}


def test_a_field_that_another_tool_owns_is_refused_in_the_preview(stack: Stack, kubectl: Kubectl) -> None:
    stack.made({"a": stack.config({"x": "1", "y": "1"})})
    metadata = {"name": "config", "namespace": stack.namespace}
    applied_by(kubectl, "other", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"x": "7"}})

    with pytest.raises(FieldConflict) as caught:
        stack.preview({"a": stack.config({"x": "2", "y": "1"})})

    assert caught.value.exit_code == 4
    assert caught.value.message == f"ConfigMap {stack.namespace}/config: data.x is managed by other."
    assert "pulumi.com/patchForce" in caught.value.remedy
    assert stack.up({"a": stack.config({"x": "2", "y": "1"}, annotations=TAKE)}).error is None
    assert kubectl.get("configmap", "config", stack.namespace)["data"] == {"x": "2", "y": "1"}


def test_what_was_edited_by_hand_is_put_back(stack: Stack, kubectl: Kubectl) -> None:
    stack.made({"a": stack.config({"x": "1"})})
    kubectl("-n", stack.namespace, "patch", "configmap", "config", "--type=merge", "-p", '{"data":{"x":"7"}}')
    wanted = {"a": stack.config({"x": "2"})}

    assert paths_of(the_change(stack.preview(wanted))) == {"data.x": ("7", "2")}
    stack.made(wanted)
    assert kubectl.get("configmap", "config", stack.namespace)["data"] == {"x": "2"}


def test_a_plan_is_refused_once_somebody_has_changed_what_it_changes(stack: Stack, kubectl: Kubectl) -> None:
    stack.made({"a": stack.config({"x": "1"})})
    wanted = {"a": stack.config({"x": "3"})}
    plan = stack.preview(wanted)
    kubectl("-n", stack.namespace, "patch", "configmap", "config", "--type=merge", "-p", '{"data":{"x":"2"}}')

    with pytest.raises(PreflightError, match="cannot be carried out as it was made") as caught:
        stack.engine().up(stack.program(wanted), expected=plan)

    assert 'a: data.x: "1" -> "3" then, "2" -> "3" now' in caught.value.why
    assert kubectl.get("configmap", "config", stack.namespace)["data"] == {"x": "2"}


def test_a_deployment_that_somebody_scaled_is_not_scaled_back_by_accident(stack: Stack, kubectl: Kubectl) -> None:
    stack.made({"a": stack.deployment(paused=True)})
    kubectl("-n", stack.namespace, "scale", "deployment/server", "--replicas=2")

    with pytest.raises(FieldConflict, match=r"spec\.replicas is managed by kubectl"):
        stack.preview({"a": stack.deployment(paused=True, cpu="2m")})


def test_an_autoscaled_deployment_keeps_its_replicas(stack: Stack, kubectl: Kubectl) -> None:
    stack.made({"a": stack.deployment(replicas=None, paused=True)})
    kubectl("-n", stack.namespace, "scale", "deployment/server", "--replicas=3")
    changed = {"a": stack.deployment(replicas=None, paused=True, cpu="2m")}

    change = the_change(stack.preview(changed))
    stack.made(changed)

    assert [path.rpartition(".")[2] for path in paths_of(change)] == ["cpu"]
    assert kubectl.get("deployment", "server", stack.namespace)["spec"]["replicas"] == 3
    assert stack.preview(changed).empty


@pytest.mark.parametrize("cpu", ["1m", "2m"])
def test_a_deployment_that_is_handed_to_an_autoscaler_does_not_fall_to_one_replica(
    stack: Stack, kubectl: Kubectl, cpu: str
) -> None:
    stack.made({"a": stack.deployment(replicas=3, paused=True)})
    handed = {"a": stack.deployment(replicas=None, paused=True, cpu=cpu)}

    plan = stack.preview(handed)
    stack.made(handed)
    stack.made({"a": stack.deployment(replicas=None, paused=True, cpu="3m")})

    assert [path.rpartition(".")[2] for change in plan.changing for path in paths_of(change)] == ["cpu"] * (cpu == "2m")
    assert kubectl.get("deployment", "server", stack.namespace)["spec"]["replicas"] == 3


def test_what_exists_already_is_not_adopted(stack: Stack, kubectl: Kubectl) -> None:
    kubectl("-n", stack.namespace, "create", "configmap", "config", "--from-literal=y=theirs")

    with pytest.raises(AlreadyExists) as caught:
        stack.up({"a": stack.config({"x": "1"})})

    assert (caught.value.exit_code, caught.value.message) == (4, f"ConfigMap {stack.namespace}/config exists already.")
    assert "kubectl-create" in caught.value.why
    assert not stack.engine().resources()
    assert kubectl.get("configmap", "config", stack.namespace)["data"] == {"y": "theirs"}


def test_what_came_to_exist_since_the_plan_is_not_adopted_either(stack: Stack, kubectl: Kubectl) -> None:
    import pulumi

    def program() -> None:
        if not pulumi.runtime.is_dry_run():
            kubectl("-n", stack.namespace, "create", "configmap", "config", "--from-literal=y=theirs")
        stack.program({"a": stack.config({"x": "1"})})()

    (failed,) = stack.engine().up(program).failed
    pending = stack.engine().export()["deployment"].get("pending_operations")
    stack.engine().destroy()

    assert failed.message == f"ConfigMap {stack.namespace}/config exists already."
    assert pending is None
    assert kubectl.get("configmap", "config", stack.namespace)["data"] == {"y": "theirs"}


def test_what_exists_is_taken_over_when_told_to(stack: Stack, kubectl: Kubectl) -> None:
    kubectl("-n", stack.namespace, "create", "configmap", "config", "--from-literal=x=theirs")

    stack.made({"a": stack.config({"x": "1"}, annotations=TAKE)})

    assert kubectl.get("configmap", "config", stack.namespace)["data"] == {"x": "1"}


def test_a_refused_object_is_not_mistaken_for_ours_later(stack: Stack, kubectl: Kubectl) -> None:
    kubectl("-n", stack.namespace, "create", "configmap", "config", "--from-literal=x=theirs")
    for _ in range(2):
        with pytest.raises(AlreadyExists):
            stack.up({"a": stack.config({"x": "1"}), "b": stack.service()})

    assert stack.engine().destroy().error is None
    assert kubectl.get("configmap", "config", stack.namespace)["data"] == {"x": "theirs"}


def test_fields_of_a_plain_create_by_pulumi_become_ours(stack: Stack, kubectl: Kubectl) -> None:
    """Real Pulumi makes objects by a plain create, under a manager of its own, and hands the state over."""
    stack.made({"a": stack.config({"x": "1", "y": "1"})})
    kubectl("-n", stack.namespace, "delete", "configmap", "config")
    created = json.dumps(stack.config({"x": "1", "y": "1"}))
    kubectl("create", "--field-manager=pulumi-kubernetes", "-f", "-", given=created)
    wanted = {"a": stack.config({"x": "2"})}

    plan = stack.preview(wanted)
    stack.made(wanted)

    live = kubectl.get("configmap", "config", stack.namespace)
    assert paths_of(the_change(plan)) == {"data.x": ("1", "2"), "data.y": ("1", None)}
    assert live["data"] == {"x": "2"}
    assert stack.preview(wanted).empty


def test_an_object_that_was_made_anew_by_others_is_not_deleted(stack: Stack, kubectl: Kubectl) -> None:
    stack.made({"a": stack.config({"x": "1"}), "b": stack.service()})
    kubectl("-n", stack.namespace, "delete", "configmap", "config")
    kubectl("-n", stack.namespace, "create", "configmap", "config", "--from-literal=x=theirs")

    stack.made({"b": stack.service()})

    assert kubectl.get("configmap", "config", stack.namespace)["data"] == {"x": "theirs"}

"""A stack on the cluster goes from the embedded engine to Pulumi's own and back, and neither finds anything to do.

Needs the cluster and the real command line (INFERSTACK_TEST_PULUMI).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import PartlyAppliedError
from stack.engines.pulumi.command import command_in
from stack.engines.pulumi.engine import PulumiEngine
from stack.engines.pulumi.workspace import keeping
from stack.plan import Plan
from tests.builders.pulumi_cli import needed_pulumi, real_pulumi
from tests.cluster.kubectl import Kubectl
from tests.cluster.stacks import Declared, Manifest, Stack, the_change

pytestmark = pytest.mark.timeout(900)
MUTABLE = {"enableConfigMapMutable": "true", "enableSecretMutable": "true"}


@pytest.fixture
def stack(tmp_path: Path, kubeconfig: Path, namespace: str) -> Stack:
    return Stack(tmp_path, kubeconfig, namespace, settings=MUTABLE)


@pytest.fixture
def pulumi(tmp_path: Path) -> PulumiEngine:
    """Pulumi's engine of the same stack, in a folder of its own."""
    environ = real_pulumi(needed_pulumi(), tmp_path / "home")
    return PulumiEngine("project", "test", command_in(environ), keeping(tmp_path / "pulumi", environ))


def everything(stack: Stack, content: str = "1") -> dict[str, Declared | Manifest]:
    """Objects of the kinds that stacks are made of."""
    namespace = {"namespace": stack.namespace}
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Mi"}},
        "storageClassName": "none",
    }
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "server"}
    return {
        "config": stack.config({"x": content}),
        "secret": stack.secret({"password": "hunter2"}),
        "service": stack.service(),
        "deployment": Declared(stack.deployment(cpu="1000m"), needs=("config", "secret")),
        "auto-named": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": namespace, "data": {"y": "2"}},
        "claim": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "claim", "annotations": {"pulumi.com/skipAwait": "true"}, **namespace},
            "spec": claim,
        },
        "autoscaler": {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "scaler", **namespace},
            "spec": {"minReplicas": 1, "maxReplicas": 3, "scaleTargetRef": scaled},
        },
        "kept": Declared(stack.config({"z": "3"}, name="kept"), opts={"protect": True}),
    }


def test_what_the_embedded_engine_made_is_no_change_for_pulumi(
    stack: Stack, pulumi: PulumiEngine, kubectl: Kubectl
) -> None:
    stack.made(everything(stack))

    pulumi.import_(stack.engine().export())

    assert _nothing(pulumi.preview(stack.program(everything(stack))))
    assert not pulumi.refresh(dry_run=True).found
    assert [record.protect for record in pulumi.resources() if record.name == "kept"] == [True]


def test_a_stack_goes_to_pulumi_is_changed_there_and_comes_back(
    stack: Stack, pulumi: PulumiEngine, kubectl: Kubectl
) -> None:
    stack.made(everything(stack))
    pulumi.import_(stack.engine().export())

    changed = stack.program(everything(stack, content="2"))
    plan = pulumi.preview(changed)
    assert (the_change(plan).name, the_change(plan).op) == ("config", "update")
    assert [(found.path, found.old, found.new) for found in the_change(plan).properties] == [("data.x", "1", "2")]
    assert pulumi.up(changed, expected=plan).complete
    assert kubectl.get("configmap", "config", stack.namespace)["data"] == {"x": "2"}

    stack.engine().import_(pulumi.export())
    assert _nothing(stack.preview(everything(stack, content="2")))
    assert not stack.refresh().found
    back = stack.up(everything(stack, content="3"))
    assert back.error is None, back.failed
    assert kubectl.get("configmap", "config", stack.namespace)["data"] == {"x": "3"}


def test_what_pulumi_made_is_no_change_for_the_embedded_engine(
    stack: Stack, pulumi: PulumiEngine, kubectl: Kubectl
) -> None:
    program = stack.program(everything(stack))
    plan = pulumi.preview(program)
    assert plan.counts["create"] == len(everything(stack))
    assert "hunter2" not in repr(plan)
    assert pulumi.up(program, expected=plan).complete

    stack.engine().import_(pulumi.export())

    assert _nothing(stack.preview(everything(stack)))
    assert not stack.refresh().found
    unprotected: Mapping[str, Any] = {**everything(stack), "kept": stack.config({"z": "3"}, name="kept")}
    stack.made(unprotected)
    assert stack.engine().destroy().error is None
    assert kubectl.names("deployment", stack.namespace) == ()


def test_what_somebody_else_made_is_told_with_how_to_take_it_over(
    stack: Stack, pulumi: PulumiEngine, kubectl: Kubectl
) -> None:
    kubectl("create", "configmap", "config", "-n", stack.namespace)

    outcome = pulumi.up(stack.program({"config": stack.config({"x": "1"})}))

    assert isinstance(outcome.error, PartlyAppliedError)
    assert "already exists" in f"{outcome.failed[0].message}\n{outcome.failed[0].why}"
    assert "pulumi import" in outcome.failed[0].remedy


def _nothing(plan: Plan) -> bool:
    assert [(change.op, change.name, change.properties, change.reasons) for change in plan.changing] == []
    return plan.empty

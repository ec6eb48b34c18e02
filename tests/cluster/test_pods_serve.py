"""Serving groups on a real cluster: exclusive cores, an answer by the Service, a rollout that loses no request."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from components.cluster.nodes import ClusterFacts
from components.cluster.nodes_reader import Client, read_cluster
from components.models.access import ModelAccess
from components.serving.placement_nodes import plan_pods_anywhere
from schemas.spec import Serving
from tests.cluster.kubectl import Kubectl
from tests.components.serving.pods.pod_builders import a_group, a_home, an_access, manifests
from tests.components.serving.serving_builders import a_model

CALLER: Final = Path(__file__).with_name("caller.py")
BODY: Final = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 0, 0, 0]}]}


@pytest.fixture(scope="module")
def facts(kubeconfig: Path) -> ClusterFacts:
    """The cluster as it is."""
    return read_cluster(Client(str(kubeconfig)), stack="demo")


def a_stored_model(
    kubectl: Kubectl, namespace: str, image: str, folder: Path, scale: float, **store: Any
) -> ModelAccess:
    """A model in a ConfigMap, from which an init container copies it, as it would fetch it from a store."""
    folder.mkdir()
    path, digest = a_model(folder, scale)
    key = digest[:8]
    kubectl("create", "configmap", f"model-{key}", "-n", namespace, f"--from-file={path.parent}")
    target = f"/models/{key}/digits"

    def copy(resources: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
        container = {
            "name": "model",
            "image": image,
            "command": ["sh", "-c", f"mkdir -p {target}/1 && cp /source/model.* {target}/1/"],
            "resources": resources,
            "volumeMounts": [{"name": "models", "mountPath": "/models"}, {"name": "source", "mountPath": "/source"}],
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
        return (container,)

    volumes = ({"name": "models", "emptyDir": {}}, {"name": "source", "configMap": {"name": f"model-{key}"}})
    fetched = {"uri": "pvc://models", **store}
    return an_access(key=key, path=target, digest=digest, volumes=volumes, init_containers=copy, **fetched)


def apply(
    kubectl: Kubectl, serving: Serving, facts: ClusterFacts, access: ModelAccess, namespace: str, image: str
) -> None:
    """Bring a group about and wait until it is as it shall be."""
    plan = plan_pods_anywhere(serving, None, facts)
    for manifest in manifests(serving, plan=plan, access=access, home=a_home(namespace=namespace, image=image)):
        kubectl("apply", "--server-side", "-f", "-", given=json.dumps(manifest))
    kubectl("rollout", "status", f"deployment/{serving.name}", "-n", namespace, "--timeout=240s", timeout_s=260)


def inferred(kubectl: Kubectl, namespace: str, service: str, model: str) -> Any:
    """The answer to an inference by a Service's pod."""
    with kubectl.forwarded(service, namespace) as url:
        return httpx.post(f"{url}/v2/models/{model}/infer", json=BODY).raise_for_status().json()


@pytest.mark.timeout(600)
def test_a_pinned_pod_has_cores_of_its_own_and_answers_by_its_service(
    kubectl: Kubectl, namespace: str, image: str, facts: ClusterFacts, tmp_path: Path
) -> None:
    if not all(node.kubelet and node.kubelet.pins for node in facts.nodes):
        pytest.skip("needs nodes whose kubelet has the static CPU manager")
    serving = a_group()
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    access = a_stored_model(kubectl, namespace, image, tmp_path / "model", 2.0)
    apply(kubectl, serving, facts, access, namespace, image)

    status = kubectl("exec", "-n", namespace, "deployment/digits", "--", "cat", "/proc/1/status")
    allowed = re.search(r"^Cpus_allowed_list:\s*(\S+)", status, re.MULTILINE)
    assert allowed is not None
    assert allowed[1].isdigit(), "one core was asked for"
    started = json.loads(kubectl("logs", "-n", namespace, "deployment/digits").splitlines()[-1])
    assert started["cpus"] == [int(allowed[1])]
    assert started["digest"] == access.digest

    output = inferred(kubectl, namespace, "digits", "digits")["outputs"][0]
    assert output["data"][0] == pytest.approx(0.787, abs=1e-3)


def a_caller(kubectl: Kubectl, namespace: str, image: str, url: str, model: str, *, name: str = "x") -> None:
    """Start a pod that asks until it is told to stop, and wait until answers come; `name` is the model's input."""
    kubectl("create", "configmap", "caller", "-n", namespace, f"--from-file={CALLER}")
    container = {
        "name": "caller",
        "image": image,
        "command": ["python", "/caller/caller.py", url, model, name],
        "volumeMounts": [{"name": "caller", "mountPath": "/caller"}],
    }
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
        "volumes": [{"name": "caller", "configMap": {"name": "caller"}}],
    }
    metadata = {"name": "caller", "namespace": namespace}
    kubectl(
        "apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    )
    until = time.monotonic() + 120
    while not _logs(kubectl, namespace):
        assert time.monotonic() < until, "no answers came"
        time.sleep(0.5)


def answers_of(kubectl: Kubectl, namespace: str) -> dict[str, int]:
    """How often each answer came, after the caller was told to stop."""
    kubectl("exec", "-n", namespace, "caller", "--", "touch", "/tmp/stop")
    kubectl("wait", "-n", namespace, "pod/caller", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    found: dict[str, int] = json.loads(_logs(kubectl, namespace).splitlines()[-1])
    return found


def _logs(kubectl: Kubectl, namespace: str) -> str:
    phase = kubectl("get", "pod", "caller", "-n", namespace, "-o", "jsonpath={.status.phase}")
    return kubectl("logs", "-n", namespace, "caller") if phase in ("Running", "Succeeded") else ""


@pytest.mark.timeout(600)
def test_a_changed_model_rolls_over_without_a_failed_request(
    kubectl: Kubectl, namespace: str, image: str, facts: ClusterFacts, tmp_path: Path
) -> None:
    serving = a_group(exclusive=False, drain_s=5.0, rolling="surge")
    first = a_stored_model(kubectl, namespace, image, tmp_path / "first", 2.0)
    second = a_stored_model(kubectl, namespace, image, tmp_path / "second", 4.0)
    apply(kubectl, serving, facts, first, namespace, image)
    a_caller(kubectl, namespace, image, f"http://digits.{namespace}.svc:8000", "digits")
    (old,) = [name for name in kubectl.names("pods", namespace) if name.startswith("digits-")]

    apply(kubectl, serving, facts, second, namespace, image)
    kubectl("wait", f"pod/{old}", "-n", namespace, "--for=delete", "--timeout=60s")

    answers = answers_of(kubectl, namespace)
    assert set(answers) == {"0.787", "0.965"}, answers

"""`inferstack verify` on a real cluster: a pod with a core of its own, and the same pod with a container beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.cluster.nodes import ClusterFacts
from components.cluster.nodes_reader import Client, read_cluster
from components.kubernetes.client import connect
from components.serving.pinning import Verdict, judge
from components.serving.pinning_reader import read
from components.serving.pods.live import Group
from tests.cluster.kubectl import Kubectl
from tests.cluster.test_pods_serve import a_stored_model, apply
from tests.components.serving.pods.pod_builders import a_group

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def facts(kubeconfig: Path) -> ClusterFacts:
    """The cluster as it is, if its kubelets pin."""
    found = read_cluster(Client(str(kubeconfig)), stack="demo")
    if not all(node.kubelet and node.kubelet.pins for node in found.nodes):
        pytest.skip("needs nodes whose kubelet has the static CPU manager")
    return found


def verdict(kubeconfig: Path, namespace: str) -> Verdict:
    """The verdict on the only pod of the group."""
    selector = {"app.kubernetes.io/name": "digits", "app.kubernetes.io/part-of": "demo"}
    group = Group("digits", "openvino", "v2", "digits", namespace, selector, "openvino", 8000, 9000, 1)
    client = connect(str(kubeconfig), "")
    try:
        pods = [pod for pod in read(client, [group]) if pod.phase == "Running"]
    finally:
        client.close()
    (found,) = judge(pods, asked={"digits": True})
    return found


def with_a_sidecar(kubectl: Kubectl, namespace: str, image: str) -> None:
    """Put a small container beside the server, as an injecting webhook would, and wait for the new pod."""
    sidecar: dict[str, Any] = {
        "name": "proxy", "image": image, "command": ["sleep", "600"],
        "resources": {"limits": {"memory": "64Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }  # fmt: skip
    patch = {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}}
    patch["spec"]["template"] = {"spec": {"containers": [sidecar], "terminationGracePeriodSeconds": 1}}
    kubectl("patch", "deployment", "digits", "-n", namespace, "-p", json.dumps(patch))
    kubectl("rollout", "status", "deployment/digits", "-n", namespace, "--timeout=240s", timeout_s=260)


def test_a_pinned_pod_is_proved_pinned_and_a_sidecar_is_blamed_for_the_loss(
    kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str, facts: ClusterFacts, tmp_path: Path
) -> None:
    access = a_stored_model(kubectl, namespace, image, tmp_path / "model", 2.0)
    apply(kubectl, a_group(), facts, access, namespace, image)
    pinned = verdict(kubeconfig, namespace)
    assert (pinned.ok, pinned.pinned, len(pinned.cpus), pinned.threads) == (True, True, 1, 1), pinned
    assert len(pinned.numa_nodes) == 1

    with_a_sidecar(kubectl, namespace, image)
    broken = verdict(kubeconfig, namespace)
    assert not broken.pinned
    assert broken.broken[0].startswith("container proxy (not ours: injected?) requests no CPU"), broken
    assert set(pinned.cpus) != set(broken.cpus) or not broken.ok

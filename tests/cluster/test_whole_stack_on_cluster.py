"""One spec through its whole life on a real cluster: made, measured, changed under load, mended, taken away."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cluster.kubectl import Kubectl
from tests.components.models.model_builders import WEIGHTS, a_data_set, an_onnx
from tests.components.models.web_store import WebStore, web_store
from tests.stack.commands import Ran, inferstack

SPEC = """\
apiVersion: inferstack/v1
name: {name}
cluster: {{provider: kubernetes, kubeconfig: {kubeconfig}, image: {image}}}
store: {{type: http, url: "{url}/models"}}
models:
  - {{name: tiny, source: "{url}/tiny.onnx", sha256: {sha256}, convert: {{where: cluster}}}}
"""
PINNED = """\
serving:
  - {name: pinned, model: tiny, instances: {count: 1, cores: 1}, drain: 2s}
benchmarks:
  - name: steady
    targets: [pinned]
    load: {rate: 20/s, duration: 5s}
    data: data.npz
    clientCores: 0
    objective: {p50: 2s, errors: 0%, accuracy: 0.9}
"""
ELASTIC = """\
serving:
  - name: elastic
    model: tiny
    exclusive: false
    instances: {count: 1, cores: 1}
    autoscale: {min: 1, max: 3, metric: cpu, utilization: 80}
    drain: 2s
"""
LIMIT_S = 300.0

pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class Stack:
    """A spec in a folder of its own, the store that its pods reach, and the command on it."""

    folder: Path
    name: str
    kubeconfig: Path
    image: str
    store: WebStore

    def write(self, groups: str, *, weights: np.ndarray = WEIGHTS) -> None:
        """The spec of these groups for a model with these weights, which the store then offers."""
        content = an_onnx(self.folder / "tiny.onnx", weights=weights).read_bytes()
        self.store.files["/tiny.onnx"] = content
        text = SPEC.format(
            name=self.name, kubeconfig=self.kubeconfig, image=self.image, url=self.store.url,
            sha256=hashlib.sha256(content).hexdigest(),
        )  # fmt: skip
        (self.folder / "stack.yaml").write_text(text + groups)

    def __call__(self, *arguments: str) -> Ran:
        return inferstack(self.folder, *arguments, code=None, limit_s=LIMIT_S)


@contextmanager
def a_stack(folder: Path, kubectl: Kubectl, image: str, address: str) -> Iterator[Stack]:
    """A stack of a name of its own; its namespace is deleted afterwards, whatever became of it."""
    name = f"whole-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    with web_store(address=address) as store:
        yield Stack(folder, name, kubectl.kubeconfig, image, store)
        kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")


@pytest.fixture
def stack(tmp_path: Path, kubectl: Kubectl, image: str, address: str) -> Iterator[Stack]:
    with a_stack(tmp_path, kubectl, image, address) as made:
        a_data_set(tmp_path / "data.npz", wrong=3)
        yield made


def test_a_stack_on_a_cluster_is_made_measured_mended_and_taken_away(stack: Stack, kubectl: Kubectl) -> None:
    stack.write(PINNED)
    brought_up(stack)
    (result,) = stack("bench", "--json").json
    assert result["measurements"][0]["errors"] == {}
    assert result["measurements"][0]["accuracy"] == pytest.approx(0.95, abs=0.06)
    unchanged = stack("preview", "stack.yaml")
    assert "No changes" in unchanged.out, unchanged.out

    # What is pinned has a core that no other container may use.
    verified = stack("verify", "--json")
    assert verified.code == 0, verified.out + verified.err

    kubectl("label", "service/pinned", "app.kubernetes.io/part-of=somebody", "--overwrite", "-n", stack.name)
    drifted = stack("refresh", "--detailed-exitcode")
    assert drifted.code == 2, drifted.out + drifted.err
    assert "pinned" in drifted.out
    brought_up(stack)
    assert kubectl.get("service", "pinned", stack.name)["metadata"]["labels"]["app.kubernetes.io/part-of"] == stack.name

    gone = stack("destroy", "stack.yaml", "--yes")
    assert gone.code == 0, gone.out + gone.err
    assert stack.name not in kubectl("get", "namespaces", "-o", "name")


def test_another_model_rolls_over_and_an_autoscaler_keeps_its_replicas(stack: Stack, kubectl: Kubectl) -> None:
    stack.write(ELASTIC)
    made = stack("up", "stack.yaml", "--yes")
    assert made.code == 0, made.out + made.err
    assert kubectl.names("hpa", stack.name) == ("elastic",)
    before = {pod["metadata"]["uid"] for pod in living(kubectl, stack.name)}
    kubectl("scale", "deployment/elastic", "--replicas=2", "-n", stack.name)

    stack.write(ELASTIC, weights=WEIGHTS * 2)
    changed = stack("up", "stack.yaml", "--yes")
    assert changed.code == 0, changed.out + changed.err
    assert kubectl.get("deployment", "elastic", stack.name)["spec"]["replicas"] == 2
    assert before.isdisjoint(pod["metadata"]["uid"] for pod in living(kubectl, stack.name))
    status = stack("status", "--json")
    assert status.code == 0, status.out
    assert stack("destroy", "stack.yaml", "--yes").code == 0


def brought_up(stack: Stack) -> None:
    """See `up` through. A busy machine may hold the load generator up: the run is invalid then, as it should be."""
    done = stack("up", "stack.yaml", "--yes")
    assert done.code == 0 or (done.code == 8 and "the runs are invalid" in done.err), done.out + done.err


def living(kubectl: Kubectl, namespace: str) -> list[dict[str, Any]]:
    """The pods of the group that are not about to go."""
    pods = json.loads(kubectl("get", "pods", "-n", namespace, "-l", "app.kubernetes.io/name=elastic", "-o", "json"))
    return [pod for pod in pods["items"] if not pod["metadata"].get("deletionTimestamp")]

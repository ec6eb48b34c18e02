"""InferenceServices and SeldonDeployments of ours, brought about by the real controllers, answer as our own pods do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from components.cluster.nodes import ClusterFacts
from components.cluster.nodes_reader import Client, read_cluster
from components.models.access import ModelAccess
from components.serving.placement_nodes import plan_pods_anywhere
from components.serving.pods import kserve, seldon
from components.serving.pods.surroundings import Surroundings
from components.serving.pods.workload import metadata
from schemas.spec import Serving
from tests.cluster import controllers
from tests.cluster.kubectl import Kubectl
from tests.cluster.test_pods_serve import a_stored_model, inferred
from tests.components.serving.pods.pod_builders import a_group, a_home

READY_LIMIT = "300s"


@pytest.fixture(scope="module")
def facts(kubeconfig: Path) -> ClusterFacts:
    """The cluster as it is."""
    return read_cluster(Client(str(kubeconfig)), stack="demo")


class Served:
    """Groups in a namespace, all with the same model."""

    def __init__(self, kubectl: Kubectl, namespace: str, image: str, facts: ClusterFacts, access: ModelAccess) -> None:
        self.kubectl, self.namespace, self.access = kubectl, namespace, access
        self._home, self._facts = a_home(namespace=namespace, image=image), facts

    def inference_service(self, serving: Serving) -> None:
        """Bring an InferenceService about, and wait until it is ready."""
        plan = plan_pods_anywhere(serving, None, self._facts)
        first, service, after = kserve.objects(serving, plan, self.access, self._home, Surroundings())
        self._apply([*first, service, *after])
        self._wait(f"inferenceservice/{serving.name}", *kserve.ready(serving, plan))

    def seldon_deployment(self, serving: Serving) -> None:
        """Bring a SeldonDeployment about, and wait until it is available."""
        part = seldon.Part(serving, plan_pods_anywhere(serving, None, self._facts), self.access)
        predictor = seldon.predictor(part, self._home, "model")
        whole = seldon.deployment(metadata(serving, self._home), [predictor], serving.protocol)
        needed = seldon.needed(part, self._home, Surroundings())
        self._apply([*needed, whole, *seldon.after(part, self._home, Surroundings())])
        self._wait(f"seldondeployment/{serving.name}", "jsonpath={.status.state}=Available")

    def pod(self, serving: Serving) -> Any:
        """The group's only pod."""
        told = self.kubectl(
            "get", "pods", "-n", self.namespace, "-l", f"app.kubernetes.io/name={serving.name}", "-o", "json"
        )
        (found,) = json.loads(told)["items"]
        return found

    def _apply(self, manifests: Sequence[Mapping[str, Any]]) -> None:
        for manifest in manifests:
            self.kubectl("apply", "--server-side", "-f", "-", given=json.dumps(manifest))

    def _wait(self, what: str, *conditions: str) -> None:
        for one in conditions:
            self.kubectl("wait", what, "-n", self.namespace, f"--for={one}", f"--timeout={READY_LIMIT}", timeout_s=320)


@pytest.fixture
def served(kubectl: Kubectl, namespace: str, image: str, facts: ClusterFacts, tmp_path: Path) -> Callable[[], Served]:
    """Groups on the cluster; the model is stored once they are asked for."""
    return lambda: Served(
        kubectl, namespace, image, facts, a_stored_model(kubectl, namespace, image, tmp_path / "model", 2.0)
    )


def an_answer(served: Served, service: str) -> float:
    """The first output of an inference by way of a Service."""
    output = inferred(served.kubectl, served.namespace, service, "digits")["outputs"][0]
    return float(output["data"][0])


@pytest.mark.timeout(600)
def test_an_inference_service_has_cores_of_its_own_and_answers(
    kubectl: Kubectl, namespace: str, facts: ClusterFacts, served: Callable[[], Served], tmp_path: Path
) -> None:
    with controllers.kserve(kubectl, namespace, tmp_path):
        groups, serving = served(), a_group(platform="kserve")
        groups.inference_service(serving)
        assert an_answer(groups, "digits-predictor") == pytest.approx(0.787, abs=1e-3)
        pod = groups.pod(serving)
        assert pod["status"]["qosClass"] == "Guaranteed"
        assert [one["name"] for one in pod["spec"]["containers"]] == ["kserve-container"]
        if all(node.kubelet and node.kubelet.pins for node in facts.nodes):
            name = pod["metadata"]["name"]
            status = kubectl("exec", "-n", namespace, name, "--", "cat", "/proc/1/status")
            allowed = re.search(r"^Cpus_allowed_list:\s*(\S+)", status, re.MULTILINE)
            assert allowed is not None
            assert allowed[1].isdigit(), "one core was asked for"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("executor", [True, False], ids=["with-executor", "without-executor"])
def test_a_seldon_deployment_answers(
    executor: bool, kubectl: Kubectl, namespace: str, served: Callable[[], Served], tmp_path: Path
) -> None:
    with controllers.seldon(kubectl, namespace, tmp_path):
        groups, serving = served(), a_group(platform="seldon", executor=executor, exclusive=False)
        groups.seldon_deployment(serving)
        assert an_answer(groups, "digits") == pytest.approx(0.787, abs=1e-3)
        names = [one["name"] for one in groups.pod(serving)["spec"]["containers"]]
        assert names == ["digits", *(["seldon-container-engine"] if executor else [])]

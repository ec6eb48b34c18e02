"""Every object of KServe and Seldon groups is accepted by an API server with the projects' kinds, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from components.kubernetes.objects import Home
from components.serving.pods import kserve, seldon
from components.serving.pods.surroundings import Surroundings
from components.serving.pods.workload import metadata
from schemas.spec import Autoscale, Disruption, Serving, Taint, Traffic
from tests.cluster.kubectl import Kubectl
from tests.components.serving.pods.pod_builders import a_group, a_home, a_node, a_plan, an_access

NODE = a_node(labels={"disk": "fast"})
AROUND = Surroundings(
    scraping="pod-monitor", prometheus="http://prometheus:9090", monitoring=("monitoring",), monitors={"release": "x"}
)
EVERYTHING: Mapping[str, Any] = {
    "replicas": 2,
    "env": {"LEVEL": "debug"},
    "spread": "zone",
    "disruption": Disruption(min_available=1),
    "priority": 1000,
    "node_selector": {"disk": "fast"},
    "tolerations": (Taint(key="model", value="active"),),
}
BY_CPU = Autoscale(min=1, max=3, average=0.5)
INFERENCE_GROUPS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "ovms": {"runtime": "ovms", "protocol": "grpc"},
    "everything": EVERYTHING,
    "scaled": {"autoscale": BY_CPU},
    "by-requests": {"autoscale": Autoscale(max=3, metric="requests", average=50)},
    "shared": {"exclusive": False, "mesh": True},
    "knative": {"mode": "knative", "exclusive": False, "canary": 10},
    "knative-by-requests": {
        "mode": "knative",
        "exclusive": False,
        "autoscale": Autoscale(max=3, metric="requests", average=50),
    },
}
SELDON_GROUPS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "v1": {"protocol": "v1"},
    "grpc": {"protocol": "grpc", "executor": False},
    "ovms": {"runtime": "ovms", "executor": False},
    "everything": EVERYTHING,
    "scaled": {"autoscale": BY_CPU},
    "shared": {"exclusive": False, "mesh": True},
}


@pytest.fixture(scope="module")
def _kinds(kubectl: Kubectl) -> None:
    served = kubectl("api-versions")
    for group in ("serving.kserve.io", "machinelearning.seldon.io", "monitoring.coreos.com", "keda.sh"):
        if group not in served:
            pytest.skip(f"the cluster has no kinds of {group}")


def _home(namespace: str) -> Home:
    return a_home(namespace=namespace)


def _part(fields: Mapping[str, Any], **more: Any) -> seldon.Part:
    serving: Serving = a_group(**{"platform": "seldon", **fields, **more})
    return seldon.Part(serving, a_plan(serving, NODE), an_access())


@pytest.mark.usefixtures("_kinds")
@pytest.mark.parametrize("fields", INFERENCE_GROUPS.values(), ids=INFERENCE_GROUPS)
def test_every_object_of_an_inference_service_is_accepted(
    fields: Mapping[str, Any], kubectl: Kubectl, namespace: str
) -> None:
    serving = a_group(**{"platform": "kserve", **fields})
    first, service, after = kserve.objects(serving, a_plan(serving, NODE), an_access(), _home(namespace), AROUND)
    for manifest in (*first, service, *after):
        kubectl.accepts(manifest)


@pytest.mark.usefixtures("_kinds")
@pytest.mark.parametrize("fields", SELDON_GROUPS.values(), ids=SELDON_GROUPS)
def test_every_object_of_a_seldon_deployment_is_accepted(
    fields: Mapping[str, Any], kubectl: Kubectl, namespace: str
) -> None:
    home, part = _home(namespace), _part(fields)
    whole = seldon.deployment(
        metadata(part.serving, home), [seldon.predictor(part, home, "model")], part.serving.protocol
    )
    for manifest in (*seldon.needed(part, home, AROUND), whole, *seldon.after(part, home, AROUND)):
        kubectl.accepts(manifest)


@pytest.mark.usefixtures("_kinds")
def test_a_split_by_seldon_is_accepted(kubectl: Kubectl, namespace: str) -> None:
    traffic = Traffic(name="both", via="platform", split={"old": 90, "new": 10}, hostnames=("models.example.org",))
    parts = [_part({}, name="old"), _part({}, name="new", executor=False)]
    kubectl.accepts(seldon.split(traffic, parts, _home(namespace)))

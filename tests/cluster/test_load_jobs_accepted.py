"""The API server takes every object of a measurement, in a namespace that admits restricted pods only."""

from __future__ import annotations

from typing import Any

import pytest

from components.benchmarks.on_cluster import manifests
from components.benchmarks.on_cluster.place import Place
from tests.cluster.kubectl import Kubectl
from tests.components.benchmarks import load_builders as build
from tests.components.benchmarks.test_load_jobs_manifests import OWNER, POOL, a_place, some_arguments

JOBS = {
    "builtin": (a_place(POOL), some_arguments()),
    "vegeta": (a_place(tool="vegeta", client_cores=0), some_arguments("vegeta")),
    "ghz": (a_place(tool="ghz"), some_arguments("ghz", protocol="grpc")),
    "locust": (a_place(tool="locust", workers=2), some_arguments("locust", load=build.a_shape(clients=4))),
}


def in_namespace(place: Place, namespace: str) -> Place:
    return Place(**{**vars(place), "namespace": namespace})


def pod_of(job: Any) -> dict[str, Any]:
    """A pod as the Job would make it."""
    template = job["spec"]["template"]
    metadata = {**template["metadata"], "name": "pod", "namespace": job["metadata"]["namespace"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


@pytest.mark.parametrize("tool", JOBS)
def test_a_measurement_is_accepted(kubectl: Kubectl, namespace: str, tool: str) -> None:
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    place, arguments = JOBS[tool]
    there = in_namespace(place, namespace)
    job = manifests.job("steady-1-0", there, arguments, parts=1, avoid={"app": "one"}, deadline_s=300)
    kubectl.accepts(job)
    kubectl.accepts(pod_of(job))
    for manifest in manifests.config_maps("steady-1-0", there, "{}", b"data", OWNER):
        kubectl.accepts(manifest)


def test_locusts_workers_are_accepted(kubectl: Kubectl, namespace: str) -> None:
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    there = in_namespace(JOBS["locust"][0], namespace)
    workers = manifests.workers_job("steady-1-0", there, parts=0, owner=OWNER, steered_by="10.0.0.7")
    kubectl.accepts(workers)
    kubectl.accepts(pod_of(workers))

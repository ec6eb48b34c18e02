"""What CPU and memory the pods of the tests' cluster use: its own metrics API, or a metrics-server beside it.

INFERSTACK_TEST_METRICS_SERVER names a binary for clusters that have none; it runs on the machine of the test, on the
address of the API server, so the cluster must run there too.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.builders.programs import free_port, running
from tests.cluster.kubectl import Kubectl

VARIABLE: Final = "INFERSTACK_TEST_METRICS_SERVER"
GROUP: Final = "metrics.k8s.io"
NAME: Final = f"v1beta1.{GROUP}"
LIMIT_S: Final = 120.0


@contextmanager
def measured(kubectl: Kubectl, namespace: str, folder: Path) -> Iterator[None]:
    """Pods are measured until the end of the block; the test is skipped where nobody does."""
    if NAME in kubectl("get", "apiservices", "-o", "name"):
        yield
        return
    if not (binary := os.environ.get(VARIABLE)):
        pytest.skip(f"needs a cluster that measures its pods (metrics-server); or set {VARIABLE} to its binary")
    address, port, named = address_of(kubectl), free_port(), kubectl.kubeconfig.resolve()
    command = [
        binary, *(f"--{part}kubeconfig={named}" for part in ("", "authentication-", "authorization-")),
        f"--bind-address={address}", f"--secure-port={port}", f"--cert-dir={folder}", "--metric-resolution=15s",
        "--kubelet-insecure-tls", "--kubelet-preferred-address-types=InternalIP", "--authentication-skip-lookup",
    ]  # fmt: skip
    with running(command, folder) as program, registered(kubectl, namespace, GROUP, address, port):
        program.until(lambda: _measures(kubectl), limit_s=LIMIT_S)
        yield


def address_of(kubectl: Kubectl) -> str:
    """Where the API server listens, which pods and the API server itself reach."""
    server: str = yaml.safe_load(kubectl.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    return server.split("//")[1].split(":")[0]


@contextmanager
def registered(kubectl: Kubectl, namespace: str, group: str, address: str, port: int) -> Iterator[None]:
    """The server as the API server's own for a group of kinds.

    The API server of a test does not say on whose behalf it asks, so anybody may read the group meanwhile.
    """
    name = group.replace(".", "-")
    reads = {"apiGroups": [group], "resources": ["*"], "verbs": ["get", "list"]}
    finds = {"nonResourceURLs": [f"/apis/{group}", f"/apis/{group}/*"], "verbs": ["get"]}
    anybody = {"kind": "User", "name": "system:anonymous", "apiGroup": "rbac.authorization.k8s.io"}
    role = {"kind": "ClusterRole", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
    inside = {"name": name, "namespace": namespace}
    objects: list[dict[str, Any]] = [
        _object("v1", "Service", inside, spec={"ports": [{"port": 443, "targetPort": port}]}),
        _object(
            "discovery.k8s.io/v1", "EndpointSlice", {**inside, "labels": {"kubernetes.io/service-name": name}},
            addressType="IPv4", ports=[{"port": port}], endpoints=[{"addresses": [address]}],
        ),
        _object("rbac.authorization.k8s.io/v1", "ClusterRole", {"name": name}, rules=[reads, finds]),
        _object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", {"name": name}, roleRef=role, subjects=[anybody]),
        _object(
            "apiregistration.k8s.io/v1", "APIService", {"name": f"v1beta1.{group}"},
            spec={
                "group": group, "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
                "service": inside, "insecureSkipTLSVerify": True,
            },
        ),
    ]  # fmt: skip
    try:
        for one in objects:
            kubectl("apply", "-f", "-", given=json.dumps(one))
        yield
    finally:
        for one in reversed(objects):
            kubectl("delete", "--ignore-not-found", "-f", "-", given=json.dumps(one))


def _object(api: str, kind: str, metadata: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}


def _measures(kubectl: Kubectl) -> bool:
    time.sleep(1)
    try:
        return bool(json.loads(kubectl("get", "--raw", f"/apis/{GROUP}/v1beta1/pods"))["items"])
    except AssertionError:
        return False

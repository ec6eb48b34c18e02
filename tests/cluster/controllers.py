"""KServe's controller and Seldon Core's operator as processes beside the cluster, for as long as a test runs.

They are programs of others, in Go. Who has them built names their folders: INFERSTACK_TEST_KSERVE holds `manager`, and
INFERSTACK_TEST_SELDON holds `operator`; INFERSTACK_TEST_SELDON_EXECUTOR is the executor's image in the cluster. The API
server calls their webhooks at 127.0.0.1, so the cluster must run on this machine, and they see the test's namespace
alone.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.builders.programs import free_port, listens, running
from tests.cluster.kubectl import Kubectl

START_LIMIT_S: Final = 120
INGRESS: Final = {
    "disableIngressCreation": True,
    "disableIstioVirtualHost": True,
    "ingressGateway": "knative-serving/knative-ingress-gateway",
    "ingressDomain": "example.com",
}
SHARE: Final = {"memoryRequest": "64Mi", "memoryLimit": "64Mi", "cpuRequest": "50m", "cpuLimit": "50m"}
# What KServe's controller reads; none of the helpers that it could inject is used.
KSERVE_SETTINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "deploy": {"defaultDeploymentMode": "Standard"},
    "ingress": INGRESS,
    "storageInitializer": {"image": "none", **SHARE},
    "agent": {"image": "none", **SHARE},
    "logger": {"image": "none", "defaultUrl": "http://none", **SHARE},
    "batcher": {"image": "none", "maxBatchSize": "32", "maxLatency": "5000", **SHARE},
    "router": {"image": "none", **SHARE},
    "credentials": {},
    "inferenceService": {},
    "metricsAggregator": {},
    "security": {"autoMountServiceAccountToken": False},
}


@dataclass(frozen=True)
class Webhook:
    """A path that the API server asks before it stores such objects."""

    kind: str
    path: str
    group: str
    version: str
    resource: str
    labelled: str = ""


KSERVE_HOOKS: Final = (
    Webhook("Mutating", "/mutate-serving-kserve-io-v1beta1-inferenceservice",
            "serving.kserve.io", "v1beta1", "inferenceservices"),
    Webhook("Validating", "/validate-serving-kserve-io-v1beta1-inferenceservice",
            "serving.kserve.io", "v1beta1", "inferenceservices"),
    Webhook("Validating", "/validate-serving-kserve-io-v1alpha1-servingruntime",
            "serving.kserve.io", "v1alpha1", "servingruntimes"),
    Webhook("Mutating", "/mutate-pods", "", "v1", "pods", labelled="serving.kserve.io/inferenceservice"),
)  # fmt: skip
SELDON_HOOKS: Final = (
    Webhook("Mutating", "/mutate-machinelearning-seldon-io-v1-seldondeployment",
            "machinelearning.seldon.io", "v1", "seldondeployments"),
    Webhook("Validating", "/validate-machinelearning-seldon-io-v1-seldondeployment",
            "machinelearning.seldon.io", "v1", "seldondeployments"),
)  # fmt: skip


@contextmanager
def kserve(kubectl: Kubectl, namespace: str, folder: Path) -> Iterator[None]:
    """KServe's controller, until the end of the block; skips where it is not to be had."""
    program = _built("INFERSTACK_TEST_KSERVE", "manager")
    settings = {key: json.dumps(value) for key, value in KSERVE_SETTINGS.items()}
    metadata = {"name": "inferenceservice-config", "namespace": namespace}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": settings}
    kubectl("apply", "-f", "-", given=json.dumps(config))
    port = free_port()
    flags = ["--metrics-addr=0", "--health-probe-addr=0", f"--webhook-port={port}"]
    environment = {"POD_NAMESPACE": namespace}
    with _running(kubectl, namespace, folder, [str(program), *flags], environment, port, KSERVE_HOOKS):
        yield


@contextmanager
def seldon(kubectl: Kubectl, namespace: str, folder: Path, *, istio: bool = False) -> Iterator[None]:
    """Seldon Core's operator, until the end of the block; skips where it or its executor is not to be had.

    With `istio` it makes VirtualServices for its SeldonDeployments.
    """
    program = _built("INFERSTACK_TEST_SELDON", "operator")
    if not (executor := os.environ.get("INFERSTACK_TEST_SELDON_EXECUTOR")):
        pytest.skip("needs the image of Seldon's executor: set INFERSTACK_TEST_SELDON_EXECUTOR to its name")
    port = free_port()
    flags = ["--metrics-addr=0", f"--webhook-port={port}"]
    environment = {
        "POD_NAMESPACE": namespace,
        "WATCH_NAMESPACE": namespace,
        "EXECUTOR_CONTAINER_IMAGE_AND_VERSION": executor,
        "EXECUTOR_CONTAINER_USER": "8888",
        "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": "9000",
        "PREDICTIVE_UNIT_GRPC_SERVICE_PORT": "9500",
        "ISTIO_ENABLED": str(istio).lower(),
    }
    with _running(kubectl, namespace, folder, [str(program), *flags], environment, port, SELDON_HOOKS):
        yield


@contextmanager
def _running(
    kubectl: Kubectl,
    namespace: str,
    folder: Path,
    command: Sequence[str],
    environment: Mapping[str, str],
    port: int,
    hooks: Sequence[Webhook],
) -> Iterator[None]:
    """The process, with its webhooks registered while it runs."""
    folder.mkdir(parents=True, exist_ok=True)
    # Where the controllers look for their certificate, below the folder for temporary files.
    certificates = folder / "k8s-webhook-server" / "serving-certs"
    authority = _certificate(certificates)
    inherited = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}
    env = {**inherited, "KUBECONFIG": str(kubectl.kubeconfig.resolve()), **environment}
    configurations = [_configuration(hook, namespace, port, authority) for hook in hooks]
    with running(command, folder, environ=env) as program:
        try:
            program.until(lambda: listens(port), limit_s=START_LIMIT_S)
            for one in configurations:
                kubectl("apply", "-f", "-", given=json.dumps(one))
            yield
        finally:
            for one in configurations:
                kubectl("delete", one["kind"], one["metadata"]["name"], "--ignore-not-found")


def _configuration(hook: Webhook, namespace: str, port: int, authority: bytes) -> dict[str, Any]:
    name = f"{namespace}-{hook.kind.lower()}-{hook.resource}"
    selected = {"matchExpressions": [{"key": hook.labelled, "operator": "Exists"}]} if hook.labelled else {}
    webhook = {
        "name": f"{hook.kind.lower()}.{hook.resource}.test.inferstack.io",
        "clientConfig": {
            "url": f"https://127.0.0.1:{port}{hook.path}",
            "caBundle": base64.b64encode(authority).decode(),
        },
        "admissionReviewVersions": ["v1", "v1beta1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "objectSelector": selected,
        "rules": [
            {
                "apiGroups": [hook.group],
                "apiVersions": [hook.version],
                "resources": [hook.resource],
                "operations": ["CREATE"] if hook.labelled else ["CREATE", "UPDATE"],
            }
        ],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{hook.kind}WebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [webhook],
    }


def _certificate(folder: Path) -> bytes:
    """A certificate for 127.0.0.1 that signs itself."""
    folder.mkdir(parents=True)
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files]
    subprocess.run(command, check=True, capture_output=True)
    return (folder / "tls.crt").read_bytes()


def _built(variable: str, name: str) -> Path:
    if not (folder := os.environ.get(variable)):
        pytest.skip(f"needs {name} of a project in Go, built: set {variable} to its folder")
    return Path(folder) / name

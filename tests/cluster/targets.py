"""Something to measure in a cluster: a pod with the stub server of the load generator's tests, behind a Service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from components.models.digest import ir_digest
from tests.cluster.kubectl import Kubectl
from tests.components.models import model_builders

STUB: Final = Path(__file__).parents[1] / "components" / "benchmarks" / "stub_server.py"
PORT: Final = 8000
GRPC_PORT: Final = 9000
DIGEST: Final = "d" * 64
RUN: Final = f"""
import asyncio, sys
sys.path.insert(0, "/stub")
from stub_server import serve

async def main():
    await (await asyncio.start_server(serve, "0.0.0.0", {PORT})).serve_forever()

asyncio.run(main())
"""


def labels(name: str) -> dict[str, str]:
    """The labels of a target's pods."""
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/component": "serving"}


def a_stub(kubectl: Kubectl, namespace: str, image: str, name: str = "stub") -> None:
    """Start a stub server and wait until it is ready; it asks for no CPU of its own."""
    metadata = {"name": name, "namespace": namespace, "labels": labels(name)}
    kubectl("create", "configmap", name, "-n", namespace, f"--from-file={STUB}")
    for manifest in (pod(metadata, image), service(metadata)):
        kubectl("apply", "-f", "-", given=json.dumps(manifest))
    kubectl("wait", "pod", name, "-n", namespace, "--for=condition=Ready", "--timeout=90s")


def pod(metadata: dict[str, Any], image: str) -> dict[str, Any]:
    container = {
        "name": "stub",
        "image": image,
        "command": ["python", "-c", RUN],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "volumeMounts": [{"name": "stub", "mountPath": "/stub"}],
    }
    volume = {"name": "stub", "configMap": {"name": metadata["name"]}}
    spec = {"containers": [container], "volumes": [volume], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def service(metadata: dict[str, Any]) -> dict[str, Any]:
    spec = {"selector": metadata["labels"], "ports": [{"port": PORT}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def a_server(kubectl: Kubectl, namespace: str, image: str, folder: Path, name: str = "stub") -> str:
    """Start the embedded server with a small model, REST and gRPC, and wait until it is ready; the model's digest."""
    model = model_builders.an_ir(folder / "model.xml")
    metadata = {"name": name, "namespace": namespace, "labels": labels(name)}
    files = (f"--from-file={path}" for path in (model, model.with_suffix(".bin")))
    kubectl("create", "configmap", name, "-n", namespace, *files)
    told = {"name": name, "model": {"name": "classifier", "path": "/stub/model.xml", "digest": None}}
    served = pod(metadata, image)
    (container,) = served["spec"]["containers"]
    container["command"] = ["python", "-m", "components.serving.pod", json.dumps(told)]
    container["readinessProbe"]["httpGet"] = {"path": "/v2/health/ready", "port": PORT}
    del container["readinessProbe"]["tcpSocket"]
    answered = service(metadata)
    answered["spec"]["ports"] = [{"name": "http", "port": PORT}, {"name": "grpc", "port": GRPC_PORT}]
    for manifest in (served, answered):
        kubectl("apply", "-f", "-", given=json.dumps(manifest))
    kubectl("wait", "pod", name, "-n", namespace, "--for=condition=Ready", "--timeout=90s")
    return ir_digest(model)

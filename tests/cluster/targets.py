"""Something to measure in a cluster: a pod with the stub server of the load generator's tests, behind a Service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from tests.cluster.kubectl import Kubectl

STUB: Final = Path(__file__).parents[1] / "components" / "benchmarks" / "stub_server.py"
PORT: Final = 8000
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

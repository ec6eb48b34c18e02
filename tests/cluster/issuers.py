"""An authority of cert-manager for tests: its controller as a process beside the cluster, unless the cluster has it.

INFERSTACK_TEST_CERT_MANAGER names the folder that holds `controller`, built from its sources, or is `cluster` where
cert-manager runs in the cluster, in the namespace `cert-manager`.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.builders.programs import running
from tests.cluster.kubectl import Kubectl

VARIABLE: Final = "INFERSTACK_TEST_CERT_MANAGER"
IN_CLUSTER: Final = "cluster"
WAIT: Final = "--timeout=120s"


@dataclass(frozen=True)
class Authority:
    """A ClusterIssuer, by its name, and the certificate of the authority that it signs with."""

    issuer: str
    certificate: str

    def trusting(self) -> ssl.SSLContext:
        """What a client verifies servers with that trusts this authority alone."""
        return ssl.create_default_context(cadata=self.certificate)


@contextmanager
def authority(kubectl: Kubectl, namespace: str, folder: Path) -> Iterator[Authority]:
    """The authority, until the end of the block; skips where cert-manager is not to be had."""
    if "cert-manager.io/v1" not in kubectl("api-versions"):
        pytest.skip("the cluster has no kinds of cert-manager")
    if not (named := os.environ.get(VARIABLE)):
        pytest.skip(f"needs cert-manager: set {VARIABLE} to the folder of its `controller`, or to `{IN_CLUSTER}`")
    if named == IN_CLUSTER:
        with _issuing(kubectl, namespace, "cert-manager") as found:
            yield found
    else:
        running = _controller(kubectl, namespace, folder, Path(named) / "controller")
        with running, _issuing(kubectl, namespace, namespace) as found:
            yield found


@contextmanager
def _controller(kubectl: Kubectl, namespace: str, folder: Path, program: Path) -> Iterator[None]:
    """cert-manager's controller beside the cluster, which keeps the secrets of cluster-wide issuers in a namespace."""
    command = [
        str(program),
        f"--kubeconfig={kubectl.kubeconfig.resolve()}",
        f"--cluster-resource-namespace={namespace}",
        "--leader-elect=false",
        "--metrics-listen-address=127.0.0.1:0",
        "--internal-healthz-listen-address=127.0.0.1:0",
    ]
    with running(command, folder):
        yield


@contextmanager
def _issuing(kubectl: Kubectl, name: str, namespace: str) -> Iterator[Authority]:
    """An authority that signs itself, in a namespace, and the ClusterIssuer that signs with it."""
    of = {"group": "cert-manager.io", "kind": "Issuer", "name": name}
    root = {"isCA": True, "commonName": "inferstack tests", "secretName": name, "issuerRef": of}
    made = (
        _object("Issuer", {"name": name, "namespace": namespace}, {"selfSigned": {}}),
        _object("Certificate", {"name": name, "namespace": namespace}, root),
        _object("ClusterIssuer", {"name": name}, {"ca": {"secretName": name}}),
    )
    try:
        for one in made:
            kubectl("apply", "-f", "-", given=json.dumps(one))
        kubectl("wait", f"certificate/{name}", "-n", namespace, "--for=condition=Ready", WAIT, timeout_s=150)
        kubectl("wait", f"clusterissuer/{name}", "--for=condition=Ready", WAIT, timeout_s=150)
        secret = kubectl.get("secret", name, namespace)
        yield Authority(name, base64.b64decode(secret["data"]["tls.crt"]).decode())
    finally:
        for one in reversed(made):
            kubectl("delete", "--ignore-not-found", "-f", "-", given=json.dumps(one))
        kubectl("delete", "secret", name, "-n", namespace, "--ignore-not-found")


def _object(kind: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "cert-manager.io/v1", "kind": kind, "metadata": dict(metadata), "spec": dict(spec)}

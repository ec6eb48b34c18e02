"""KEDA's operator and its metrics adapter as processes beside the cluster, for as long as a test runs.

Programs of others, in Go: INFERSTACK_TEST_KEDA names the folder that holds `keda-operator` and `keda-adapter`. They run
on the machine of the test, and on the address of the API server, so the cluster must run there too.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.builders.programs import free_port, running
from tests.cluster.kubectl import Kubectl
from tests.cluster.metrics_server import address_of, registered
from tests.cluster.stacks import Stack, pausing
from tests.components.serving.server.server_builders import eventually

VARIABLE: Final = "INFERSTACK_TEST_KEDA"
GROUP: Final = "external.metrics.k8s.io"
LIMIT_S: Final = 120.0


@contextmanager
def keda(kubectl: Kubectl, namespace: str, folder: Path) -> Iterator[None]:
    """KEDA until the end of the block; the test is skipped where it is not to be had.

    A Deployment of the operator's name, without pods, shows that somebody else has installed it.
    """
    if not (built := os.environ.get(VARIABLE)):
        pytest.skip(f"needs KEDA, built: set {VARIABLE} to the folder of its programs")
    if "scaledobjects.keda.sh" not in kubectl("get", "crd", "-o", "name"):
        pytest.skip("needs the kinds of KEDA on the cluster")
    folder.mkdir()
    _certificates(folder, address_of(kubectl))
    there = Stack(folder, kubectl.kubeconfig, namespace).deployment("keda-operator", image=pausing(kubectl))
    kubectl("apply", "-f", "-", given=json.dumps(there))
    asked, served, others = free_port(), free_port(), [free_port() for _ in range(3)]
    operator = [
        "keda-operator", f"--metrics-service-bind-address=127.0.0.1:{asked}", f"--cert-dir={folder}",
        f"--metrics-bind-address=127.0.0.1:{others[0]}", f"--health-probe-bind-address=127.0.0.1:{others[1]}",
        "--enable-webhook-patching=false", "--enable-apiservice-patching=false",
    ]  # fmt: skip
    adapter = [
        "keda-adapter", f"--metrics-service-address=127.0.0.1:{asked}", "--metrics-service-grpc-authority=localhost",
        f"--bind-address={address_of(kubectl)}", f"--secure-port={served}", f"--port={others[2]}",
        f"--cert-dir={folder}", f"--tls-cert-file={folder / 'tls.crt'}",
        f"--tls-private-key-file={folder / 'tls.key'}",
        "--authentication-skip-lookup",
        *(f"--{part}-kubeconfig={kubectl.kubeconfig}" for part in ("lister", "authentication", "authorization")),
    ]  # fmt: skip
    environment = {**os.environ, "KUBECONFIG": str(kubectl.kubeconfig), "POD_NAMESPACE": namespace}
    environment |= {"WATCH_NAMESPACE": "", "KEDA_CLUSTER_OBJECT_NAMESPACE": namespace}
    with ExitStack() as all_of_it:
        programs = [
            all_of_it.enter_context(running([Path(built) / command[0], *command[1:]], folder, environ=environment))
            for command in (operator, adapter)
        ]
        all_of_it.enter_context(registered(kubectl, namespace, GROUP, address_of(kubectl), served))
        assert eventually(lambda: _answers(kubectl), limit_s=LIMIT_S), said(folder)
        assert all(program.process.poll() is None for program in programs), said(folder)
        yield


def said(folder: Path) -> str:
    """The last that the programs wrote."""
    return "\n".join(log.read_text()[-3000:] for log in sorted(folder.glob("*.log")))


def _certificates(folder: Path, address: str) -> None:
    """An authority, and a certificate of it by which the two programs know each other."""
    names = f"subjectAltName=DNS:localhost,IP:127.0.0.1,IP:{address}"
    authority = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=authority"]
    request = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-addext", names]
    signing = ["x509", "-req", "-days", "2", "-copy_extensions", "copy", "-CA", "ca.crt", "-CAkey", "ca.key"]
    for step in (
        [*authority, "-keyout", "ca.key", "-out", "ca.crt"],
        [*request, "-keyout", "tls.key", "-out", "tls.csr"],
        [*signing, "-in", "tls.csr", "-out", "tls.crt"],
    ):
        subprocess.run(["openssl", *step], cwd=folder, check=True, capture_output=True)


def _answers(kubectl: Kubectl) -> bool:
    try:
        return bool(json.loads(kubectl("get", "--raw", f"/apis/{GROUP}/v1beta1"))["groupVersion"])
    except AssertionError:
        return False

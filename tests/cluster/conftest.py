"""Tests against a real Kubernetes cluster.

INFERSTACK_TEST_KUBECONFIG names the kubeconfig; without it they are skipped.

Each test works in a namespace of its own, which is deleted afterwards.
"""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
import yaml

from components.serving.pods import tenant
from tests.cluster.kubectl import Kubectl
from tests.components.serving.pods.pod_builders import a_home

VARIABLE: Final = "INFERSTACK_TEST_KUBECONFIG"
ADDRESS: Final = "INFERSTACK_TEST_ADDRESS"


@pytest.fixture(scope="session")
def kubeconfig() -> Path:
    """The kubeconfig of a cluster that tests may use."""
    if not (named := os.environ.get(VARIABLE)):
        pytest.skip(f"needs a Kubernetes cluster: set {VARIABLE} to a kubeconfig")
    return Path(named)


@pytest.fixture(scope="session")
def kubectl(kubeconfig: Path) -> Kubectl:
    """The command line of that cluster."""
    return Kubectl(kubeconfig)


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """A new namespace, closed as a stack's own; it and all in it are deleted afterwards, without waiting for the end.

    What happened in it is printed, for the report of a test that failed.
    """
    name = f"test-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    for one in tenant.limits(a_home(namespace=name), None):
        kubectl("apply", "-f", "-", given=json.dumps(one))
    yield name
    print(kubectl("get", "events", "-n", name, "--sort-by=.lastTimestamp"))
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def image() -> str:
    """The image of this program as the cluster knows it."""
    if not (named := os.environ.get("INFERSTACK_TEST_IMAGE")):
        pytest.skip("needs this program's image on the cluster: set INFERSTACK_TEST_IMAGE to its name")
    return named


@pytest.fixture(scope="session")
def address(kubeconfig: Path) -> str:
    """An address of this machine that the cluster's pods reach."""
    cluster = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
    server = urlsplit(cluster["server"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((server.hostname, server.port))
        address = os.environ.get(ADDRESS) or probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip(f"needs an address of this machine that pods reach: set {ADDRESS}")
    return address

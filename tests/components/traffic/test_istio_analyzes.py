"""Istio's own analyzers find nothing wrong in what we declare: INFERSTACK_TEST_ISTIOCTL names the binary `istioctl`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from components.kubernetes.objects import Manifest
from components.traffic.split import objects
from schemas.spec import Tls
from tests.components.serving.pods.pod_builders import a_home
from tests.components.traffic.test_traffic_splits import a_split, a_target

VARIABLE: Final = "INFERSTACK_TEST_ISTIOCTL"
SECURE: Final[Mapping[str, Any]] = {"hostnames": ("models.example.org", "*.models.example.org"), "tls": Tls(issuer="a")}
SPLITS: Final[Mapping[str, Mapping[str, Any]]] = {
    "gateway-api": {},
    "gateway-api-secure": SECURE,
    "istio": {"via": "istio", "gateway_class": None, "port": 8080},
    "istio-secure": {"via": "istio", "gateway_class": None, "mtls": True, **SECURE},
    "istio-existing": {"via": "istio", "gateway_class": None, "gateway": "shared/public"},
}
PUBLIC: Final[Manifest] = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "public", "namespace": "shared"},
    "spec": {"servers": [{"hosts": ["*/*"], "port": {"name": "http", "number": 80, "protocol": "HTTP"}}]},
}


def analyzed(manifests: Sequence[Manifest], folder: Path) -> list[Any]:
    """What the analyzers say of objects, without a cluster."""
    if not (binary := os.environ.get(VARIABLE)):
        pytest.skip(f"needs Istio's analyzers: set {VARIABLE} to the binary `istioctl`")
    path = folder / "objects.yaml"
    path.write_text("\n---\n".join(map(json.dumps, manifests)))
    command = [binary, "analyze", "--use-kube=false", "--output=json", "--namespace=team-a", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: list[Any] = json.loads(done.stdout)
    return found


def services(names: Sequence[str]) -> list[Manifest]:
    """The Services of targets."""
    ports = [{"name": "http", "port": 8000}, {"name": "grpc", "port": 9000}]
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": "team-a"},
            "spec": {"ports": ports, "selector": {"app.kubernetes.io/name": name}},
        }
        for name in names
    ]


@pytest.mark.parametrize("protocol", ["v2", "grpc"])
@pytest.mark.parametrize("fields", SPLITS.values(), ids=SPLITS)
def test_istio_finds_nothing_wrong_in_a_split(fields: Mapping[str, Any], protocol: str, tmp_path: Path) -> None:
    traffic = a_split(**fields)
    targets = {name: a_target(name, protocol=protocol) for name in traffic.split}
    manifests = [*objects(traffic, targets, a_home()), *services(tuple(traffic.split)), PUBLIC]
    assert analyzed(manifests, tmp_path) == []


def test_istio_finds_a_gateway_that_is_not_there(tmp_path: Path) -> None:
    traffic = a_split(**SPLITS["istio-existing"])
    targets = {name: a_target(name) for name in traffic.split}
    found = analyzed([*objects(traffic, targets, a_home()), *services(tuple(targets))], tmp_path)
    assert "IST0101" in {one["code"] for one in found}

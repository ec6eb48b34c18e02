"""Objects of traffic splits are accepted by an API server with the kinds of Gateway API, Istio and cert-manager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from components.traffic.split import objects
from schemas.spec import Tls
from tests.cluster.kubectl import Kubectl
from tests.components.serving.pods.pod_builders import a_home
from tests.components.traffic.test_traffic_splits import a_split, a_target

SECURE: Mapping[str, Any] = {
    "hostnames": ("models.example.org", "*.models.example.org"),
    "path": "/digits",
    "tls": Tls(issuer="letsencrypt"),
}
SPLITS: Mapping[str, Mapping[str, Any]] = {
    "gateway": {},
    "gateway-secure": SECURE,
    "gateway-other": {"gateway_class": "eg", "gateway_namespace": "envoy-gateway-system"},
    "gateway-existing": {"gateway_class": None, "gateway": "shared/public"},
    "istio": {"via": "istio", "gateway_class": None},
    "istio-secure": {"via": "istio", "gateway_class": None, "mtls": True, **SECURE},
    "istio-existing": {"via": "istio", "gateway_class": None, "gateway": "istio-system/public"},
}


@pytest.mark.parametrize("protocol", ["v2", "grpc"])
@pytest.mark.parametrize("fields", SPLITS.values(), ids=SPLITS)
def test_every_object_of_a_split_is_accepted(
    fields: Mapping[str, Any], protocol: str, kubectl: Kubectl, namespace: str
) -> None:
    served = kubectl("api-versions")
    for group in ("gateway.networking.k8s.io", "networking.istio.io", "cert-manager.io"):
        if group not in served:
            pytest.skip(f"the cluster has no kinds of {group}")
    traffic = a_split(**fields)
    targets = {name: a_target(name, namespace=namespace, protocol=protocol) for name in traffic.split}
    for manifest in objects(traffic, targets, a_home(namespace=namespace)):
        # Istio's certificates lie in its own namespace, which need not be there.
        kubectl.accepts({**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}})

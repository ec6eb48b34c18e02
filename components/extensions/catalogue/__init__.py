"""The catalogue: one module an extension, each with one `ENTRY`, all of them named here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from components.extensions.catalogue import (
    argo_workflows,
    cert_manager,
    docker_registry,
    gateway_api,
    gitea,
    istio,
    keda,
    knative,
    kserve,
    kube_prometheus_stack,
    locust,
    metrics_server,
    minio,
    mlflow,
    nifi,
    node_feature_discovery,
    ovms_operator,
    rook_ceph,
    seldon_core,
    tekton,
)
from components.extensions.entry import Entry

_MODULES: Final = (
    argo_workflows, cert_manager, docker_registry, gateway_api, gitea, istio, keda, knative, kserve,
    kube_prometheus_stack, locust, metrics_server, minio, mlflow, nifi, node_feature_discovery, ovms_operator,
    rook_ceph, seldon_core, tekton,
)  # fmt: skip
CATALOGUE: Final[Mapping[str, Entry]] = {module.ENTRY.name: module.ENTRY for module in _MODULES}

"""The OpenVINO Model Server as a plain Deployment and Service of Kubernetes.

No operator: the one for OVMS is deprecated and passes a flag that images from 2026.3 on refuse. The pods are Guaranteed
with whole CPUs, which is what kubelet's static CPU manager asks for, and nothing is injected into them: a sidecar with
other resources would take the exclusive cores away. Streams and threads are always stated, because the server's own
guess sees the CPUs of the node. Generic resources, so that `pulumi_kubernetes` need not be imported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import pulumi

from components.serving.placement_pods import PodPlan
from schemas.spec import NodePool, Serving

TYPE: Final = "inferstack:serving:Ovms"
DEFAULT_VERSION: Final = "2026.2"  # The last that answers V1 (`:predict`) as well.
IMAGE: Final = "openvino/model_server"
USER: Final = 5000  # The image's own.
REST_PORT: Final = 8000
GRPC_PORT: Final = 9000
NO_SIDECAR: Final[Mapping[str, str]] = {"sidecar.istio.io/inject": "false"}


class OvmsGroup(pulumi.ComponentResource):
    """A serving group on OVMS: `url` is where the cluster's own clients find it."""

    def __init__(
        self,
        serving: Serving,
        pods: PodPlan,
        *,
        model_uri: pulumi.Input[str],
        namespace: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare Deployment and Service; `model_uri` is the folder with the model's numbered versions."""
        super().__init__(TYPE, serving.name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        metadata = {"name": serving.name, "namespace": namespace, "labels": _labels(serving)}
        deployment = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": deployment_spec(serving, pods, model_uri),
        }
        service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service_spec(serving)}
        pulumi.CustomResource("kubernetes:apps/v1:Deployment", serving.name, deployment, child)
        pulumi.CustomResource("kubernetes:core/v1:Service", serving.name, service, child)
        self.url = f"http://{serving.name}.{namespace}.svc:{REST_PORT}"
        self.register_outputs({"url": self.url})


def deployment_spec(serving: Serving, pods: PodPlan, model_uri: pulumi.Input[str]) -> dict[str, Any]:
    """The Deployment: equal pods, replaced one after the other, because a surplus pod finds no free cores."""
    return {
        "replicas": pods.replicas,
        "selector": {"matchLabels": _labels(serving)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        "template": {
            "metadata": {"labels": {**_labels(serving), **NO_SIDECAR}, "annotations": dict(NO_SIDECAR)},
            "spec": {
                **_on_pool(pods.pool),
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": USER,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [_container(serving, pods, model_uri)],
            },
        },
    }


def _on_pool(pool: NodePool | None) -> dict[str, Any]:
    """What brings a pod to its pool, and lets it onto nodes that are tainted for it."""
    if pool is None:
        return {}
    tolerations = [{"key": t.key, "operator": "Equal", "value": t.value, "effect": t.effect} for t in pool.taints]
    return {"nodeSelector": {"cloud.google.com/gke-nodepool": pool.name}, "tolerations": tolerations}


def service_spec(serving: Serving) -> dict[str, Any]:
    """The Service: REST and gRPC under the ports that the server has."""
    ports = {"http": REST_PORT, "grpc": GRPC_PORT}
    return {
        "selector": _labels(serving),
        "ports": [{"name": name, "port": port, "targetPort": name} for name, port in ports.items()],
    }


def arguments(serving: Serving, pods: PodPlan, model_uri: pulumi.Input[str]) -> list[pulumi.Input[str]]:
    """The server's command line; `NUM_STREAMS` is never beside a `PERFORMANCE_HINT`, and `--nireq` never below it."""
    # Pinning where the cores are the pod's own; elsewhere two servers would pin their threads to the same ones.
    exclusive = pods.pool is not None and pods.pool.cpu_manager == "static"
    plugin = {
        "NUM_STREAMS": str(pods.streams),
        "INFERENCE_NUM_THREADS": str(pods.threads),
        "ENABLE_CPU_PINNING": "YES" if exclusive else "NO",
    }
    options: dict[str, pulumi.Input[str]] = {
        "--model_name": serving.model,
        "--model_path": model_uri,
        "--rest_port": str(REST_PORT),
        "--port": str(GRPC_PORT),
        "--plugin_config": json.dumps(plugin),
        # One request runs in each stream while the next is being prepared.
        "--nireq": str(2 * pods.streams),
    }
    return [word for option in options.items() for word in option] + ["--metrics_enable"]


def _container(serving: Serving, pods: PodPlan, model_uri: pulumi.Input[str]) -> dict[str, Any]:
    resources = {"cpu": str(pods.cpus), "memory": f"{pods.memory_mib}Mi"}
    live = {"httpGet": {"path": "/v2/health/live", "port": "http"}, "periodSeconds": 5}
    # The server's own readiness is true even when the model could not be loaded.
    ready = {"httpGet": {"path": f"/v2/models/{serving.model}/ready", "port": "http"}, "periodSeconds": 2}
    return {
        "name": "ovms",
        "image": f"{IMAGE}:{serving.version or DEFAULT_VERSION}",
        "args": arguments(serving, pods, model_uri),
        "env": [{"name": name, "value": value} for name, value in sorted((serving.env or {}).items())],
        "ports": [
            {"name": "http", "containerPort": REST_PORT},
            {"name": "grpc", "containerPort": GRPC_PORT},
        ],
        # Requests and limits alike, in whole CPUs: anything else gets no cores of its own.
        "resources": {"requests": resources, "limits": dict(resources)},
        # A model may take minutes to fetch and compile.
        "startupProbe": {**live, "failureThreshold": 120},
        "livenessProbe": {**live, "failureThreshold": 3},
        "readinessProbe": ready,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


def _labels(serving: Serving) -> dict[str, str]:
    return {"app.kubernetes.io/name": serving.name, "app.kubernetes.io/managed-by": "inferstack"}

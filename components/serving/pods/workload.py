"""The objects around a group's pods: Deployment, Service, files, service account, priority, disruption. Pure."""

from __future__ import annotations

from typing import Any

from components.kubernetes.objects import Home, Manifest
from components.models.access import ModelAccess
from components.serving.placement_pods import PodPlan
from components.serving.pods import pod
from components.serving.pods.server import GRPC_PORT, REST_PORT, Server
from schemas.spec import Serving


def metadata(serving: Serving, home: Home, name: str = "") -> dict[str, Any]:
    """Name, namespace and labels of a group's object; its name is the group's unless stated."""
    labels = home.labels(serving.name, pod.COMPONENT)
    return {"name": name or serving.name, "namespace": home.namespace, "labels": labels}


def deployment(serving: Serving, plan: PodPlan, access: ModelAccess, server: Server, home: Home) -> Manifest:
    """Equal pods. Where there is an autoscaler, their number is its business and is left out."""
    spec: dict[str, Any] = {
        "replicas": plan.replicas,
        "selector": {"matchLabels": pod.selector(serving, home)},
        "strategy": strategy(plan),
        "revisionHistoryLimit": 3,
        # A pod may take the whole of its start limit, and has to be scheduled before.
        "progressDeadlineSeconds": pod.START_LIMIT_S + 60,
        "template": pod.template(serving, plan, access, server, home),
    }
    if serving.autoscale is not None:
        del spec["replicas"]
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(serving, home), "spec": spec}


def strategy(plan: PodPlan) -> dict[str, Any]:
    """How pods are replaced: one more for a while, or one less where a surplus pod finds no free cores."""
    surge, unavailable = (1, 0) if plan.surge else (0, 1)
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


def service(serving: Serving, home: Home) -> Manifest:
    """The Service: REST and gRPC, under the ports that the spec names for them."""
    ports = {"http": serving.port or REST_PORT, "grpc": serving.grpc_port or GRPC_PORT}
    spec = {
        "type": "ClusterIP",
        "selector": pod.selector(serving, home),
        "ports": [{"name": name, "port": port, "targetPort": name, "protocol": "TCP"} for name, port in ports.items()],
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(serving, home), "spec": spec}


def files(serving: Serving, server: Server, home: Home) -> Manifest:
    """The server's files. They never change under a pod: what changes is another ConfigMap, and new pods."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(serving, home, pod.files_name(serving, server)),
        "immutable": True,
        "data": dict(server.files),
    }


def service_account(serving: Serving, home: Home) -> Manifest:
    """An identity that may do nothing, and whose token no pod gets."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(serving, home),
        "automountServiceAccountToken": False,
    }


def priority_class(serving: Serving, home: Home) -> Manifest | None:
    """The priority class of a group that gives a number; it is not of any namespace."""
    if serving.priority is None:
        return None
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": pod.priority_class(serving, home), "labels": home.labels(serving.name, pod.COMPONENT)},
        "value": serving.priority,
        "globalDefault": False,
        "description": f"Serving group {serving.name} of stack {home.stack}.",
    }

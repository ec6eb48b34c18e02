"""How many replicas a group has as its load changes: a HorizontalPodAutoscaler, or KEDA for requests a second. Pure.

Kubernetes relates percentages to what a pod requests. Pods that share their CPUs request less than they may use, so for
them percent of their cores are stated as busy CPUs.
"""

from __future__ import annotations

from typing import Any, Final, assert_never

from components.kubernetes.objects import Home, Manifest
from components.kubernetes.quantity import cpu
from components.serving.placement_pods import PodPlan
from components.serving.pods.surroundings import Surroundings
from components.serving.pods.workload import metadata
from schemas.spec import Autoscale, Serving

DEFAULT_PERCENT: Final = 80
# Requests that were answered, whatever the protocol, as OVMS and the embedded server count them.
INFERENCES: Final = "ModelInfer|Predict"
# A rate needs two answers: four times the interval of our monitors, and enough for a minute, which is usual elsewhere.
RATE_WINDOW: Final = "1m"
UNKNOWN_WINDOW: Final = "150s"
STABILIZATION_S: Final = 300
KEPT_OF_A_NAME: Final = 58


def autoscaler(
    serving: Serving, plan: PodPlan, home: Home, around: Surroundings, *, target: str = ""
) -> Manifest | None:
    """The autoscaler of a group's Deployment; None where the spec asks for none.

    Args:
        target: name of the Deployment; the group's when empty.
    """
    scale = serving.autoscale
    if scale is None:
        return None
    match scale.metric:
        case "cpu" | "memory":
            return {
                "apiVersion": "autoscaling/v2",
                "kind": "HorizontalPodAutoscaler",
                "metadata": metadata(serving, home),
                "spec": {
                    "scaleTargetRef": _deployment(target or serving.name),
                    "minReplicas": scale.min,
                    "maxReplicas": scale.max,
                    "metrics": metrics(scale, plan),
                    "behavior": behavior(scale),
                },
            }
        case "requests":
            return _scaled_object(serving, scale, home, around, target or serving.name)
        case _:
            assert_never(scale.metric)


def metrics(scale: Autoscale, plan: PodPlan) -> list[dict[str, Any]]:
    """The metric of an autoscaler in the shape of autoscaling/v2, for CPU or memory."""
    if scale.average is not None:
        value = cpu(round(scale.average * 1000)) if scale.metric == "cpu" else f"{round(scale.average * 1024)}Mi"
        return [_resource(scale.metric, {"type": "AverageValue", "averageValue": value})]
    percent = DEFAULT_PERCENT if scale.utilization is None else scale.utilization
    if scale.metric == "cpu" and not plan.exclusive:
        return [_resource("cpu", {"type": "AverageValue", "averageValue": cpu(plan.cpus * 10 * percent)})]
    return [_resource(scale.metric, {"type": "Utilization", "averageUtilization": percent})]


def behavior(scale: Autoscale) -> dict[str, Any]:
    """Up at once, down slowly: a pod that loads a model for nothing costs less than requests that wait for one."""
    calm_s = STABILIZATION_S if scale.stabilization_s is None else int(scale.stabilization_s)
    return {
        "scaleUp": {"stabilizationWindowSeconds": 0},
        "scaleDown": {
            "stabilizationWindowSeconds": calm_s,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
        },
    }


def request_rate(deployment: str, namespace: str, window: str = RATE_WINDOW) -> str:
    """Requests a second of all pods of a Deployment during this time, as Prometheus is asked.

    A pod's name is that of its ReplicaSet, of which Kubernetes keeps 58 characters, and five of its own. The pods of
    `digits-two` are none of `digits`, which has one word less.
    """
    pods = f"{f'{deployment}-'[:KEPT_OF_A_NAME]}[a-z0-9]+(-[a-z0-9]{{5}})?"
    series = f'ovms_requests_success{{namespace="{namespace}",pod=~"{pods}",method=~"{INFERENCES}"}}'
    return f"sum(rate({series}[{window}]))"


def _resource(name: str, target: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def _deployment(name: str) -> dict[str, str]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}


def _scaled_object(serving: Serving, scale: Autoscale, home: Home, around: Surroundings, target: str) -> Manifest:
    """KEDA's order; the autoscaler that it makes of it is KEDA's own."""
    prometheus = scale.prometheus or around.prometheus
    monitored = around.scraping != "annotations" or prometheus == around.prometheus
    window = RATE_WINDOW if monitored else UNKNOWN_WINDOW
    trigger = {
        "type": "prometheus",
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": prometheus,
            "query": request_rate(target, home.namespace, window),
            "threshold": f"{scale.average or 0:g}",
        },
    }
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": metadata(serving, home),
        "spec": {
            "scaleTargetRef": _deployment(target),
            "minReplicaCount": scale.min,
            "maxReplicaCount": scale.max,
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior(scale)}},
            "triggers": [trigger],
        },
    }

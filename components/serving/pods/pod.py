"""The pod that serves a model, whatever the platform: what it may do, what it gets, when it is asked for requests.

Pods keep the `restricted` pod security standard, have no token and a root file system that they cannot write to. Every
container states the same resources as the serving one, init containers too, and nothing is injected into a pinned pod:
a single container without whole CPUs, requested and limited alike, takes its exclusive cores away.
"""

from __future__ import annotations

import json
import math
from hashlib import sha256
from typing import Any, Final

from components.kubernetes import objects
from components.kubernetes.objects import NAME, PART_OF, TEMPLATE, Home, Manifest
from components.kubernetes.quantity import cpu
from components.models.access import ModelAccess
from components.serving.placement_pods import PodPlan
from components.serving.pods.server import (
    DRAIN_DELAY_S,
    END_S,
    FILES,
    Server,
    resources,
)
from schemas.spec import Serving, Taint

COMPONENT: Final = "serving"
INJECT: Final = "sidecar.istio.io/inject"
# The proxy starts before the containers that fetch the model: what they send is led to it from the first packet on.
PROXY_FIRST: Final = {"sidecar.istio.io/nativeSidecar": "true"}
PROXY_MERGES: Final = {"prometheus.istio.io/merge-metrics": "true"}
START_LIMIT_S: Final = 600
# Servers that fetch the model from a bucket by themselves put it beside their other temporary files.
SCRATCH: Final = {"sizeLimit": "256Mi"}


def selector(serving: Serving, home: Home) -> dict[str, str]:
    """The labels by which a group's pods are found, and no pod of a benchmark of its name; they never change."""
    return {NAME: serving.name, objects.COMPONENT: COMPONENT, PART_OF: home.stack}


def resources_of(plan: PodPlan) -> dict[str, Any]:
    """Requests and limits of every container of a group's pods, also of those that fetch the model."""
    return resources(cpu(plan.server_millicpus), plan.memory_mib, shared=not plan.exclusive)


def grace_s(serving: Serving) -> int:
    """The longest that a pod may take to end: it waits, finishes what was begun, and ends."""
    return DRAIN_DELAY_S + math.ceil(serving.drain_s) + END_S


def files_name(serving: Serving, server: Server) -> str:
    """The name of the ConfigMap with a server's files: it changes whenever they do, so that pods roll over."""
    text = json.dumps(dict(server.files), sort_keys=True)
    return f"{serving.name}-{sha256(text.encode()).hexdigest()[:8]}"


def template(serving: Serving, plan: PodPlan, access: ModelAccess, server: Server, home: Home) -> Manifest:
    """The pod template of a group, which says itself which one it is."""
    labels = home.labels(serving.name, COMPONENT)
    annotations = {
        INJECT: _mesh(serving),
        **(PROXY_FIRST if serving.mesh else {}),
        **_scraped(serving, server),
        **access.annotations,
        "inferstack/model": access.key,
    }
    spec = _spec(serving, plan, access, server, home)
    # What is not known before a model is made follows from its key, which is known.
    text = json.dumps([annotations, spec], sort_keys=True, default=lambda _: "")
    digest = sha256(text.encode()).hexdigest()[:12]
    return {
        "metadata": {
            "labels": {**labels, INJECT: _mesh(serving)},
            "annotations": {**annotations, TEMPLATE: digest},
        },
        "spec": spec,
    }


def version(template: Manifest) -> str:
    """Which template it is: another one as soon as anything in it changes."""
    return str(template["metadata"]["annotations"][TEMPLATE])


def _spec(serving: Serving, plan: PodPlan, access: ModelAccess, server: Server, home: Home) -> dict[str, Any]:
    return {
        "serviceAccountName": access.service_account or serving.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace_s(serving),
        **_priority(serving, home),
        **_nodes(serving, plan),
        **_spread(serving, plan, home),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": server.user,
            "runAsGroup": server.user,
            "fsGroup": server.user,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **_init(plan, access),
        "containers": [container(serving, plan, access, server)],
        "volumes": [*access.volumes, *_volumes(serving, access, server)],
    }


def container(serving: Serving, plan: PodPlan, access: ModelAccess, server: Server) -> dict[str, Any]:
    """The serving container."""
    env = {**server.env, **access.env, **(serving.env or {})}
    mounts = [*access.mounts, {"name": "scratch", "mountPath": "/tmp"}]
    if server.files:
        mounts.append({"name": "files", "mountPath": FILES, "readOnly": True})
    found: dict[str, Any] = {
        "name": server.container,
        "image": server.image,
        "command": list(server.command),
        "args": list(server.args),
        "env": [_variable(name, value) for name, value in sorted(env.items())],
        "envFrom": [dict(one) for one in access.env_from],
        "ports": [
            {"name": "http", "containerPort": server.rest_port},
            {"name": "grpc", "containerPort": server.grpc_port},
        ],
        "resources": resources_of(plan),
        "volumeMounts": mounts,
        **_probes(server),
        # The server itself would refuse connections at once: the pod waits until nobody sends any more.
        "lifecycle": {} if server.waits else {"preStop": {"sleep": {"seconds": DRAIN_DELAY_S}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {key: value for key, value in found.items() if value not in ([], {})}


def _variable(name: str, value: str) -> dict[str, str]:
    """A variable; an empty value is left out, as the API server leaves it out."""
    return {"name": name, **({"value": value} if value else {})}


def _mesh(serving: Serving) -> str:
    return "true" if serving.mesh else "false"


def _probes(server: Server) -> dict[str, Any]:
    """Started and ready: by the model. Alive: by the process, which may be slow under load, so patiently."""

    def asks(path: str) -> dict[str, Any]:
        return {"httpGet": {"path": path, "port": "http"}}

    return {
        "startupProbe": {**asks(server.ready), "periodSeconds": 1, "failureThreshold": START_LIMIT_S},
        "readinessProbe": {**asks(server.ready), "periodSeconds": 2, "timeoutSeconds": 2, "failureThreshold": 3},
        "livenessProbe": {**asks(server.live), "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6},
    }


def _init(plan: PodPlan, access: ModelAccess) -> dict[str, Any]:
    containers = [dict(one) for one in access.init_containers(resources_of(plan))]
    return {"initContainers": containers} if containers else {}


def _volumes(serving: Serving, access: ModelAccess, server: Server) -> list[dict[str, Any]]:
    scratch = {"name": "scratch", "emptyDir": {} if "://" in access.path else dict(SCRATCH)}
    if not server.files:
        return [scratch]
    return [scratch, {"name": "files", "configMap": {"name": files_name(serving, server)}}]


def _scraped(serving: Serving, server: Server) -> dict[str, str]:
    """Where the metrics are. A proxy overwrites it: it is told to have them too, whatever is usual in its mesh."""
    if not server.metrics:
        return {}
    return {
        **(PROXY_MERGES if serving.mesh else {}),
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(server.rest_port),
        "prometheus.io/path": server.metrics,
    }


def _priority(serving: Serving, home: Home) -> dict[str, Any]:
    name = priority_class(serving, home)
    return {"priorityClassName": name} if name else {}


def priority_class(serving: Serving, home: Home) -> str:
    """The priority class of a group's pods: one of its own for the number it gives, or the one it names, or none."""
    return (serving.priority_class or "") if serving.priority is None else f"{home.stack}-{serving.name}"


def _nodes(serving: Serving, plan: PodPlan) -> dict[str, Any]:
    """What brings pods to their nodes, and lets them onto those that are tainted for them."""
    pool = {"cloud.google.com/gke-nodepool": plan.pool.name} if plan.pool else {}
    labels = {**pool, **(serving.node_selector or {})}
    taints = (*(plan.pool.taints if plan.pool else ()), *serving.tolerations)
    found: dict[str, Any] = {}
    if labels:
        found["nodeSelector"] = labels
    if taints:
        found["tolerations"] = [_tolerates(taint) for taint in taints]
    return found


def _tolerates(taint: Taint) -> dict[str, str]:
    value = {"operator": "Equal", "value": taint.value} if taint.value else {"operator": "Exists"}
    return {"key": taint.key, **value, "effect": taint.effect}


def _spread(serving: Serving, plan: PodPlan, home: Home) -> dict[str, Any]:
    """Pods that fill a NUMA node each are spread evenly, strictly so; smaller ones are packed where they must be."""
    match serving.spread:
        case "none":
            keys: dict[str, str] = {}
        case "zone":
            keys = {"topology.kubernetes.io/zone": "DoNotSchedule", "kubernetes.io/hostname": "ScheduleAnyway"}
        case "node":
            keys = {"kubernetes.io/hostname": "DoNotSchedule"}
        case None:
            keys = {"kubernetes.io/hostname": "DoNotSchedule" if plan.alone else "ScheduleAnyway"}
    # Old and new pods are counted together: a new one then fits where an old one has just gone.
    constraints = [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": otherwise,
            "labelSelector": {"matchLabels": selector(serving, home)},
            "nodeTaintsPolicy": "Honor",
        }
        for key, otherwise in keys.items()
    ]
    return {"topologySpreadConstraints": constraints} if constraints else {}

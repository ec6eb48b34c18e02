"""Serving groups as SeldonDeployments of Seldon Core 1: one container behind Seldon's executor, or without it.

The graph is that one container, our own server or OVMS, and it is named after the model: where a request names no
model, the executor takes the name of the graph. None of Seldon's own servers is used, so none of its init containers,
which request less than they are limited to, takes the exclusive cores of a pod away. The executor is a container of the
same pod: it gets as much as it requests, which leaves the pod its cores, and what it gets is said beside every figure,
because it decides the figure.

Groups that a traffic split joins are predictors of one SeldonDeployment, and Seldon routes to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pulumi

from components.kubernetes.objects import Home, Manifest, declare
from components.kubernetes.quantity import cpu, memory
from components.models.access import ModelAccess
from components.serving.placement_pods import EXECUTOR_MEMORY_MIB, EXECUTOR_MILLICPUS, PodPlan, has_executor
from components.serving.pods import openvino, ovms, pod, workload
from components.serving.pods.autoscale import metrics
from components.serving.pods.disruption import budget
from components.serving.pods.monitor import monitor
from components.serving.pods.network_policy import Doors, network_policy
from components.serving.pods.server import DRAIN_DELAY_S, Server
from components.serving.pods.surroundings import Surroundings
from components.serving.served import Served
from schemas.spec import Protocol, Serving, Traffic

TYPE: Final = "inferstack:serving:Seldon"
# Where Seldon expects a model's server, and where its executor listens.
REST_PORT: Final = 9000
GRPC_PORT: Final = 9500
EXECUTOR_REST_PORT: Final = 8000
EXECUTOR_GRPC_PORT: Final = 5001
PREDICTOR: Final = "model"
# What Kubernetes 1.24 knows of a spread.
SPREAD: Final = ("maxSkew", "topologyKey", "whenUnsatisfiable", "labelSelector")


@dataclass(frozen=True)
class Part:
    """A group of a SeldonDeployment: one predictor."""

    serving: Serving
    plan: PodPlan
    access: ModelAccess


def serve(serving: Serving, plan: PodPlan, access: ModelAccess, home: Home, around: Surroundings) -> Served:
    """Declare a serving group as a SeldonDeployment of its own."""
    part = Part(serving, plan, access)
    manifest = deployment(workload.metadata(serving, home), [predictor(part, home, PREDICTOR)], serving.protocol)
    group = SeldonGroup(serving.name, [part], manifest, home, around)
    return _served(part, home, group.deployment)


def serve_together(traffic: Traffic, parts: Sequence[Part], home: Home, around: Surroundings) -> tuple[Served, ...]:
    """Declare the groups of a traffic split `via: platform` as one SeldonDeployment; what each is, in their order."""
    manifest = split(traffic, parts, home)
    group = SeldonGroup(traffic.name, parts, manifest, home, around)
    return tuple(_served(part, home, group.deployment) for part in parts)


class SeldonGroup(pulumi.ComponentResource):
    """One SeldonDeployment and what its groups need; `deployment` is there once their pods answer."""

    def __init__(self, name: str, parts: Sequence[Part], manifest: Manifest, home: Home, around: Surroundings) -> None:
        needs = [*home.needs, *(need for part in parts for need in part.access.needs)]
        super().__init__(TYPE, name, {}, pulumi.ResourceOptions(depends_on=needs))
        made = [
            declare(one, home, parent=self, name=part.serving.name if one["kind"] == "ConfigMap" else "")
            for part in parts
            for one in needed(part, home, around)
        ]
        self.deployment = declare(manifest, home, parent=self, needs=[*needs, *made])
        for part in parts:
            for one in after(part, home, around):
                declare(one, home, parent=self, needs=[self.deployment])
        self.register_outputs({})


def needed(part: Part, home: Home, around: Surroundings) -> list[Manifest]:
    """What the pods of a group need. Pure, as the following are."""
    server = server_of(part, home)
    found = (
        workload.priority_class(part.serving, home),
        None if part.access.service_account else workload.service_account(part.serving, home),
        workload.files(part.serving, server, home) if server.files else None,
        network_policy(part.serving, part.access, home, around, _doors(part.serving)),
    )
    return [one for one in found if one is not None]


def after(part: Part, home: Home, around: Surroundings) -> list[Manifest]:
    """What looks after the pods of a group."""
    found = (
        budget(part.serving, part.plan.replicas, home),
        monitor(part.serving, server_of(part, home), home, around),
    )
    return [one for one in found if one is not None]


def deployment(
    metadata: Mapping[str, Any], predictors: Sequence[Manifest], protocol: Protocol, annotations: Manifest | None = None
) -> Manifest:
    """A SeldonDeployment of these predictors, which all speak the same protocol."""
    spoken = {"v1": "tensorflow", "v2": "v2", "v2-binary": "v2", "grpc": "v2"}[protocol]
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {**metadata, "annotations": {"pulumi.com/waitFor": "jsonpath={.status.state}=Available"}},
        "spec": {
            "name": metadata["name"],
            "protocol": spoken,
            "transport": "grpc" if protocol == "grpc" else "rest",
            **({"annotations": dict(annotations)} if annotations else {}),
            "predictors": list(predictors),
        },
    }


def split(traffic: Traffic, parts: Sequence[Part], home: Home) -> Manifest:
    """The SeldonDeployment of a traffic split: each group a predictor with its share.

    It names its gateway itself: the one that Seldon's operator knows otherwise, nobody makes.
    """
    told = {
        "seldon.io/istio-host": next(iter(traffic.hostnames), ""),
        "seldon.io/istio-gateway": traffic.gateway or f"{home.namespace}/{traffic.name}",
    }
    metadata = {
        "name": traffic.name,
        "namespace": home.namespace,
        "labels": home.labels(traffic.name, "traffic"),
    }
    predictors = [
        {**predictor(part, home, part.serving.name), "traffic": traffic.split[part.serving.name]} for part in parts
    ]
    stated = {key: value for key, value in told.items() if value}
    return deployment(metadata, predictors, parts[0].serving.protocol, stated)


def predictor(part: Part, home: Home, name: str) -> dict[str, Any]:
    """A group as a predictor; its Service is named after the group."""
    template = template_of(part, home)
    component = {"metadata": dict(template["metadata"]), "spec": _as_seldon_knows(template["spec"])}
    found: dict[str, Any] = {
        "name": name,
        "annotations": {"seldon.io/svc-name": part.serving.name},
        "graph": {"name": part.access.name, "type": "MODEL", "children": []},
        "componentSpecs": [component],
    }
    if not has_executor(part.serving):
        found["annotations"]["seldon.io/no-engine"] = "true"
    else:
        # Requested in full: a share of a CPU beside whole ones leaves these to the pod.
        own = {"cpu": cpu(EXECUTOR_MILLICPUS), "memory": memory(EXECUTOR_MEMORY_MIB)}
        found["svcOrchSpec"] = {"resources": {"requests": own, "limits": own}}
    if part.serving.autoscale is None:
        found["replicas"] = part.plan.replicas
    else:
        component["hpaSpec"] = _hpa(part)
    return found


def template_of(part: Part, home: Home) -> Manifest:
    """The pod template of a group, before it is put as Seldon knows it."""
    return pod.template(part.serving, part.plan, part.access, server_of(part, home), home)


def server_of(part: Part, home: Home) -> Server:
    """The server inside, ours or OVMS, on the ports of a model."""
    make = ovms.server if part.serving.runtime == "ovms" else openvino.server
    found = make(part.serving, part.plan, part.access, home, rest_port=REST_PORT, grpc_port=GRPC_PORT)
    return replace(found, container=part.access.name)


def _hpa(part: Part) -> dict[str, Any]:
    scale = part.serving.autoscale
    assert scale is not None
    return {"minReplicas": scale.min, "maxReplicas": scale.max, "metricsv2": metrics(scale, part.plan)}


def _as_seldon_knows(spec: Manifest) -> dict[str, Any]:
    """A pod's spec in the terms of Kubernetes 1.24, which is what Seldon's schema and its operator know."""
    constraints = [
        {key: value for key, value in constraint.items() if key in SPREAD}
        for constraint in spec.get("topologySpreadConstraints", ())
    ]
    found = {**spec, "containers": [_container(one) for one in spec["containers"]]}
    return {**found, "topologySpreadConstraints": constraints} if constraints else found


def _container(container: Mapping[str, Any]) -> dict[str, Any]:
    """Without a hook of its own the operator would give it one, which takes longer than the pod's grace allows."""
    wait = ["sleep", str(DRAIN_DELAY_S)] if "lifecycle" in container else ["true"]
    return {**container, "lifecycle": {"preStop": {"exec": {"command": wait}}}}


def _doors(serving: Serving) -> Doors:
    """The ports that are called in a pod."""
    executor = (EXECUTOR_REST_PORT, EXECUTOR_GRPC_PORT) if has_executor(serving) else ()
    return Doors(requests=(REST_PORT, GRPC_PORT, *executor), metrics=REST_PORT)


def _served(part: Part, home: Home, ready: pulumi.Resource) -> Served:
    serving, plan = part.serving, part.plan
    direct = not has_executor(serving)
    return Served(
        group=serving.name,
        platform=serving.platform,
        protocol=serving.protocol,
        model=part.access.name,
        namespace=home.namespace,
        service=serving.name,
        rest_port=REST_PORT if direct else EXECUTOR_REST_PORT,
        grpc_port=GRPC_PORT if direct else EXECUTOR_GRPC_PORT,
        selector=pod.selector(serving, home),
        container=part.access.name,
        template=pod.version(template_of(part, home)),
        replicas=plan.replicas,
        cores=plan.cores,
        ready=ready,
        notes=notes(part),
        # The executor has one path for all protocols.
        health="" if direct else "/ready",
    )


def notes(part: Part) -> tuple[str, ...]:
    """What figures of a group depend on, and what to expect when it changes."""
    found = ["without Seldon's executor"]
    if has_executor(part.serving):
        found = [
            f"each request passes Seldon's executor, which may use {cpu(EXECUTOR_MILLICPUS)} of a CPU",
            "Seldon's executor refuses requests as soon as its pod is told to end",
        ]
    if not part.plan.surge:
        found.append("Seldon Core starts a new pod before it ends an old one: a change waits for room for one pod more")
    return tuple(found)

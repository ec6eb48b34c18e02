"""A serving group as an InferenceService of KServe, with a ServingRuntime of its own.

No chart of KServe's has a runtime for OpenVINO. Ours is no ClusterServingRuntime: that would need rights on the whole
cluster, and stacks that share it would change it under each other. It is of the group's namespace and named by its
content: a changed runtime is another one, which the InferenceService names, so that a change is one rollout.

The model comes by the same volumes and init containers as everywhere, never by `storageUri`: KServe's own initializer
requests less than it is limited to, which takes the exclusive cores of the whole pod away. In standard mode the number
of pods is fixed, or left to an autoscaler of ours: KServe's ignores average values of CPU.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

import pulumi

from components.kubernetes.objects import Home, Manifest, declare
from components.models.access import ModelAccess
from components.serving.placement_pods import PodPlan
from components.serving.pods import openvino, ovms, pod, workload
from components.serving.pods.autoscale import autoscaler
from components.serving.pods.disruption import budget
from components.serving.pods.monitor import monitor
from components.serving.pods.network_policy import Doors, network_policy
from components.serving.pods.server import GRPC_PORT, REST_PORT, Server
from components.serving.pods.surroundings import Surroundings
from components.serving.served import Served
from schemas.rules.serving import protocols_of
from schemas.spec import Autoscale, Protocol, Serving

TYPE: Final = "inferstack:serving:Kserve"
CONTAINER: Final = "kserve-container"
# Of Knative: how long fewer pods must have been enough before one goes.
SCALE_DOWN: Final = "autoscaling.knative.dev/scale-down-delay"
SERVICE_PORT: Final = 80
# In a pod of Knative's its proxy takes the requests. Knative's own pods hold requests back until there is a pod, ask
# whether it is ready, and count: https://github.com/knative/serving/blob/main/pkg/networking/constants.go
KNATIVE: Final = "knative-serving"
PROXY_PORT: Final = 8012
KNATIVE_PORTS: Final = (PROXY_PORT, 8112, 8022, 9090, 9091)
FORMAT: Final = "openvino"
PROTOCOLS: Final[Mapping[Protocol, str]] = {"v1": "v1", "v2": "v2", "v2-binary": "v2", "grpc": "grpc-v2"}
MODE: Final = "serving.kserve.io/deploymentMode"
SCALER: Final = "serving.kserve.io/autoscalerClass"
# What of a container is the group's own; all else is the runtime's.
OF_THE_GROUP: Final = ("args", "env", "envFrom", "resources", "volumeMounts")


def serve(serving: Serving, plan: PodPlan, access: ModelAccess, home: Home, around: Surroundings) -> Served:
    """Declare a serving group as an InferenceService."""
    knative = serving.mode == "knative"
    group = KserveGroup(serving, plan, access, home, around)
    return Served(
        group=serving.name,
        platform=serving.platform,
        protocol=serving.protocol,
        model=access.name,
        namespace=home.namespace,
        service=predictor_name(serving),
        rest_port=SERVICE_PORT,
        grpc_port=None if knative else GRPC_PORT,
        selector=pod.selector(serving, home),
        container=CONTAINER,
        # A canary of Knative's shares its requests with pods of before.
        template="" if serving.canary else pod.version(_template(serving, plan, access, home)),
        replicas=plan.replicas,
        cores=plan.cores,
        ready=group.inference_service,
        notes=("Knative's queue-proxy stands before each pod and shares its CPUs",) if knative else (),
    )


class KserveGroup(pulumi.ComponentResource):
    """A group behind KServe; `inference_service` is there once it is ready."""

    def __init__(self, serving: Serving, plan: PodPlan, access: ModelAccess, home: Home, around: Surroundings) -> None:
        super().__init__(TYPE, serving.name, {}, pulumi.ResourceOptions(depends_on=[*home.needs, *access.needs]))
        first, service, after = objects(serving, plan, access, home, around)
        made = [declare(one, home, parent=self, name=_resource_name(serving, one)) for one in first]
        self.inference_service = declare(
            service,
            home,
            parent=self,
            needs=[*access.needs, *made],
            # KServe refuses to change the mode of what is there.
            replace_on_changes=[f'metadata.annotations["{MODE}"]'],
            delete_before_replace=True,
        )
        for one in after:
            declare(one, home, parent=self, needs=[self.inference_service])
        self.register_outputs({})


def objects(
    serving: Serving, plan: PodPlan, access: ModelAccess, home: Home, around: Surroundings
) -> tuple[Sequence[Manifest], Manifest, Sequence[Manifest]]:
    """What a group's pods need, the InferenceService, and what looks after it. Pure."""
    server = server_of(serving, plan, access, home)
    knative = serving.mode == "knative"
    doors = Doors(requests=(PROXY_PORT,), platform={KNATIVE: KNATIVE_PORTS}) if knative else Doors()
    needed = (
        workload.priority_class(serving, home),
        None if access.service_account else workload.service_account(serving, home),
        workload.files(serving, server, home) if server.files else None,
        network_policy(serving, access, home, around, doors),
        runtime(serving, plan, access, server, home),
    )
    after = (
        budget(serving, plan.replicas, home),
        None if knative else autoscaler(serving, plan, home, around, target=predictor_name(serving)),
        monitor(serving, server, home, around, port="user-port" if knative else "http"),
    )
    return (
        [one for one in needed if one is not None],
        inference_service(serving, plan, access, server, home),
        [one for one in after if one is not None],
    )


def _template(serving: Serving, plan: PodPlan, access: ModelAccess, home: Home) -> Manifest:
    return pod.template(serving, plan, access, server_of(serving, plan, access, home), home)


def server_of(serving: Serving, plan: PodPlan, access: ModelAccess, home: Home) -> Server:
    """The server inside: ours, or OVMS."""
    make = ovms.server if serving.runtime == "ovms" else openvino.server
    return replace(make(serving, plan, access, home), container=CONTAINER)


def predictor_name(serving: Serving) -> str:
    """What KServe calls the group's Deployment and Service."""
    return f"{serving.name}-predictor"


def runtime(serving: Serving, plan: PodPlan, access: ModelAccess, server: Server, home: Home) -> Manifest:
    """The ServingRuntime: the server, whatever the content of its model."""
    container = pod.container(serving, plan, access, server)
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ServingRuntime",
        "metadata": workload.metadata(serving, home, runtime_name(serving, container)),
        "spec": {
            "supportedModelFormats": [{"name": FORMAT, "version": "1", "autoSelect": False}],
            "protocolVersions": sorted({PROTOCOLS[protocol] for protocol in protocols_of(serving)}),
            "multiModel": False,
            "containers": [_of_the_runtime(serving, container)],
        },
    }


def runtime_name(serving: Serving, container: Mapping[str, Any]) -> str:
    """The runtime's name: it changes whenever its content does."""
    text = json.dumps(_of_the_runtime(serving, container), sort_keys=True)
    return f"{serving.name}-{sha256(text.encode()).hexdigest()[:8]}"


def inference_service(serving: Serving, plan: PodPlan, access: ModelAccess, server: Server, home: Home) -> Manifest:
    """The InferenceService: the group's pods and what is its own of their container."""
    template = pod.template(serving, plan, access, server, home)
    container = template["spec"]["containers"][0]
    spec = {key: value for key, value in template["spec"].items() if key != "containers"}
    if serving.mode == "knative":
        spec = _as_knative_takes(spec)
    metadata = workload.metadata(serving, home)
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            **metadata,
            "annotations": {**_class(serving), "pulumi.com/waitFor": json.dumps(ready(serving, plan))},
        },
        "spec": {
            "predictor": {
                **spec,
                **_replicas(serving, plan),
                "labels": dict(template["metadata"]["labels"]),
                "annotations": {**template["metadata"]["annotations"], **_delay(serving)},
                "model": {
                    "modelFormat": {"name": FORMAT, "version": "1"},
                    "protocolVersion": PROTOCOLS[serving.protocol],
                    "runtime": runtime_name(serving, container),
                    # Without any word on storage KServe takes the server for one of many models, and puts an agent
                    # beside it that shares the pod's CPUs.
                    "storage": {},
                    **{key: container[key] for key in OF_THE_GROUP if key in container},
                },
            }
        },
    }


def ready(serving: Serving, plan: PodPlan) -> list[str]:
    """What holds once the group serves.

    KServe calls a group ready whose Deployment is available, and a single pod that is replaced in place may be missing:
    so its pods are counted too, where their number is fixed.
    """
    counted = f"jsonpath={{.status.modelStatus.copies.totalCopies}}={plan.replicas}"
    return ["condition=Ready", *([] if serving.autoscale or serving.mode == "knative" else [counted])]


def _of_the_runtime(serving: Serving, container: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in container.items() if key not in OF_THE_GROUP}
    if serving.mode == "knative":
        # Knative opens one port, names it after what is spoken there, and tells pods to stop in its own way.
        kept.pop("lifecycle", None)
        kept["ports"] = [{"name": "http1", "containerPort": REST_PORT}]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            kept[probe] = {**kept[probe], "httpGet": {**kept[probe]["httpGet"], "port": REST_PORT}}
    return kept


def _as_knative_takes(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A pod's spec without what Knative refuses: it ends pods in its own way."""
    kept = {key: value for key, value in spec.items() if key != "terminationGracePeriodSeconds"}
    security = {key: value for key, value in spec["securityContext"].items() if key != "fsGroupChangePolicy"}
    return {**kept, "securityContext": security}


def _class(serving: Serving) -> dict[str, str]:
    if serving.mode == "knative":
        return {MODE: "Knative"}
    return {MODE: "Standard", SCALER: "external" if serving.autoscale else "none"}


def _replicas(serving: Serving, plan: PodPlan) -> dict[str, Any]:
    """How many pods there are, and how they are replaced."""
    if serving.mode != "knative":
        return {"minReplicas": plan.replicas, "deploymentStrategy": workload.strategy(plan)}
    canary = {} if serving.canary is None else {"canaryTrafficPercent": serving.canary}
    if serving.autoscale is None:
        return {"minReplicas": plan.replicas, "maxReplicas": plan.replicas, **canary}
    return {**_by_requests(serving.autoscale), **canary}


def _delay(serving: Serving) -> dict[str, str]:
    scale = serving.autoscale
    if serving.mode != "knative" or scale is None or scale.stabilization_s is None:
        return {}
    return {SCALE_DOWN: f"{int(scale.stabilization_s)}s"}


def _by_requests(scale: Autoscale) -> dict[str, Any]:
    target = {} if scale.average is None else {"scaleMetric": "rps", "scaleTarget": int(scale.average)}
    return {"minReplicas": scale.min, "maxReplicas": scale.max, **target}


def _resource_name(serving: Serving, manifest: Manifest) -> str:
    """Files and runtimes of other content are the same resource, replaced: the new one is made first."""
    return serving.name if manifest["kind"] in ("ConfigMap", "ServingRuntime") else ""

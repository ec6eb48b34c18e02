"""A serving group on a cluster as a component: what its platform makes of it, and what everybody else needs to know.

The platforms that are plain Deployments differ in one container only, so they share all the rest; KServe and Seldon
Core make their pods by controllers of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

import pulumi

from components.kubernetes.objects import Home, Manifest, declare
from components.models.access import ModelAccess
from components.serving.placement_pods import PodPlan
from components.serving.pods import kserve, mlserver, openvino, ovms, seldon, workload
from components.serving.pods.autoscale import autoscaler
from components.serving.pods.disruption import budget
from components.serving.pods.monitor import monitor
from components.serving.pods.network_policy import network_policy
from components.serving.pods.pod import selector, template, version
from components.serving.pods.server import GRPC_PORT, REST_PORT, Server
from components.serving.pods.surroundings import Surroundings
from components.serving.served import Served
from schemas.spec import Serving

TYPE: Final = "inferstack:serving:Pods"


def serve(serving: Serving, plan: PodPlan, access: ModelAccess, home: Home, around: Surroundings) -> Served:
    """Declare a serving group on a cluster."""
    match serving.platform:
        case "openvino":
            return _deployed(serving, plan, access, openvino.server(serving, plan, access, home), home, around)
        case "ovms":
            return _deployed(serving, plan, access, ovms.server(serving, plan, access, home), home, around)
        case "mlserver":
            return _deployed(serving, plan, access, mlserver.server(serving, plan, access, home), home, around)
        case "kserve":
            return kserve.serve(serving, plan, access, home, around)
        case "seldon":
            return seldon.serve(serving, plan, access, home, around)
        case _:
            assert_never(serving.platform)


class PodGroup(pulumi.ComponentResource):
    """A group of equal pods behind a Service; `deployment` is there once they answer."""

    def __init__(
        self,
        serving: Serving,
        plan: PodPlan,
        access: ModelAccess,
        server: Server,
        home: Home,
        around: Surroundings,
    ) -> None:
        super().__init__(TYPE, serving.name, {}, pulumi.ResourceOptions(depends_on=[*home.needs, *access.needs]))
        first, deployment, after = objects(serving, plan, access, server, home, around)
        made = [declare(one, home, parent=self, name=_resource_name(serving, one)) for one in first]
        self.deployment = declare(deployment, home, parent=self, needs=[*access.needs, *made])
        for one in after:
            declare(one, home, parent=self, needs=[self.deployment])
        self.register_outputs({})


def objects(
    serving: Serving, plan: PodPlan, access: ModelAccess, server: Server, home: Home, around: Surroundings
) -> tuple[Sequence[Manifest], Manifest, Sequence[Manifest]]:
    """What a group's pods need, the Deployment, and what looks after it. Pure."""
    needed = (
        workload.priority_class(serving, home),
        None if access.service_account else workload.service_account(serving, home),
        workload.files(serving, server, home) if server.files else None,
        network_policy(serving, access, home, around),
        workload.service(serving, home),
    )
    after = (
        budget(serving, plan.replicas, home),
        autoscaler(serving, plan, home, around),
        monitor(serving, server, home, around),
    )
    return (
        [one for one in needed if one is not None],
        workload.deployment(serving, plan, access, server, home),
        [one for one in after if one is not None],
    )


def _resource_name(serving: Serving, manifest: Manifest) -> str:
    """Files of other content are the same resource, replaced: the new ConfigMap is made before the old one goes."""
    return serving.name if manifest["kind"] == "ConfigMap" else ""


def _deployed(
    serving: Serving, plan: PodPlan, access: ModelAccess, server: Server, home: Home, around: Surroundings
) -> Served:
    group = PodGroup(serving, plan, access, server, home, around)
    return Served(
        group=serving.name,
        platform=serving.platform,
        protocol=serving.protocol,
        model=access.name,
        namespace=home.namespace,
        service=serving.name,
        rest_port=serving.port or REST_PORT,
        grpc_port=serving.grpc_port or GRPC_PORT,
        selector=selector(serving, home),
        container=server.container,
        template=version(template(serving, plan, access, server, home)),
        replicas=plan.replicas,
        cores=plan.cores,
        ready=group.deployment,
    )

"""Groups, plans and models for tests of pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from components.cluster.nodes import ClusterFacts, Kubelet, Node
from components.kubernetes.objects import Home
from components.models.access import ModelAccess
from components.serving.placement_nodes import plan_pods_anywhere
from components.serving.placement_pods import PodPlan
from components.serving.pods import mlserver, openvino, ovms
from components.serving.pods.group import objects
from components.serving.pods.server import Server
from components.serving.pods.surroundings import Surroundings
from schemas.spec import Instances, Serving

ONE_CORE = Instances(count=1, cores=1)
STATIC = Kubelet("static", "single-numa-node", "container", "None", True)


def a_home(**fields: Any) -> Home:
    """A place for objects that are never declared, so that it needs no provider."""
    basics = {"stack": "demo", "namespace": "team-a", "provider": cast(Any, None), "image": "registry/inferstack:1"}
    return Home(**{**basics, **fields})


def a_group(**fields: Any) -> Serving:
    return Serving(**{"name": "digits", "model": "digits", "at": "serving.digits", "instances": ONE_CORE, **fields})


def a_node(**fields: Any) -> Node:
    basics = {"name": "node-1", "cpus": 8, "free_millicpus": 7500, "free_memory_mib": 30_000, "kubelet": STATIC}
    return Node(**{**basics, **fields})


def some_facts(*nodes: Node) -> ClusterFacts:
    return ClusterFacts(version="v1.34.4", nodes=nodes or (a_node(),))


def a_plan(serving: Serving, *nodes: Node) -> PodPlan:
    return plan_pods_anywhere(serving, None, some_facts(*nodes))


def an_access(**fields: Any) -> ModelAccess:
    """A model that an init container fetches."""

    def fetch(resources: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
        return ({"name": "model", "image": "registry/inferstack:1", "resources": resources},)

    basics = {
        "name": "digits",
        "key": "0123abcd",
        "path": "/models/0123abcd/digits",
        "volumes": ({"name": "models", "emptyDir": {}},),
        "mounts": ({"name": "models", "mountPath": "/models", "readOnly": True},),
        "init_containers": fetch,
        "uri": "s3://models/0123abcd/digits",
    }
    return ModelAccess(**{**basics, **fields})


def a_server(serving: Serving, plan: PodPlan, access: ModelAccess, home: Home) -> Server:
    """The container of the group's platform, of those that are plain Deployments."""
    module = {"openvino": openvino, "ovms": ovms, "mlserver": mlserver}[serving.platform]
    return cast(Any, module).server(serving, plan, access, home)


def manifests(serving: Serving, around: Surroundings | None = None, **parts: Any) -> list[Mapping[str, Any]]:
    """Everything that is declared for a group; `parts` may name its plan, access and home."""
    plan = parts.get("plan") or a_plan(serving)
    access, home = parts.get("access") or an_access(), parts.get("home") or a_home()
    server = a_server(serving, plan, access, home)
    first, deployment, after = objects(serving, plan, access, server, home, around or Surroundings())
    return [*first, deployment, *after]


def only(found: list[Mapping[str, Any]], kind: str) -> Any:
    """The one object of a kind."""
    (one,) = [manifest for manifest in found if manifest["kind"] == kind]
    return one


def pod_of(serving: Serving, **parts: Any) -> Any:
    """The pod template of a group."""
    return only(manifests(serving, **parts), "Deployment")["spec"]["template"]


def container_of(serving: Serving, **parts: Any) -> Any:
    """The serving container of a group's pods."""
    (one,) = pod_of(serving, **parts)["spec"]["containers"]
    return one

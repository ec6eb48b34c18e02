"""The objects of one measurement: a Job, the ConfigMaps that it reads, and for Locust a Job of workers. Pure.

The Job owns the others, so that whoever deletes it, also its own time-out after a kill of this program, leaves nothing.
All containers of a pod state the same resources, whole CPUs in requests and limits alike: so the pod is Guaranteed and
the kubelet gives it cores of its own where it has the static CPU manager. Nothing is injected into it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.benchmarks.load.arguments import Arguments
from components.benchmarks.load.pod import NODE
from components.benchmarks.on_cluster.place import Place, as_manifest
from components.benchmarks.tools import locust
from components.benchmarks.tools.tool import TOOLS, Command
from components.kubernetes.objects import Manifest

WORK: Final = "/work"
ORDER: Final = "/order"
USER: Final = 65532
MEMORY: Final = "1Gi"
KEPT_S: Final = 3600
"""How long a Job stays whose program was killed and never came back."""

PART_BYTES: Final = 900 * 1024
"""Of the data set in one ConfigMap, which holds 1 MiB in all."""

MOST_PARTS: Final = 10
NOT_EVICTED: Final[Mapping[str, str]] = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
NO_SIDECAR: Final[Mapping[str, str]] = {"sidecar.istio.io/inject": "false"}
ENTRYPOINTS: Final = frozenset({"ghz"})
"""Tools whose image has the program as its entry point, at a path of its own."""


def job(
    name: str, place: Place, arguments: Arguments, *, parts: int, avoid: Mapping[str, str], deadline_s: float
) -> Manifest:
    """The Job of one measurement.

    Args:
        parts: how many ConfigMaps the data set takes.
        avoid: labels of the target's pods, whose nodes are left alone where there are others.
    """
    phases = _phases(place, arguments)
    spec = {
        **_pod(name, place, parts, avoid),
        "initContainers": phases[:-1],
        "containers": phases[-1:],
    }
    return _job(name, place, spec, deadline_s=deadline_s, count=1)


def workers_job(name: str, place: Place, *, parts: int, owner: Mapping[str, Any], steered_by: str) -> Manifest:
    """The Job of Locust's workers, steered by the pod with this address; it ends when that does."""
    spec = {
        **_pod(name, place, parts, {}),
        "initContainers": [_phase("prepare", place)],
        "containers": [_tool_container("users", place, locust.worker(WORK, steered_by))],
    }
    made = _job(users_of(name), place, spec, deadline_s=None, count=place.workers)
    return {**made, "metadata": {**made["metadata"], "ownerReferences": [owner]}}


def config_maps(name: str, place: Place, order: str, data: bytes, owner: Mapping[str, Any]) -> tuple[Manifest, ...]:
    """The order, and the data set in as many parts as it takes."""
    contents = [{"data": {"order.json": order}}]
    contents += [
        {"binaryData": {_part(number): base64.b64encode(piece).decode()}} for number, piece in enumerate(pieces(data))
    ]
    return tuple(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {**_metadata(_map(name, number), place), "ownerReferences": [owner]},
            "immutable": True,
            **content,
        }
        for number, content in enumerate(contents)
    )


def pieces(data: bytes) -> tuple[bytes, ...]:
    """The data set cut into what fits a ConfigMap each."""
    return tuple(data[at : at + PART_BYTES] for at in range(0, len(data), PART_BYTES))


def part_paths(parts: int) -> tuple[str, ...]:
    """Where the parts of the data set are in a pod."""
    return tuple(f"{ORDER}/{_part(number)}" for number in range(parts))


def users_of(name: str) -> str:
    """The name of the Job of workers beside a Job."""
    return f"{name}-users"


def owner_of(job: Mapping[str, Any]) -> dict[str, Any]:
    """The reference that makes a Job, as the cluster knows it, the owner of an object."""
    metadata = job["metadata"]
    return {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}


def selector(labels: Mapping[str, str]) -> str:
    """Labels as a selector in a request."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _phases(place: Place, arguments: Arguments) -> list[dict[str, Any]]:
    """The containers in their order: the last one is the pod's own, those before it its init containers."""
    if arguments.tool == "builtin":
        return [_phase("measure", place)]
    commands: Sequence[Command] = TOOLS[arguments.tool].commands(arguments, WORK, b"")
    if arguments.tool == "locust" and place.workers:
        commands = (locust.master(arguments, WORK, place.workers),)
    tools = [
        _tool_container(f"{arguments.tool}-{number}", place, command, bare=arguments.tool in ENTRYPOINTS)
        for number, command in enumerate(commands, 1)
    ]
    return [_phase("prepare", place), *tools, _phase("collect", place)]


def _phase(phase: str, place: Place) -> dict[str, Any]:
    words = ["python", "-m", "components.benchmarks.load.pod", phase, f"{ORDER}/order.json"]
    return {"name": phase, "image": place.image, "command": words, **_common(place)}


def _tool_container(name: str, place: Place, command: Command, *, bare: bool = False) -> dict[str, Any]:
    words = {"args": list(command[1:])} if bare else {"command": list(command)}
    return {"name": name, "image": place.tool_image, **words, **_common(place)}


def _common(place: Place) -> dict[str, Any]:
    own = {"memory": MEMORY, **({"cpu": str(place.cores)} if place.cores else {})}
    return {
        "workingDir": WORK,
        "env": [
            {"name": NODE, "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "HOME", "value": WORK},
            {"name": "TMPDIR", "value": WORK},
        ],
        "resources": {"requests": own, "limits": dict(own)},
        "volumeMounts": [
            {"name": "work", "mountPath": WORK},
            {"name": "order", "mountPath": ORDER, "readOnly": True},
        ],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        # Why a container failed is then told with its exit code.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _pod(name: str, place: Place, parts: int, avoid: Mapping[str, str]) -> dict[str, Any]:
    sources = [{"configMap": {"name": _map(name, number)}} for number in range(parts + 1)]
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **({"nodeSelector": dict(place.node_selector)} if place.node_selector else {}),
        "tolerations": [as_manifest(toleration) for toleration in place.tolerations],
        **({"affinity": _away_from(avoid)} if avoid else {}),
        "volumes": [
            {"name": "work", "emptyDir": {"sizeLimit": "2Gi"}},
            {"name": "order", "projected": {"sources": sources}},
        ],
    }


def _away_from(labels: Mapping[str, str]) -> dict[str, Any]:
    """A wish, no demand: on a cluster of one node there is nowhere else to go."""
    term = {"labelSelector": {"matchLabels": dict(labels)}, "topologyKey": "kubernetes.io/hostname"}
    wish = {"weight": 100, "podAffinityTerm": term}
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [wish]}}


def _job(name: str, place: Place, pod: Mapping[str, Any], *, deadline_s: float | None, count: int) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {**place.labels, **NO_SIDECAR}, "annotations": {**NOT_EVICTED, **NO_SIDECAR}},
        "spec": pod,
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(name, place),
        "spec": {
            # A measurement that failed is not repeated in silence.
            "backoffLimit": 0,
            "completions": count,
            "parallelism": count,
            "ttlSecondsAfterFinished": KEPT_S,
            **({"activeDeadlineSeconds": round(deadline_s)} if deadline_s is not None else {}),
            "template": template,
        },
    }


def _metadata(name: str, place: Place) -> dict[str, Any]:
    return {"name": name, "namespace": place.namespace, "labels": dict(place.labels)}


def _map(name: str, number: int) -> str:
    """The ConfigMap of the order, and those of the data set after it."""
    return f"{name}-order" if number == 0 else f"{name}-data-{number}"


def _part(number: int) -> str:
    return f"data-{number:02}"

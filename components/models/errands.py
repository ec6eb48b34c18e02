"""The pods that run a model's errands (`pod.py`): init containers of serving pods, and Jobs. Pure manifests.

They keep the `restricted` pod security standard, have no token, and write only to the volumes they are given.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from components import codec
from components.kubernetes.objects import Home, Manifest
from components.kubernetes.quantity import memory
from components.models.order import JOB_LEAST_MIB, JOB_MILLICPUS, JOB_MOST_MIB, Order
from components.models.shelf import FOLDER, NAME, Shelf
from schemas.spec import Cluster, GkeCluster

Errand = Literal["fetch", "check", "convert", "receive"]

USER: Final = 65532
WORK: Final = "/work"
DATA: Final = "/data"
COMPONENT: Final = "conversion"
# It only writes what it is sent.
RECEIVES_MIB: Final = 1024
OUR_ERRORS: Final = (1, 3, 4)
"""Exit codes of errors that another attempt would meet as well."""

RECEIVES_S: Final = 1800
"""How long a pod waits for a model that is sent to it; it ends by itself if the sender was killed."""

VOLUME: Final = "inferstack/volume"
NO_SIDECAR: Final[Mapping[str, str]] = {"sidecar.istio.io/inject": "false"}


def tolerations_of(cluster: Cluster) -> tuple[Mapping[str, Any], ...]:
    """What lets Jobs onto the nodes of a cluster whose pools are all tainted for something else."""
    pools = cluster.node_pools if isinstance(cluster, GkeCluster) else ()
    taints = sorted({(taint.key, taint.effect) for pool in pools for taint in pool.taints})
    return tuple({"key": key, "operator": "Exists", "effect": effect} for key, effect in taints)


def order_text(order: Order) -> str:
    """An order as a pod is given it."""
    return json.dumps(codec.encode(order), sort_keys=True)


def resources(most_mib: int = JOB_MOST_MIB) -> dict[str, Any]:
    """What a Job's container requests and may use; a quota may leave less memory than is usual.

    No limit of CPU: a conversion takes what is free, and never asks for cores of its own.
    """
    return {
        "requests": {"cpu": f"{JOB_MILLICPUS}m", "memory": memory(min(JOB_LEAST_MIB, most_mib))},
        "limits": {"memory": memory(most_mib)},
    }


def container(
    errand: Errand, order: Any, *, image: str, shelf: Shelf, mounts: Sequence[Mapping[str, Any]],
    resources: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """A container that runs an errand; `order` is the text of the order, perhaps not known yet."""
    made = {
        "name": errand,
        "image": image,
        "command": ["python", "-m", "components.models.pod", errand],
        "args": [order],
        "resources": dict(resources),
        "volumeMounts": list(mounts),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return made | ({"envFrom": [dict(one) for one in shelf.env_from]} if shelf.env_from else {})


def mounted(*, read_only: bool) -> dict[str, Any]:
    """The mount of the volume with models."""
    return {"name": NAME, "mountPath": FOLDER, **({"readOnly": True} if read_only else {})}


def convert_job(
    name: str,
    order: str,
    home: Home,
    shelf: Shelf,
    *,
    data: str = "",
    tolerations: Sequence[Mapping[str, Any]] = (),
    most_mib: int = JOB_MOST_MIB,
) -> Manifest:
    """The Job that makes a model, with so much memory; `data` names a ConfigMap with its data sets."""
    mounts = _mounts(shelf)
    volumes = _volumes(shelf)
    if data:
        mounts.append({"name": "data", "mountPath": DATA, "readOnly": True})
        volumes.append({"name": "data", "configMap": {"name": data}})
    made = container("convert", order, image=home.image, shelf=shelf, mounts=mounts, resources=resources(most_mib))
    rules = [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": list(OUR_ERRORS)}}]
    more = {"backoffLimit": 3, "podFailurePolicy": {"rules": rules}}
    return _job(name, made, volumes, home, shelf, tolerations, more)


def receive_job(
    name: str,
    home: Home,
    shelf: Shelf,
    *,
    tolerations: Sequence[Mapping[str, Any]] = (),
    most_mib: int = JOB_MOST_MIB,
) -> Manifest:
    """The Job whose pod waits for a model to be sent to it by `exec`; it deletes itself when it is over."""
    own = resources(min(RECEIVES_MIB, most_mib))
    made = {
        **container("receive", "", image=home.image, shelf=shelf, mounts=_mounts(shelf), resources=own),
        "command": ["sleep"],
        "args": [str(RECEIVES_S)],
    }
    more = {"backoffLimit": 0, "activeDeadlineSeconds": RECEIVES_S, "ttlSecondsAfterFinished": 60}
    return _job(name, made, _volumes(shelf), home, shelf, tolerations, more)


def data_map(name: str, files: Mapping[str, str], home: Home) -> Manifest:
    """The ConfigMap with a Job's data sets, as base64 by file name."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": home.namespace, "labels": home.labels(name, COMPONENT)},
        "immutable": True,
        "binaryData": dict(files),
    }


def _mounts(shelf: Shelf) -> list[dict[str, Any]]:
    writable = [mounted(read_only=False)] if shelf.writable else []
    return [*writable, {"name": "work", "mountPath": WORK}, {"name": "tmp", "mountPath": "/tmp"}]


def _volumes(shelf: Shelf) -> list[dict[str, Any]]:
    writable = [dict(shelf.writable)] if shelf.writable else []
    return [*writable, {"name": "work", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]


def _job(
    name: str, made: Mapping[str, Any], volumes: Sequence[Mapping[str, Any]], home: Home, shelf: Shelf,
    tolerations: Sequence[Mapping[str, Any]], more: Mapping[str, Any],
) -> Manifest:  # fmt: skip
    labels = home.labels(name, COMPONENT)
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": True, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [made],
        "volumes": list(volumes),
        **({"serviceAccountName": shelf.service_account} if shelf.service_account else {}),
        **({"tolerations": [dict(one) for one in tolerations]} if tolerations else {}),
    }  # fmt: skip
    # A new, empty volume makes a new Job: the model must be put there again.
    annotations = {**NO_SIDECAR, **({VOLUME: shelf.made} if shelf.made else {})}
    template = {"metadata": {"labels": {**labels, **NO_SIDECAR}, "annotations": annotations}, "spec": pod}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": home.namespace, "labels": labels},
        "spec": {"template": template, **more},
    }

"""How a pod gets a model: what it mounts, what runs before it, what must have been done first.

Whatever the store is, a serving container reads `path/1/model.xml` from a folder of its own file system, and the files
there have been checked against their digest before it starts. The folder's name holds a key that changes with the
model, so a changed model is a changed pod and rolls over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

Container = Mapping[str, Any]


@dataclass(frozen=True)
class ModelAccess:
    """One model as pods get it.

    Attributes:
        name: the model's name, also for clients.
        key: changes whenever the model's content does.
        path: folder inside the container that holds `1/model.xml`, as OVMS reads it.
        volumes: volumes of the pod.
        mounts: mounts of the serving container.
        init_containers: the containers that fetch and check the model, given the resources (requests = limits) that
            every container of a pinned pod must state.
        needs: resources that come first: the store, the conversion, the upload.
        uri: the store's own address of the folder (`pvc://`, `s3://`, `gs://`), for platforms that fetch by themselves.
        digest: SHA-256 of `model.xml` and `model.bin`, where it is known before the pod starts.
        service_account: the service account that may read the store; None where pods need no identity.
        annotations: what pods must say to get the volumes.
        host: where the store is, and `ports`, its TCP ports, where init containers or servers fetch the model from it.
        env: what a server that fetches the model by itself must know of the store, besides what the spec says.
        env_from: where its credentials come from.
    """

    name: str
    key: str
    path: str
    volumes: tuple[Mapping[str, Any], ...]
    mounts: tuple[Mapping[str, Any], ...]
    init_containers: Callable[[Mapping[str, Any]], tuple[Container, ...]]
    needs: tuple[pulumi.Resource, ...] = ()
    uri: str = ""
    digest: pulumi.Input[str] | None = None
    service_account: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    host: str = ""
    ports: tuple[int, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    env_from: tuple[Mapping[str, Any], ...] = ()

"""The few requests that a benchmark makes of a cluster, as plain JSON objects; what it refuses is a clear error.

Access is read from the kubeconfig for each benchmark anew and kept nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Protocol

from components.benchmarks.on_cluster.manifests import selector
from components.kubernetes.client import asking, connect
from schemas.errors import PreflightError

Object = Mapping[str, Any]

TIMEOUT_S: Final = 30.0
LOG_TAIL_BYTES: Final = 16 * 2**20


class Cluster(Protocol):
    """A namespace of a cluster, as a benchmark sees it."""

    def create_job(self, manifest: Object) -> Object:
        """Make a Job; the object as the cluster has it."""

    def create_config_map(self, manifest: Object) -> None:
        """Make a ConfigMap."""

    def job(self, name: str) -> Object | None:
        """A Job as it is now; None when there is none."""

    def jobs(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """The names of Jobs with these labels."""

    def pods(self, labels: Mapping[str, str]) -> tuple[Object, ...]:
        """The pods with these labels, by name."""

    def events(self, kind: str, name: str) -> tuple[Object, ...]:
        """What was said about an object, oldest first."""

    def node(self, name: str) -> Object | None:
        """A node; None when there is none, or nothing may be known of it."""

    def log(self, pod: str, container: str) -> str:
        """What a container wrote; empty when it never began."""

    def delete_job(self, name: str) -> None:
        """Delete a Job with all that it owns; nothing when there is none."""


class KubernetesCluster:
    """A `Cluster` by way of the official client."""

    def __init__(self, kubeconfig: str, context: str, namespace: str) -> None:
        """
        Args:
            kubeconfig: a path, or the text of a kubeconfig; empty for the usual places.
            context: empty for the current one.

        Raises:
            PreflightError: the client is not installed, or the kubeconfig cannot be used.
        """
        api = connect(kubeconfig, context)  # first: it says what to do where there is no client
        from kubernetes.client import BatchV1Api, CoreV1Api

        self._core, self._batch = CoreV1Api(api), BatchV1Api(api)
        self._asking = partial(asking, api)
        self._namespace = namespace

    def create_job(self, manifest: Object) -> Object:
        with self._asking(f"Job {manifest['metadata']['name']}"):
            made: Object = _plain(self._batch.create_namespaced_job(self._namespace, manifest, **_RAW))
            return made

    def create_config_map(self, manifest: Object) -> None:
        with self._asking(f"ConfigMap {manifest['metadata']['name']}"):
            self._core.create_namespaced_config_map(self._namespace, manifest, **_RAW)

    def job(self, name: str) -> Object | None:
        with self._asking(f"Job {name}"):
            return _found(lambda: self._batch.read_namespaced_job(name, self._namespace, **_RAW))

    def jobs(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        with self._asking("Jobs"):
            found = _plain(self._batch.list_namespaced_job(self._namespace, label_selector=selector(labels), **_RAW))
        return tuple(str(item["metadata"]["name"]) for item in found["items"])

    def pods(self, labels: Mapping[str, str]) -> tuple[Object, ...]:
        with self._asking("pods"):
            found = _plain(self._core.list_namespaced_pod(self._namespace, label_selector=selector(labels), **_RAW))
        return tuple(sorted(found["items"], key=lambda item: str(item["metadata"]["name"])))

    def events(self, kind: str, name: str) -> tuple[Object, ...]:
        about = f"involvedObject.kind={kind},involvedObject.name={name}"
        with self._asking("events"):
            found = _plain(self._core.list_namespaced_event(self._namespace, field_selector=about, **_RAW))
        return tuple(sorted(found["items"], key=lambda event: str(event["metadata"].get("creationTimestamp"))))

    def node(self, name: str) -> Object | None:
        try:
            with self._asking(f"node {name}"):
                return _found(lambda: self._core.read_node(name, **_RAW))
        except PreflightError:
            return None  # a user of a namespace may not see the cluster's nodes

    def log(self, pod: str, container: str) -> str:
        def read() -> Any:
            return self._core.read_namespaced_pod_log(
                pod, self._namespace, container=container, limit_bytes=LOG_TAIL_BYTES, **_RAW
            )

        with self._asking(f"log of {pod}"):
            return str(_answered(read).decode(errors="replace"))

    def delete_job(self, name: str) -> None:
        with self._asking(f"Job {name}"):
            _found(
                lambda: self._batch.delete_namespaced_job(
                    name, self._namespace, propagation_policy="Background", grace_period_seconds=0, **_RAW
                )
            )


# Answers as they come: the client's own models rename members and refuse what newer servers add.
_RAW: Final[Mapping[str, Any]] = {"_preload_content": False, "_request_timeout": TIMEOUT_S}


def _plain(response: Any) -> Any:
    return json.loads(response.data)


def _answered(ask: Any) -> bytes:
    """The bytes of an answer; none where what is asked for is not there, or has not begun."""
    from kubernetes.client import ApiException

    try:
        return bytes(ask().data)
    except ApiException as error:
        if error.status in (400, 404):
            return b""
        raise


def _found(ask: Any) -> Object | None:
    content = _answered(ask)
    return json.loads(content) if content else None

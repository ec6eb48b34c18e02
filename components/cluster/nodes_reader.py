"""Reads what a cluster that exists is. Asks, and changes nothing.

What this user may not read is left out: a plan is made all the same, and says what is not known. Only that the nodes
themselves cannot be listed is an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

from components.cluster.nodes import ClusterFacts, is_of, node_of, pods_of_others, storage_class_of
from components.kubernetes.client import asking, connect
from schemas.errors import PreflightError

PATIENCE_S: Final = (5.0, 30.0)
PAGE: Final = 500
SIDE_BY_SIDE: Final = 16
JSON: Final = "application/json"
# All that a server knows in one answer: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
KINDS: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
TOPOLOGIES: Final = "/apis/topology.node.k8s.io/v1alpha2/noderesourcetopologies"


class Asks(Protocol):
    """A way to an API server."""

    def get(self, path: str, accept: str = JSON) -> Any | None:
        """The JSON at a path; None where there is nothing, or where it may not be read. Called from several threads.

        Raises:
            PreflightError: the server does not answer.
        """


class Client:
    """The API server of a kubeconfig, by the official client."""

    def __init__(self, kubeconfig: str = "", context: str = "") -> None:
        """Nothing is asked yet.

        Args:
            kubeconfig: a path, or the text of a kubeconfig; empty for the usual places.
            context: empty for the current one.

        Raises:
            PreflightError: the client is not installed, or there is no such kubeconfig or context.
        """
        self._api = connect(kubeconfig, context)

    def get(self, path: str, accept: str = JSON) -> Any | None:
        """The JSON at a path; None where there is nothing, or where it may not be read.

        Raises:
            PreflightError: the server does not answer, or does not know this user.
        """
        from kubernetes.client import ApiException

        _, url, headers, *_ = self._api.param_serialize(
            "GET", path, header_params={"Accept": accept}, auth_settings=["BearerToken"]
        )
        with asking(self._api, path):
            answer = self._api.call_api("GET", url, headers, _request_timeout=PATIENCE_S)
            data = answer.read()
            if answer.status == 401:
                raise ApiException(http_resp=answer)
        return json.loads(data) if answer.status == 200 else None


def read_cluster(cluster: Asks, *, stack: str) -> ClusterFacts:
    """A cluster as it is now; pods of `stack` are not counted as taking room, and its namespaces not as others'.

    Raises:
        PreflightError: it does not answer, or its nodes may not be listed.
    """
    version = cluster.get("/version") or {}
    nodes = _items(cluster, "/api/v1/nodes")
    if nodes is None:
        remedy = "ask for the right to list nodes, or plan without the cluster"
        raise PreflightError("the nodes of the cluster may not be listed", remedy=remedy)
    pods = pods_of_others(_items(cluster, "/api/v1/pods") or (), stack)
    zones = {one["metadata"]["name"]: one.get("zones") or () for one in _items(cluster, TOPOLOGIES) or ()}
    names = [node["metadata"]["name"] for node in nodes]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        configs = list(pool.map(lambda name: cluster.get(f"/api/v1/nodes/{name}/proxy/configz"), names))
    return ClusterFacts(
        version=str(version.get("gitVersion", "")),
        nodes=tuple(
            node_of(node, pods=pods.get(name, ()), config=config, zones=zones.get(name, ()))
            for name, node, config in zip(names, nodes, configs, strict=True)
        ),
        storage_classes=tuple(
            storage_class_of(one) for one in _items(cluster, "/apis/storage.k8s.io/v1/storageclasses") or ()
        ),
        deployments=frozenset(
            f"{one['metadata']['namespace']}/{one['metadata']['name']}"
            for one in _items(cluster, "/apis/apps/v1/deployments") or ()
        ),
        kinds=frozenset(_kinds(cluster)),
        namespaces=frozenset(
            one["metadata"]["name"] for one in _items(cluster, "/api/v1/namespaces") or () if not is_of(one, stack)
        ),
    )


def _kinds(cluster: Asks) -> Iterator[str]:
    """Names of the cluster's kinds, `inferenceservices.serving.kserve.io`; the definitions themselves are megabytes."""
    for group in (cluster.get("/apis", KINDS) or {}).get("items") or ():
        for version in group.get("versions") or ():
            for kind in version.get("resources") or ():
                yield f"{kind['resource']}.{group['metadata']['name']}"


def _items(cluster: Asks, path: str) -> list[Mapping[str, Any]] | None:
    """All items of a list, page by page; None where it may not be read."""
    found: list[Mapping[str, Any]] = []
    rest = ""
    while True:
        page = cluster.get(f"{path}?limit={PAGE}{rest}")
        if page is None:
            return found or None
        found += page.get("items") or ()
        following = (page.get("metadata") or {}).get("continue")
        if not following:
            return found
        rest = f"&continue={following}"

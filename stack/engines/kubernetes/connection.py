"""Requests to one cluster: the official dynamic client, its errors turned into ours.

The client would look up every kind of the cluster first and keep what it found in a file of a guessable name in the
temporary directory; here a kind is looked up when it is first met, and kept in memory alone. It has no time limit of
its own; here every request has one.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from components.kubernetes.client import IN_POD, connect
from schemas.errors import PreflightError
from stack.engines.kubernetes.errors import (
    AnotherCluster,
    CannotAsk,
    FieldConflict,
    Forbidden,
    Missing,
    Unconfigured,
    Unreachable,
    status_of,
    translated,
)
from stack.engines.kubernetes.objects import label
from stack.engines.kubernetes.settings import Settings
from stack.engines.kubernetes.trees import Tree, on_the_wire

_PATIENCE_S: Final = (5.0, 60.0)  # to connect, and to read an answer
_DEAF_S: Final = 10.0  # how long a cluster that did not answer is not asked again
_APPLY: Final = "application/apply-patch+yaml"
_JSON_PATCH: Final = "application/json-patch+json"


@dataclass(frozen=True)
class Applied:
    """What a server-side apply gave; `created` when the object was not there before."""

    obj: Tree
    created: bool


class Connection:
    """The way to one cluster; used from several threads. Asks nothing before it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.RLock()
        self._client: Any = None
        self._kinds: dict[tuple[str, str], Any] = {}
        self._identity: str | None = None
        self._deaf: tuple[float, CannotAsk] | None = None
        self.server = "the cluster"

    # ------------------------------------------------------------------------------------------ which cluster

    def identity(self) -> str:
        """The uid of the namespace `kube-system`, which every cluster has and keeps; '' when it may not be read.

        Raises:
            CannotAsk: the cluster does not answer, or there is no way to it.
        """
        with self._lock:
            if self._deaf is not None and time.monotonic() < self._deaf[0]:
                raise self._deaf[1]
            if self._identity is None:
                try:
                    found = self._request("get", "/api/v1/namespaces/kube-system", what="the cluster")
                    self._identity = str(found[0].get("metadata", {}).get("uid", ""))
                except (Forbidden, Missing):
                    self._identity = ""
                except CannotAsk as error:
                    self._deaf = (time.monotonic() + _DEAF_S, error)
                    raise
            return self._identity

    def expect(self, identity: str) -> None:
        """Nothing, if this is the cluster of that identity (or nobody knows).

        Raises:
            AnotherCluster: it is another.
            CannotAsk: it does not answer.
        """
        found = self.identity()
        if identity and found and identity != found:
            raise AnotherCluster(
                f"{self.server} is another cluster than the one that holds this stack.",
                why="The kubeconfig has changed, or the cluster was made anew: what this stack made is not there, and "
                "nothing was done.",
                remedy="Name the right context (cluster.context). If the old cluster is gone for good: "
                "inferstack state forget-cluster",
            )

    # ------------------------------------------------------------------------------------------ objects

    def get(self, obj: Tree) -> Tree | None:
        """The object as it is; None when it, or its whole kind, is not there."""
        try:
            return self._request("get", self._path(obj), what=label(obj))[0]
        except Missing:
            return None

    def apply(self, obj: Tree, manager: str, *, dry_run: bool = False, force: bool = False) -> Applied:
        """Server-side apply. What was edited by hand with kubectl is taken back; what a controller or another tool owns
        is not.

        Raises:
            FieldConflict: somebody else owns a field.
            Missing: the kind, or the namespace, is not there.
            Refused: the server says no.
        """
        try:
            return self._apply(obj, manager, dry_run=dry_run, force=force)
        except FieldConflict as error:
            if force or not all(owner.startswith("kubectl") and not owner.endswith("/") for owner in error.owners):
                raise
        return self._apply(obj, manager, dry_run=dry_run, force=True)

    def _apply(self, obj: Tree, manager: str, *, dry_run: bool, force: bool) -> Applied:
        query = [("fieldManager", manager), ("force", str(force).lower()), *([("dryRun", "All")] if dry_run else [])]
        # As a text: given a tree, the client copies it with care first, which takes longer than the request.
        body = json.dumps(on_the_wire(obj))
        found, http = self._request("patch", self._path(obj), what=label(obj), body=body, kind=_APPLY, query=query)
        return Applied(found, http == 201)

    def give_fields(self, live: Tree, fields: list[Tree]) -> None:
        """Say who owns the fields of an object from now on; refused when the object has changed meanwhile.

        Raises:
            Superseded: it has.
        """
        version = live["metadata"]["resourceVersion"]
        patch = [
            {"op": "replace", "path": "/metadata/managedFields", "value": fields},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        ]
        self._request("patch", self._path(live), what=label(live), body=patch, kind=_JSON_PATCH)

    def delete(self, obj: Tree, propagation: str, uid: str) -> None:
        """Ask for the object's deletion; with a `uid`, of that very object and of no other that has its name.

        Raises:
            Missing: it is not there.
            Superseded: another object has its name, or it is being deleted already.
        """
        options: Tree = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        self._request("delete", self._path(obj), what=label(obj), body=options)

    def listed(self, version: str, kind: str, namespace: str, **selectors: str) -> tuple[Tree, ...]:
        """Objects of a kind in a namespace. Selectors as the API names them (`labelSelector`)."""
        path = self._resource(version, kind).path(namespace=namespace)
        return tuple(self._request("get", path, what=kind, query=list(selectors.items()))[0].get("items") or ())

    def namespaced(self, obj: Tree) -> bool:
        """Whether objects of this kind live in namespaces.

        Raises:
            Missing: the kind is not there.
        """
        return bool(self._resource(obj["apiVersion"], obj["kind"]).namespaced)

    # ------------------------------------------------------------------------------------------ inside

    def _path(self, obj: Tree) -> str:
        metadata, resource = obj["metadata"], self._resource(obj["apiVersion"], obj["kind"])
        namespace = (metadata.get("namespace") or "default") if resource.namespaced else None
        return str(resource.path(name=metadata["name"], namespace=namespace))

    def _resource(self, version: str, kind: str) -> Any:
        with self._lock:
            known = self._kinds.get((version, kind))
        if known is not None:
            return known
        from kubernetes.dynamic.resource import Resource

        prefix = "apis" if "/" in version else "api"
        group, _, short = version.rpartition("/")
        listed = self._request("get", f"/{prefix}/{version}", what=f"kinds of {version}")[0].get("resources") or ()
        with self._lock:
            for item in listed:
                if "/" not in item["name"]:
                    resource = Resource(
                        prefix=prefix,
                        group=group,
                        api_version=short,
                        kind=item["kind"],
                        name=item["name"],
                        namespaced=item["namespaced"],
                        client=self._client,
                    )
                    self._kinds[(version, item["kind"])] = resource
            if (version, kind) not in self._kinds:
                raise Missing(f"the cluster has no kind {version}/{kind}", kind=True)
            return self._kinds[(version, kind)]

    def _request(
        self,
        verb: str,
        path: str,
        *,
        what: str,
        body: Any = None,
        kind: str = "application/json",
        query: list[tuple[str, str]] | None = None,
    ) -> tuple[Tree, int]:
        """The answer to one request, and its HTTP status. All requests here may be made twice, and are when a
        connection that did well before breaks.
        """
        try:
            return self._answer(verb, path, what, body, kind, query or [])
        except Unreachable:
            if self._identity is None:
                raise
        return self._answer(verb, path, what, body, kind, query or [])

    def _answer(
        self, verb: str, path: str, what: str, body: Any, kind: str, query: list[tuple[str, str]]
    ) -> tuple[Tree, int]:
        client = self._connected()
        with self._errors(what, path):
            answer = client.request(
                verb,
                path,
                body=body,
                query_params=list(query),
                content_type=kind,
                serialize=False,
                _request_timeout=_PATIENCE_S,
            )
            return json.loads(answer.data), int(answer.status)

    def _connected(self) -> Any:
        """The client, made when it is first needed."""
        with self._lock:
            if self._client is None:
                kubeconfig = self._kubeconfig()
                try:
                    api = connect(kubeconfig, self.settings.context, retries=False)
                except PreflightError as error:
                    why = f"{error.message}: {error.why}"
                    raise Unconfigured("There is no way to the cluster.", why=why, remedy=error.remedy) from error
                from kubernetes.dynamic import DynamicClient

                self.server = api.configuration.host
                self._client = DynamicClient(api, discoverer=lambda _client, _file: None)
            return self._client

    def _kubeconfig(self) -> str:
        """The kubeconfig as `connect` takes it."""
        settings = self.settings
        if not settings.is_text and not any(path.exists() for path in settings.paths()) and Path(IN_POD).exists():
            return IN_POD
        document = settings.document()
        if not settings.cluster:
            return settings.kubeconfig
        with contextlib.suppress(KeyError, TypeError):  # what is no context is told by the client
            for context in document.get("contexts") or ():
                context["context"]["cluster"] = settings.cluster
        return yaml.safe_dump(document)

    @contextlib.contextmanager
    def _errors(self, what: str, path: str) -> Iterator[None]:
        """Turns what the client raises into ours."""
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            yield
        except ApiException as error:
            if not error.status:
                raise self._unreachable(str(error.reason)) from error
            if error.status == 404 and status_of(error.body) is None and self._identity is not None:
                # This is a cluster, and no API of that name is in it: that alone it says in another form.
                raise Missing(f"the cluster has no {path}", kind=True) from error
            raise translated(error.status, error.body, what, self.server) from error
        except (HTTPError, ssl.SSLError, OSError) as error:
            raise self._unreachable(str(getattr(error, "reason", error))) from error

    def _unreachable(self, why: str) -> Unreachable:
        return Unreachable(
            f"No answer from the Kubernetes API server {self.server}.",
            why=why.strip().splitlines()[-1] if why.strip() else "",
            remedy="Is the cluster up, the network open, and the kubeconfig's context the right one? kubectl version",
        )

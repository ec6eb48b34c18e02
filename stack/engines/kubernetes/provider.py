"""Kubernetes behind the engine's `Provider`: finds the cluster of a resource, and who knows its kind."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Mapping

from stack.engines.about import About
from stack.engines.kubernetes import difference, objects, trees, verbs
from stack.engines.kubernetes.connection import Connection
from stack.engines.kubernetes.errors import CannotAsk, Missing
from stack.engines.kubernetes.objects import RELEASE
from stack.engines.kubernetes.releases import Releases
from stack.engines.kubernetes.settings import Settings, differing, moved, settings_of
from stack.engines.providers import Checked, Live, Provider, ProviderDiff
from stack.engines.values import Values


class KubernetesProviders(Provider):
    """Applies `kubernetes:*` on whichever clusters the provider resources of a program name.

    Args:
        environ: where `KUBECONFIG` and `PATH` are looked up.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._lock = threading.Lock()
        self._connections: dict[Settings, Connection] = {}
        self._releases = Releases(self._environ)

    # ------------------------------------------------------------------------------------------ objects

    def check(self, about: About, old: Values, new: Values) -> Checked:
        if about.type == RELEASE:
            return self._releases.check(about, old, new)
        if found := objects.failures(about.type, new):
            return Checked(new, found)
        manifest = objects.checked(about.urn, about.type, old, new)
        return Checked(self._placed(about, old, manifest))

    def diff(self, about: About, id_: str, old: Values, new: Values) -> ProviderDiff:
        if about.type == RELEASE:
            return self._releases.diff(about, old, new)
        return difference.compare(about, old, new, self._known(about))

    def rehearse(self, about: About, new: Values) -> ProviderDiff:
        if about.type == RELEASE:
            return self._releases.rehearse(about, new)
        return difference.rehearse(about, new, self._known(about))

    def create(self, about: About, new: Values) -> Live:
        connection = self._connection(about)
        if about.type == RELEASE:
            return self._releases.create(about, new, connection)
        return verbs.create(about, new, connection)

    def update(self, about: About, id_: str, old: Values, new: Values) -> Live:
        connection = self._connection(about)
        if about.type == RELEASE:
            return self._releases.update(about, old, new, connection)
        return verbs.update(about, trees.on_the_wire(old), new, connection)

    def delete(self, about: About, id_: str, old: Values) -> None:
        connection = self._connection(about)
        if about.type == RELEASE:
            self._releases.delete(about, old, connection)
        else:
            verbs.delete(about, trees.on_the_wire(old), connection)

    def read(self, about: About, id_: str, old: Values) -> Live | None:
        connection = self._connection(about)
        if about.type == RELEASE:
            return self._releases.read(about, old, connection)
        return verbs.read(about, id_, trees.on_the_wire(old), connection)

    def hide(self, values: Values, like: Values) -> Values:
        return trees.hide(values, like)

    def tell(self, outputs: Values) -> Values:
        return trees.told(outputs)

    # ------------------------------------------------------------------------------------------ clusters

    def diff_settings(self, identity: str, old: Values, new: Values) -> ProviderDiff:
        before, after = settings_of(old, self._environ), settings_of(new, self._environ)
        if before is None or after is None:
            return ProviderDiff()
        same = dataclasses.replace(before, namespace="") == dataclasses.replace(after, namespace="")
        if same or not differing(old, new):
            return ProviderDiff()
        elsewhere = moved(before, after)
        try:
            found = self._to(after).identity()
            if identity and found:
                elsewhere = identity != found
        except CannotAsk:
            pass  # then the kubeconfigs alone have to tell
        return ProviderDiff(replaces=differing(old, new) if elsewhere else ())

    def identify(self, settings: Values) -> str:
        known = settings_of(settings, self._environ)
        return self._to(known).identity() if known is not None else ""

    def _connection(self, about: About) -> Connection:
        connection = self._known(about)
        assert connection is not None, "the engine applies nothing that is not known"
        return connection

    def _known(self, about: About) -> Connection | None:
        settings = settings_of(about.settings, self._environ)
        return self._to(settings) if settings is not None else None

    def _to(self, settings: Settings) -> Connection:
        with self._lock:
            if settings not in self._connections:
                self._connections[settings] = Connection(settings)
            return self._connections[settings]

    def _placed(self, about: About, old: Values, manifest: Values) -> Values:
        """The manifest in the namespace that the provider resource states, where it states one and the kind has any."""
        connection, metadata = self._known(about), manifest.get("metadata")
        if connection is None or not isinstance(metadata, dict) or metadata.get("namespace"):
            return manifest
        namespace = (old.get("metadata") or {}).get("namespace") or connection.settings.namespace
        if not connection.settings.namespace or not namespace:
            return manifest
        try:
            connection.identity()
            if not connection.namespaced(manifest):
                return manifest
        except (CannotAsk, Missing):
            return manifest
        return {**manifest, "metadata": {**metadata, "namespace": namespace}}

"""The resources of a stack's extensions: namespaces, Secrets with made-up passwords, Helm releases, objects.

A release that fails leaves the others alone; what needs it waits and is told. The namespaces are objects of the stack,
so that `destroy` takes them away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import pulumi

from components.extensions import TYPE
from components.extensions.documents import FIRST
from components.extensions.entry import Credentials
from components.extensions.password import Password
from components.extensions.planning import ExtensionSet, Planned
from components.extensions.release import release
from components.kubernetes.objects import Home, Manifest, declare

COMPONENT: Final = "extension"
KIND: Final = "CustomResourceDefinition"


class ExtensionComponent(pulumi.ComponentResource):
    """One extension: its releases one after the other, then its objects."""

    def __init__(self, planned: Planned, home: Home, namespaces: Mapping[str, pulumi.Resource]) -> None:
        """Declare it; `home` waits for the extensions that come first, `namespaces` are those that are made."""
        super().__init__(TYPE, planned.name)
        home = home.after(*(namespaces[name] for name in planned.namespaces if name in namespaces))
        done: list[pulumi.Resource] = [self._secret(planned, one, home) for one in planned.credentials]
        for asked in planned.releases:
            done.append(release(asked, home, parent=self, needs=tuple(done)))
        self._objects(planned, home, done)
        self.register_outputs({})

    def _secret(self, planned: Planned, credentials: Credentials, home: Home) -> pulumi.Resource:
        made = Password(f"{planned.name}-{credentials.secret}", pulumi.ResourceOptions(parent=self))
        data = {key: made.password.apply(partial(_filled, text)) for key, text in credentials.data.items()}
        metadata = {
            "name": credentials.secret,
            "namespace": planned.namespace,
            "labels": home.labels(planned.name, COMPONENT),
        }
        manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
        return declare(manifest, home, parent=self)

    def _objects(self, planned: Planned, home: Home, needs: Sequence[pulumi.Resource]) -> None:
        """All objects; namespaces and kinds come before what stands in them.

        Kinds of the catalogue stay when the stack goes, as those of charts do: with a kind goes every object of it,
        whoever made it.
        """
        made: list[pulumi.Resource] = list(needs)
        labels = home.labels(planned.name, COMPONENT) if planned.ours else {}
        for first in (True, False):
            made += [
                declare(
                    _labelled(one, labels), home, parent=self, needs=tuple(made), name=_name(one),
                    retain_on_delete=planned.ours and one["kind"] == KIND,
                )
                for one in planned.objects
                if (one["kind"] in FIRST) == first
            ]  # fmt: skip


def install(extensions: ExtensionSet, home: Home) -> dict[str, pulumi.Resource]:
    """Declare all extensions; returns what others wait for, by the extension's name: `home.after(made["kserve"])`."""
    namespaces = {
        name: declare(_namespace(name, home.labels(one.name, COMPONENT)), home)
        for one in extensions.planned
        for name in one.namespaces
        if name != home.namespace
    }
    made: dict[str, pulumi.Resource] = {}
    for planned in extensions.planned:
        first = [made[name] for name in planned.after if name in made]
        made[planned.name] = ExtensionComponent(planned, home.after(*first), namespaces)
    return made


def _filled(text: str, password: str) -> str:
    return text.replace("{password}", password)


def _namespace(name: str, labels: Mapping[str, str]) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels)}}


def _labelled(manifest: Manifest, labels: Mapping[str, str]) -> Manifest:
    metadata = manifest["metadata"]
    return (
        {**manifest, "metadata": {**metadata, "labels": {**labels, **metadata.get("labels", {})}}}
        if labels
        else manifest
    )


def _name(manifest: Manifest) -> str:
    """The resource's name: objects of one name in two namespaces are two."""
    metadata = manifest["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])

"""Manifests as resources: where a stack's objects live, and how one is declared.

Resources are generic (`pulumi.CustomResource`), typed by `apiVersion` and `kind` as pulumi-kubernetes types them, so
that no SDK module need be imported and custom resources are declared like all others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pulumi

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
NAME: Final = "app.kubernetes.io/name"
PART_OF: Final = "app.kubernetes.io/part-of"
COMPONENT: Final = "app.kubernetes.io/component"
# An annotation: which template a pod is of, whatever controller has made it.
TEMPLATE: Final = "inferstack/template"

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Home:
    """Where the objects of a stack live.

    `image` is the image of this program for pods that run it; `needs` is what every object waits for: the namespace,
    and the extensions whose kinds or webhooks it uses.
    """

    stack: str
    namespace: str
    provider: pulumi.ProviderResource
    image: str = ""
    needs: tuple[pulumi.Resource, ...] = ()

    def after(self, *resources: pulumi.Resource) -> Home:
        """The same place, once these resources are there too."""
        return replace(self, needs=(*self.needs, *resources))

    def labels(self, name: str, component: str) -> dict[str, str]:
        """The labels of every object: `component` is what it does in the stack (`serving`, `conversion`, ...)."""
        return {NAME: name, COMPONENT: component, PART_OF: self.stack, MANAGED_BY: "inferstack"}


def type_of(manifest: Manifest) -> str:
    """The resource's type, for example `kubernetes:apps/v1:Deployment`; the core group is written out."""
    version = manifest["apiVersion"]
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{manifest['kind']}"


def declare(
    manifest: Manifest,
    home: Home,
    *,
    parent: pulumi.Resource | None = None,
    needs: Sequence[pulumi.Resource] = (),
    name: str = "",
    **options: Any,
) -> pulumi.CustomResource:
    """Declare one object. Its resource is named as the object is, unless `name` says otherwise.

    Args:
        options: more of `pulumi.ResourceOptions`, for example `ignore_changes` or `delete_before_replace`.
    """
    merged = pulumi.ResourceOptions(provider=home.provider, parent=parent, depends_on=[*home.needs, *needs], **options)
    return pulumi.CustomResource(type_of(manifest), name or manifest["metadata"]["name"], dict(manifest), merged)

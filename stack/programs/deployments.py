"""Serving groups on a Kubernetes cluster of any kind: a namespace, and a Deployment with its Service for each group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from components.serving.placement_pods import PodPlan
from schemas.spec import Spec
from stack.programs.sources import Sources

if TYPE_CHECKING:
    import pulumi

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "spec.replicas": ("replicas", "instances"),
    "spec": ("instances", "layout"),
}


def deployment_sources(spec: Spec) -> dict[tuple[str, str], Sources]:
    """Where the resources of serving groups come from."""
    kinds = ("Deployment", "Service")
    return {(kind, serving.name): Sources(serving.at, FIELDS) for serving in spec.serving for kind in kinds}


def deploy(spec: Spec, plans: Mapping[str, PodPlan], *, namespace: str, provider: pulumi.ProviderResource) -> None:
    """Declare every serving group of a spec; models are read from where the spec says they are."""
    import pulumi

    from components.serving.platforms.ovms import OvmsGroup

    home = pulumi.CustomResource(
        "kubernetes:core/v1:Namespace",
        namespace,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        pulumi.ResourceOptions(provider=provider),
    )
    sources = {model.name: model.source or "" for model in spec.models}
    groups = {
        serving.name: OvmsGroup(
            serving,
            plans[serving.name],
            model_uri=sources[serving.model],
            namespace=namespace,
            opts=pulumi.ResourceOptions(depends_on=[home], provider=provider),
        )
        for serving in spec.serving
    }
    pulumi.export("endpoints", {name: [group.url] for name, group in groups.items()})

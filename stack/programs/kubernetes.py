"""A stack on a Kubernetes cluster that exists: serving groups as Deployments. Planned, not applied."""

from __future__ import annotations

from typing import Final

from components.serving.placement_nodes import plan_pods_anywhere
from components.site import Site
from schemas.load import Loaded
from schemas.spec import KubernetesCluster
from stack.programs.deployments import deploy, deployment_sources
from stack.programs.program import Program
from stack.programs.sources import origins_of

REFUSAL: Final = "what needs a cluster is planned by this version, not applied"


def build(loaded: Loaded, site: Site, cluster: KubernetesCluster) -> Program:
    """The program of a spec for an existing cluster; the cluster itself is not asked."""
    plans = {serving.name: plan_pods_anywhere(serving) for serving in loaded.spec.serving}

    def register() -> None:
        import pulumi

        access = {"kubeconfig": cluster.kubeconfig, "context": cluster.context}
        provider = pulumi.ProviderResource("kubernetes", site.stack, {k: v for k, v in access.items() if v})
        deploy(loaded.spec, plans, namespace=cluster.namespace or site.stack, provider=provider)

    return Program(
        run=register,
        origins=origins_of(loaded, deployment_sources(loaded.spec)),
        notes=tuple(line for plan in plans.values() for line in plan.fit),
        refusal=REFUSAL,
    )

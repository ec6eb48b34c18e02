"""A stack on a Kubernetes cluster that exists.

Its nodes are read to fit pods; a cluster that does not answer is planned for all the same, and the plan says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from components.cluster.nodes import ClusterFacts
from components.cluster.nodes_reader import Client, read_cluster
from components.extensions import kinds
from components.extensions.neighbours import refuse_uncounted
from components.extensions.planning import installed_by_others, plan_extensions, with_documents
from components.image.build import default_name
from components.models.as_is import reading_notes
from components.serving.placement_nodes import plan_pods_anywhere
from components.serving.placement_quota import share_of
from components.serving.placement_volume import volume_notes
from components.site import Site
from schemas.errors import PreflightError
from schemas.load import Loaded
from schemas.spec import KubernetesCluster
from stack.programs.on_cluster import IN_PLACE, OnCluster, Reach
from stack.programs.program import Installed, Program
from stack.programs.sources import origins_of


def build(
    loaded: Loaded, site: Site, cluster: KubernetesCluster, *, rerun: Mapping[str, str], ours: Installed, download: bool
) -> Program:
    """The program of a spec for an existing cluster.

    Args:
        rerun: tokens by benchmark.
        ours: the extensions that this stack has installed already.
        download: whether manifests of the web are fetched that are not in the store.

    Raises:
        SpecError: a serving group fits no node.
    """
    facts, silent = _facts(cluster, site)
    there = installed_by_others(facts.deployments, facts.kinds, ours) if facts else {}
    others = facts.namespaces if facts else frozenset()
    extensions = plan_extensions(loaded.spec.extensions, cluster, installed=there, namespaces=others)
    refuse_uncounted(loaded.spec.serving, extensions, cluster)
    plans = {one.name: plan_pods_anywhere(one, cluster, facts, loaded.spec.serving) for one in loaded.spec.serving}
    namespace = cluster.namespace or site.stack
    on_cluster = OnCluster(
        loaded,
        site,
        share=share_of(cluster.quota, loaded.spec, plans),
        extensions=with_documents(extensions, site.store, installed=ours, download=download),
        namespace=namespace,
        image=cluster.image or default_name(),
        rerun=rerun,
        namespace_found=namespace in others,
    )

    def register() -> None:
        import pulumi

        access = {"kubeconfig": cluster.kubeconfig, "context": cluster.context, **IN_PLACE}
        provider = pulumi.ProviderResource("kubernetes", site.stack, {k: v for k, v in access.items() if v})
        on_cluster.register(Reach(provider, cluster.kubeconfig or "", cluster.context or ""))

    return Program(
        run=register,
        origins=origins_of(loaded, on_cluster.sources()),
        notes=(
            *silent,
            *on_cluster.notes,
            *(kinds.notes(on_cluster.extensions, facts.kinds) if facts else ()),
            *volume_notes(loaded.spec, plans, sum(node.usable for node in facts.nodes) if facts else 1),
            *reading_notes(loaded.spec, own=""),
        ),
        tokens=rerun,
    )


def _facts(cluster: KubernetesCluster, site: Site) -> tuple[ClusterFacts | None, tuple[str, ...]]:
    """The cluster as it is, or why nothing is known of it."""
    try:
        return read_cluster(Client(cluster.kubeconfig or "", cluster.context or ""), stack=site.stack), ()
    except PreflightError as error:
        why = f": {error.why}" if error.why else ""
        return None, (f"planned without the cluster, because {error.message}{why}",)

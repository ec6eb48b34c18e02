"""A stack on GKE: the cluster with its node pools, and what runs on them."""

from __future__ import annotations

from collections.abc import Mapping

from components.cluster.buckets import bucket_name, other_buckets, registry_address
from components.cluster.gke_cost import cost_of, node_counts
from components.cluster.pool_problems import pool_problems
from components.extensions.neighbours import refuse_uncounted
from components.extensions.planning import plan_extensions, with_documents
from components.image.build import default_name
from components.models.as_is import reading_notes
from components.serving.placement_misfit import Misfit
from components.serving.placement_pods import PodPlan, crowded_pools, plan_groups
from components.serving.placement_quota import share_of
from components.serving.placement_spread import stranded_in_pools
from components.serving.placement_volume import volume_notes
from components.site import Site
from schemas.gateways import proxies_of
from schemas.load import Loaded
from schemas.spec import GkeCluster
from stack.programs.gke_sources import gke_sources
from stack.programs.on_cluster import IN_PLACE, OnCluster, Reach
from stack.programs.program import Installed, Program
from stack.programs.sources import origins_of


def build(
    loaded: Loaded, site: Site, cluster: GkeCluster, *, rerun: Mapping[str, str], ours: Installed, download: bool
) -> Program:
    """The program of a GKE spec.

    Args:
        rerun: tokens by benchmark.
        ours: the extensions that this stack has installed already.
        download: whether manifests of the web are fetched that are not in the store.

    Raises:
        SpecError: a serving group does not fit the nodes of its pool, or GKE has no such nodes.
    """
    if wrong := pool_problems(cluster):
        raise Misfit(tuple(problem for _, problem in wrong), tuple(path for path, _ in wrong))
    share = share_of(cluster.quota, loaded.spec, plan_groups(cluster, loaded.spec.serving))
    extensions = plan_extensions(loaded.spec.extensions, cluster)
    refuse_uncounted(loaded.spec.serving, extensions, cluster)
    on_cluster = OnCluster(
        loaded,
        site,
        share=share,
        extensions=with_documents(extensions, site.store, installed=ours, download=download),
        namespace=site.stack,
        image=cluster.image or _image(cluster, site),
        rerun=rerun,
    )
    crowded = crowded_pools(tuple(share.plans.values()), cluster)
    return Program(
        run=lambda: _register(on_cluster, cluster),
        origins=origins_of(loaded, gke_sources(cluster, cluster.name or site.stack) | on_cluster.sources()),
        notes=(
            *on_cluster.notes,
            *volume_notes(loaded.spec, share.plans, _nodes(cluster, share.plans)),
            *reading_notes(loaded.spec, bucket_name(cluster, cluster.name or site.stack)),
            *crowded,
            *stranded_in_pools(cluster, loaded.spec.serving, share.plans),
            *cost_of(cluster).notes,
        ),
        tokens=rerun,
    )


def _nodes(cluster: GkeCluster, plans: Mapping[str, PodPlan]) -> int:
    """On how many nodes the pods of all groups may be put."""
    pools = {plan.pool.name: plan.pool for plan in plans.values() if plan.pool}
    return sum(node_counts(cluster, pool)[1] for pool in pools.values())


def _image(cluster: GkeCluster, site: Site) -> str:
    """This program's image in the registry that the stack makes; `inferstack image --tag NAME --push` puts it there."""
    name = default_name().rpartition("/")[2]
    return f"{registry_address(cluster, cluster.name or site.stack)}/{name}"


def _register(on_cluster: OnCluster, cluster: GkeCluster) -> None:
    import pulumi

    from components.cluster.gke import GkeCluster as Gke

    own = bucket_name(cluster, cluster.name or on_cluster.site.stack)
    spec = on_cluster.loaded.spec
    made = Gke(cluster, stack=on_cluster.site.stack, proxies=proxies_of(spec), uses=other_buckets(spec, own))
    pulumi.export("cluster", {"name": made.cluster.output("name"), "endpoint": made.cluster.output("endpoint")})
    provider = pulumi.ProviderResource("kubernetes", made.name, {"kubeconfig": made.kubeconfig, **IN_PLACE})
    on_cluster.register(
        Reach(
            provider,
            kubeconfig=made.kubeconfig,
            bucket=own,
            account=made.model_account,
            rights=made.model_rights,
            needs=tuple(made.node_pools.values()),
        )
    )

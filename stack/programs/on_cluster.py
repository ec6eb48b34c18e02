"""What a stack has on a cluster of any kind: extensions, a store of models, serving groups, traffic, benchmarks.

`gke.py` and `kubernetes.py` say which cluster that is and how its nodes look; the rest is the same program. What
clients and the command line need to know of the groups is exported, so that they ask the state and not the spec.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from components.extensions.planning import ExtensionSet
from components.models.material import Material, Remote, identity
from components.serving.placement_pods import PodPlan
from components.serving.placement_quota import Share
from components.site import Site
from schemas.load import Loaded
from schemas.rules.load_tests import load_pool
from schemas.spec import Benchmark, GkeCluster, LocalCluster
from schemas.stores import buckets_of, store_of, uses_google, way_of
from stack.programs.local import data_path, planner_of, spec_digest
from stack.programs.measuring import one_after_another
from stack.programs.sources import Sources

if TYPE_CHECKING:
    import pulumi

    from components.benchmarks.on_cluster.benchmark import Setting
    from components.kubernetes.objects import Home
    from components.models.access import ModelAccess
    from components.serving.served import Served

# Settings of every Kubernetes provider: without them Pulumi's own deletes what can be changed in place.
IN_PLACE: Final = {"enableConfigMapMutable": "true", "enableSecretMutable": "true"}
GROUP_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "spec.replicas": ("replicas", "instances"),
    "spec": ("instances", "layout"),
}
TRAFFIC_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "spec": ("split", "hostnames", "gatewayClass", "gateway", "port")
}
TRAFFIC_KINDS: Final = ("Gateway", "HTTPRoute", "GRPCRoute", "VirtualService", "Certificate", "SeldonDeployment")
GROUP_KINDS: Final = ("Deployment", "Service", "InferenceService", "SeldonDeployment", "HorizontalPodAutoscaler")


@dataclass(frozen=True)
class Reach:
    """How the cluster is reached, and what its cloud has made for the stack.

    Attributes:
        provider: the Kubernetes provider that objects are declared with.
        kubeconfig: a path, or a text without a secret; empty for the usual places.
        context: empty for the current one.
        bucket: name of the bucket for models, where the stack makes one.
        account: e-mail address of the service account that may use it.
        rights: what lets it.
        needs: what the cluster's nodes wait for.
    """

    provider: pulumi.ProviderResource
    kubeconfig: pulumi.Input[str] = ""
    context: str = ""
    bucket: str = ""
    account: pulumi.Input[str] = ""
    rights: Sequence[pulumi.Resource] = ()
    needs: Sequence[pulumi.Resource] = ()


@dataclass(frozen=True)
class OnCluster:
    """What is registered on a cluster, decided before anything is.

    Attributes:
        namespace: where the stack's objects live.
        namespace_found: whether others have made it.
        image: this program's image as nodes pull it.
        share: what the quota leaves.
        rerun: tokens by benchmark.
    """

    loaded: Loaded
    site: Site
    share: Share
    extensions: ExtensionSet
    namespace: str
    image: str
    rerun: Mapping[str, str] = field(default_factory=dict)
    namespace_found: bool = False

    @property
    def plans(self) -> Mapping[str, PodPlan]:
        """The pods of each serving group."""
        return self.share.plans

    @property
    def notes(self) -> tuple[str, ...]:
        """What a plan says besides its changes."""
        from components.extensions import neighbours
        from components.traffic.notes import notes

        spec = self.loaded.spec
        fit = (line for plan in self.plans.values() for line in plan.fit)
        around = neighbours.notes(self.extensions, spec.cluster)
        return (*fit, *self.share.notes, *self.extensions.notes, *around, *notes(spec, self.extensions.elsewhere))

    def sources(self) -> dict[tuple[str, str], Sources]:
        """Where the resources come from."""
        spec = self.loaded.spec
        groups = {(kind, one.name): Sources(one.at, GROUP_FIELDS) for one in spec.serving for kind in GROUP_KINDS}
        models = {("Model", one.name): Sources(one.at, {}) for one in spec.models}
        benchmarks = {("JobBenchmark", one.name): Sources(one.at, {}) for one in spec.benchmarks}
        traffic = {(kind, one.name): Sources(one.at, TRAFFIC_FIELDS) for one in spec.traffic for kind in TRAFFIC_KINDS}
        return groups | models | benchmarks | traffic

    def register(self, reach: Reach) -> None:
        """Declare everything."""
        import pulumi

        from components.extensions.install import install
        from components.kubernetes.objects import Home

        home = Home(self.site.stack, self.namespace, reach.provider, self.image, tuple(reach.needs))
        installed = install(self.extensions, home)
        home = self._namespace(home.after(*installed.values()))
        models = self._models(home, reach)
        served = self._serve(models, home)
        routes = self._split(served, home)
        answers = self._measure(served, models, home, reach)
        pulumi.export("access", {"kubeconfig": reach.kubeconfig, "context": reach.context})
        pulumi.export("serving", {name: _told(one, self.plans[name]) for name, one in served.items()})
        pulumi.export("endpoints", {name: [one.url] for name, one in served.items()} | routes)
        pulumi.export("models", {name: access.digest or access.key for name, access in models.items()})
        if outputs := self.extensions.outputs:
            pulumi.export("extensions", outputs)
        if answers:
            pulumi.export("benchmarks", answers)

    def _namespace(self, home: Home) -> Home:
        from components.serving.pods.tenant import Tenant

        cluster = self.loaded.spec.cluster
        quota = None if isinstance(cluster, LocalCluster) else cluster.quota
        return Tenant(home, quota, found=self.namespace_found).home

    def _models(self, home: Home, reach: Reach) -> dict[str, ModelAccess]:
        from components.models.errands import tolerations_of
        from components.models.on_cluster import Supply, access_of
        from components.models.shelf import declare_identity, declare_shelf

        spec = self.loaded.spec
        store = store_of(spec)
        used = store is not None and any(way_of(model) != "as-is" for model in spec.models)
        identity = declare_identity(store, home, reach.account, reach.rights) if uses_google(spec) else None
        shelf = declare_shelf(store, home, bucket=reach.bucket, identity=identity) if store and used else None
        supply = Supply(
            replace(planner_of(self.loaded), buckets=buckets_of(store)),
            self.site.store,
            home,
            shelf,
            declared=store,
            identity=identity,
            kubeconfig=reach.kubeconfig,
            context=reach.context,
            tolerations=tolerations_of(spec.cluster),
            job_mib=self.share.job_mib,
        )
        return {model.name: access_of(model, supply) for model in spec.models}

    def _serve(self, models: Mapping[str, ModelAccess], home: Home) -> dict[str, Served]:
        from components.extensions.neighbours import surroundings
        from components.traffic.platform import serve_groups

        around = surroundings(self.extensions, self.loaded.spec.cluster)
        return serve_groups(self.loaded.spec, self.plans, models, home, around)

    def _split(self, served: Mapping[str, Served], home: Home) -> dict[str, Any]:
        from components.traffic.split import TrafficSplit

        gke = isinstance(self.loaded.spec.cluster, GkeCluster)
        splits = [TrafficSplit(one, served, home, gke=gke).routed for one in self.loaded.spec.traffic]
        return {one.name: list(one.urls) for one in splits}

    def _measure(
        self, served: Mapping[str, Served], models: Mapping[str, ModelAccess], home: Home, reach: Reach
    ) -> dict[str, Any]:
        from components.benchmarks.description import settings
        from components.benchmarks.on_cluster.benchmark import Measured, measure_on_cluster

        spec = self.loaded.spec
        precision = {model.name: model.convert.precision for model in spec.models}
        groups = {
            one.name: Measured(
                served[one.name],
                self.plans[one.name],
                settings(one),
                models[one.model].digest or "",
                precision[one.model],
            )
            for one in spec.serving
        }

        def declare(benchmark: Benchmark) -> Any:
            return measure_on_cluster(benchmark, groups, home, self._setting(benchmark, reach))

        return one_after_another(spec.benchmarks, [one.ready for one in served.values()], declare)

    def _setting(self, benchmark: Benchmark, reach: Reach) -> Setting:
        from components.benchmarks.on_cluster.benchmark import Setting

        planner = planner_of(self.loaded)
        data = planner.material(benchmark.data, "data") if benchmark.data else None
        return Setting(
            results=self.site.results,
            kubeconfig=reach.kubeconfig,
            context=reach.context,
            data=_data(data, self.site),
            data_digest="" if data is None else identity(data),
            data_sha256=data.sha256 if isinstance(data, Remote) else None,
            pool=load_pool(self.loaded.spec, benchmark),
            spec_digest=spec_digest(self.loaded),
            rerun=self.rerun.get(benchmark.name, ""),
        )


def _data(data: Material | None, site: Site) -> Path | str | None:
    """A file of this machine, or the URL where pods fetch it."""
    if data is None:
        return None
    return data.url if isinstance(data, Remote) else data_path(data, site)


def _told(served: Served, plan: PodPlan) -> dict[str, Any]:
    """What the command line must know of a group to find it again."""
    return {
        "platform": served.platform,
        "protocol": served.protocol,
        "model": served.model,
        "namespace": served.namespace,
        "service": served.service,
        "rest_port": served.rest_port,
        "grpc_port": served.grpc_port or 0,
        "selector": dict(served.selector),
        "container": served.container,
        "replicas": served.replicas,
        "cores": served.cores,
        "pinned": plan.exclusive,
    }

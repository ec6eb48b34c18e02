"""A GKE cluster as a component: APIs, network, accounts with least rights, cluster, node pools, bucket, registry.

A plain Pulumi program: planned by the embedded engine, applied by Pulumi. The cluster has no default pool (its nodes
would have none of the settings that pinning needs), private nodes unless the spec says otherwise, and workload
identity, so that pods read models from buckets without keys. Names are the spec's, never random: a replacement
therefore deletes before it creates, and the plan says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pulumi

from components.cluster import accounts, buckets
from components.cluster.gcp import GcpResource
from components.cluster.gke_props import cluster_props
from components.cluster.kubeconfig import gke_kubeconfig
from components.cluster.network import ClusterNetwork, cluster_network
from components.cluster.node_pool import node_pool
from schemas.spec import GkeCluster as GkeClusterSpec

TYPE: Final = "inferstack:cluster:Gke"
APIS: Final = (
    "artifactregistry",
    "cloudresourcemanager",
    "compute",
    "container",
    "iam",
    "logging",
    "monitoring",
    "storage",
)
POSTURE_API: Final = "containersecurity"


class GkeCluster(pulumi.ComponentResource):
    """The cluster of a spec, and what others need to know of it.

    Attributes:
        name: what it is called in the cloud.
        cluster: the cluster's own resource.
        node_pools: the pools' resources, by the names of the spec.
        kubeconfig: reaches the cluster once it stands; holds no secret.
        bucket: name of the bucket for models, once it is there.
        model_account: e-mail address of the service account that may read and write that bucket. Pods whose Kubernetes
            service account is `schemas.stores.BUCKET_ACCOUNT` in the stack's namespace act as it.
        model_rights: what lets that account do so, and those pods act as it.
        registry: what images of the cluster's repository begin with.
    """

    def __init__(
        self,
        spec: GkeClusterSpec,
        *,
        stack: str,
        namespace: str = "",
        proxies: str = "",
        uses: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare everything.

        Args:
            stack: names the cluster unless the spec does, and the namespace unless it is given.
            proxies: addresses of the proxies of regional gateways; empty without (`schemas.gateways.proxies_of`).
            uses: roles of the pods' account on buckets that are not the cluster's, by bucket.
        """
        self.name = spec.name or stack
        super().__init__(TYPE, self.name, {}, opts)
        self._spec, self._child = spec, pulumi.ResourceOptions(parent=self)
        apis = [self._api(api) for api in _apis(spec)]
        self._after_apis = pulumi.ResourceOptions(parent=self, depends_on=apis)
        network = cluster_network(spec, self.name, self._after_apis, proxies=proxies)
        account, rights = self._node_account()
        self.registry = buckets.registry_address(spec, self.name)
        rights += buckets.image_registry(spec, self.name, [account] if account else [], self._after_apis)
        email = account.output("email") if account else ""
        self.cluster = self._cluster(network, email, apis)
        self.node_pools = self._pools(email, rights)
        self.bucket = buckets.model_bucket(spec, self.name, self._after_apis)
        self.model_account, self.model_rights = self._readers(namespace or stack, uses or {})
        self.kubeconfig = pulumi.Output.all(
            self.cluster.output("name"), self.cluster.output("endpoint"), self.cluster.output("masterAuth")
        ).apply(lambda known: gke_kubeconfig(known[0], known[1], known[2]["clusterCaCertificate"]))
        self.register_outputs(
            {
                "name": self.cluster.output("name"),
                "endpoint": self.cluster.output("endpoint"),
                "bucket": self.bucket,
                "modelAccount": self.model_account,
                "registry": self.registry,
            }
        )

    def _api(self, api: str) -> pulumi.Resource:
        """An API that the project must have on; left on when the stack goes, because others may use it."""
        props = {"project": self._spec.project, "service": f"{api}.googleapis.com", "disableOnDestroy": False}
        return GcpResource("gcp:projects/service:Service", f"{self._spec.project}-{api}", props, self._child)

    def _cluster(
        self, network: ClusterNetwork, node_account: pulumi.Input[str], apis: list[pulumi.Resource]
    ) -> GcpResource:
        return GcpResource(
            "gcp:container/cluster:Cluster",
            self.name,
            cluster_props(self._spec, self.name, network, node_account),
            pulumi.ResourceOptions(parent=self, depends_on=[*apis, *network.resources]),
            outputs=("endpoint", "masterAuth"),
        )

    def _pools(self, node_account: pulumi.Input[str], rights: list[pulumi.Resource]) -> dict[str, GcpResource]:
        return {
            pool.name: node_pool(
                pool,
                self._spec,
                name=f"{self.name}-{pool.name}",
                cluster_name=self.cluster.output("name"),
                service_account=pool.service_account or node_account,
                opts=pulumi.ResourceOptions(parent=self, depends_on=rights),
            )
            for pool in self._spec.node_pools
        }

    def _node_account(self) -> tuple[GcpResource | None, list[pulumi.Resource]]:
        """The service account of nodes whose pool names none, and its rights; nothing when nobody would use it."""
        spec = self._spec
        provisioned = spec.autoscaling is not None and spec.autoscaling.auto_provisioning is not None
        if spec.node_pools and all(pool.service_account for pool in spec.node_pools) and not provisioned:
            return None, []
        account = accounts.service_account(
            self.name, "nodes", project=spec.project, title=f"Nodes of {self.name}", opts=self._after_apis
        )
        right = accounts.project_right(
            account, accounts.NODE_ROLE, name=f"{self.name}-nodes", project=spec.project, opts=self._child
        )
        return account, [right]

    def _readers(self, namespace: str, uses: Mapping[str, str]) -> tuple[pulumi.Output[str], list[pulumi.Resource]]:
        """The account that pods read and write the bucket as, and its rights.

        Who uses it comes after the rights and holds nothing of them: what holds a value of something that is deleted
        before it is made again is replaced with it.
        """
        spec, name = self._spec, f"{self.name}-models"
        account = accounts.service_account(
            self.name, "models", project=spec.project, title=f"Pods of {self.name}", opts=self._after_apis
        )
        rights = [
            buckets.store_right(self.bucket, account, name=f"{name}-use", opts=self._child),
            *(
                buckets.store_right(other, account, name=f"{name}-use-{other}", role=role, opts=self._child)
                for other, role in uses.items()
            ),
        ]
        # The project has a workload identity pool only once a cluster with workload identity stands.
        after_cluster = pulumi.ResourceOptions(parent=self, depends_on=[self.cluster])
        identity = accounts.workload_identity(
            account, project=spec.project, namespace=namespace, name=name, opts=after_cluster
        )
        return account.output("email"), [identity, *rights]


def _apis(spec: GkeClusterSpec) -> tuple[str, ...]:
    posture = spec.security_posture
    looks = (posture.mode, posture.vulnerabilities) != ("disabled", "disabled")
    return tuple(sorted((*APIS, POSTURE_API))) if looks else APIS

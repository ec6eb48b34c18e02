"""A GKE cluster as a component: APIs, network, a service account with least rights, the cluster, its node pools.

A plain Pulumi program: planned by the embedded engine, applied by Pulumi. The cluster has no default pool (its nodes
would have none of the settings that pinning needs), private nodes unless the spec says otherwise, and workload
identity, so that pods read models from buckets without keys. Names are the spec's, never random: a replacement
therefore deletes before it creates, and the plan says so.
"""

from __future__ import annotations

from typing import Any, Final

import pulumi

from components.cluster.kubeconfig import gke_kubeconfig
from components.cluster.network import ClusterNetwork, GcpResource, cluster_network
from components.cluster.node_pool import node_pool
from schemas.spec import GkeCluster as GkeClusterSpec

TYPE: Final = "inferstack:cluster:Gke"
APIS: Final = ("compute", "container", "iam", "logging", "monitoring")
# What a node needs to join, log and be watched, and to pull images:
# https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa
NODE_ROLES: Final = ("roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader")
LONGEST_ACCOUNT_ID: Final = 30


class GkeCluster(pulumi.ComponentResource):
    """The cluster of a spec; `name` is what it is called in the cloud, `node_pools` are by the spec's names.

    `kubeconfig` reaches it once it stands.
    """

    def __init__(self, spec: GkeClusterSpec, *, stack: str, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare everything; `stack` names the cluster unless the spec does."""
        self.name = spec.name or stack
        super().__init__(TYPE, self.name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        apis = [_api(spec.project, api, child) for api in APIS]
        after_apis = pulumi.ResourceOptions(parent=self, depends_on=apis)
        network = cluster_network(spec, self.name, after_apis)
        self.cluster = GcpResource(
            "gcp:container/cluster:Cluster",
            self.name,
            cluster_props(spec, self.name, network),
            pulumi.ResourceOptions(parent=self, depends_on=[*apis, *network.resources]),
            outputs=("endpoint", "masterAuth"),
        )
        account, rights = self._node_account(spec, after_apis)
        self.node_pools = {
            pool.name: node_pool(
                pool,
                spec,
                name=f"{self.name}-{pool.name}",
                cluster_name=self.cluster.output("name"),
                service_account=pool.service_account or account,
                opts=pulumi.ResourceOptions(parent=self, depends_on=rights),
            )
            for pool in spec.node_pools
        }
        self.kubeconfig = pulumi.Output.all(
            self.cluster.output("name"), self.cluster.output("endpoint"), self.cluster.output("masterAuth")
        ).apply(lambda known: gke_kubeconfig(known[0], known[1], known[2]["clusterCaCertificate"]))
        self.register_outputs({"name": self.cluster.output("name"), "endpoint": self.cluster.output("endpoint")})

    def _node_account(
        self, spec: GkeClusterSpec, opts: pulumi.ResourceOptions
    ) -> tuple[pulumi.Input[str], list[pulumi.Resource]]:
        """The service account of nodes whose pool names none, and its rights; nothing when each pool names one."""
        if spec.node_pools and all(pool.service_account for pool in spec.node_pools):
            return "", []
        account = GcpResource(
            "gcp:serviceaccount/account:Account",
            f"{self.name}-nodes",
            {"accountId": account_id(self.name), "project": spec.project, "displayName": f"Nodes of {self.name}"},
            opts,
            outputs=("email", "member"),
        )
        rights: list[pulumi.Resource] = [
            GcpResource(
                "gcp:projects/iAMMember:IAMMember",
                f"{self.name}-nodes-{role.removeprefix('roles/')}",
                {"project": spec.project, "role": role, "member": account.output("member")},
                pulumi.ResourceOptions(parent=self),
            )
            for role in NODE_ROLES
        ]
        return account.output("email"), rights


def account_id(cluster: str) -> str:
    """The id of the nodes' service account: at most 30 characters, whatever the cluster is called."""
    suffix = "-nodes"
    return cluster[: LONGEST_ACCOUNT_ID - len(suffix)].rstrip("-") + suffix


def cluster_props(spec: GkeClusterSpec, name: str, network: ClusterNetwork) -> dict[str, Any]:
    """The cluster itself, as the API wants it."""
    props: dict[str, Any] = {
        "name": name,
        "project": spec.project,
        "location": spec.location,
        "network": network.network,
        "subnetwork": network.subnetwork,
        "networkingMode": "VPC_NATIVE",
        "ipAllocationPolicy": dict(network.ip_allocation),
        # GKE makes no cluster without a pool: this one is deleted as soon as the cluster stands.
        "initialNodeCount": 1,
        "removeDefaultNodePool": True,
        "deletionProtection": spec.deletion_protection,
        "enableShieldedNodes": True,
        "releaseChannel": {"channel": spec.release_channel.upper()},
        "workloadIdentityConfig": {"workloadPool": f"{spec.project}.svc.id.goog"},
        "gatewayApiConfig": {"channel": "CHANNEL_STANDARD" if spec.gateway_api else "CHANNEL_DISABLED"},
        "monitoringConfig": {"managedPrometheus": {"enabled": spec.managed_prometheus}},
        "addonsConfig": {"gcsFuseCsiDriverConfig": {"enabled": True}},
    }
    if spec.version:
        props["minMasterVersion"] = spec.version
    if spec.network.private_nodes:
        props["privateClusterConfig"] = {"enablePrivateNodes": True, "enablePrivateEndpoint": False}
    if blocks := spec.network.authorized_networks:
        props["masterAuthorizedNetworksConfig"] = {"cidrBlocks": [{"cidrBlock": block} for block in blocks]}
    if spec.maintenance:
        props["maintenancePolicy"] = {"dailyMaintenanceWindow": {"startTime": spec.maintenance.start}}
    if spec.labels:
        props["resourceLabels"] = dict(spec.labels)
    return props


def _api(project: str, api: str, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """An API that the project must have on; left on when the stack goes, because others may use it."""
    props = {"project": project, "service": f"{api}.googleapis.com", "disableOnDestroy": False}
    return GcpResource("gcp:projects/service:Service", f"{project}-{api}", props, opts)

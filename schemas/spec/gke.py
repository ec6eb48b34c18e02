"""What can be said of a GKE cluster."""

from collections.abc import Mapping
from typing import Literal

from schemas.record import record
from schemas.spec.fields import Name, item, where
from schemas.spec.node_pool import NodePool


@record(kw_only=True)
class Network:
    """The cluster's network."""

    name: str | None = item("An existing network; one is made when absent.", default=None)
    subnetwork: str | None = item("An existing subnetwork of it.", default=None)
    nodes_cidr: str = item("Addresses of nodes.", default="10.0.0.0/20")
    pods_cidr: str = item("Addresses of pods.", default="10.4.0.0/14")
    services_cidr: str = item("Addresses of services.", default="10.8.0.0/20")
    private_nodes: bool = item("Give nodes no public address; a Cloud NAT is made.", default=True)
    authorized_networks: tuple[str, ...] = item("Networks that may reach the control plane.", default=())


@record(kw_only=True)
class MaintenanceWindow:
    """When GKE may work on the cluster."""

    start: str = item("Start of the daily window, UTC, for example 03:00.")


@record(kw_only=True)
class GkeCluster:
    """A GKE cluster that the stack makes."""

    provider: Literal["gke"] = item("Google Kubernetes Engine.")
    project: str = item("Google Cloud project.")
    location: str = item("Zone or region, for example europe-central2-a.")
    name: Name | None = item("Name of the cluster; the stack's name when absent.", default=None)
    release_channel: Literal["rapid", "regular", "stable", "extended"] = item("Release channel.", default="regular")
    version: str | None = item("Oldest version of the control plane.", default=None)
    network: Network = item("The cluster's network.", default=Network())
    node_pools: tuple[NodePool, ...] = item("Node pools.", default=())
    deletion_protection: bool = item("Refuse to delete the cluster.", default=True)
    maintenance: MaintenanceWindow | None = item("When GKE may work on the cluster.", default=None)
    gateway_api: bool = item("Switch on GKE's Gateway API.", default=True)
    managed_prometheus: bool = item("Switch on managed Prometheus.", default=True)
    labels: Mapping[str, str] | None = item("Labels of the cluster.", default=None)
    at: str = where()

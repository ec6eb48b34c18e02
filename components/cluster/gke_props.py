"""The properties of a GKE cluster as the API wants them. Pure: every field of the spec's `GkeCluster`.

What the spec can switch off is stated even when it is off: GKE keeps what a program leaves out.
"""

from __future__ import annotations

from typing import Any, Final

import pulumi

from components.cluster.maintenance import maintenance_policy
from components.cluster.network import ClusterNetwork
from schemas.spec import AutoProvisioning, GkeCluster

SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)
EVERYWHERE: Final = "0.0.0.0/0"


def cluster_props(
    spec: GkeCluster, name: str, network: ClusterNetwork, node_account: pulumi.Input[str]
) -> dict[str, Any]:
    """The cluster itself; `node_account` is what nodes run as that GKE makes by itself."""
    props: dict[str, Any] = {
        "name": name,
        "project": spec.project,
        "location": spec.location,
        # GKE makes no cluster without a pool: this one is deleted as soon as the cluster stands.
        "initialNodeCount": 1,
        "removeDefaultNodePool": True,
        "deletionProtection": spec.deletion_protection,
        "enableShieldedNodes": True,
        "releaseChannel": {
            "channel": "UNSPECIFIED" if spec.release_channel == "none" else spec.release_channel.upper()
        },
        "workloadIdentityConfig": {"workloadPool": f"{spec.project}.svc.id.goog"},
        "gatewayApiConfig": {"channel": "CHANNEL_STANDARD" if spec.gateway_api else "CHANNEL_DISABLED"},
        "addonsConfig": _addons(spec),
        **_network(spec, network),
        **_watching(spec),
        **_optional(spec, node_account),
    }
    return props


def _network(spec: GkeCluster, network: ClusterNetwork) -> dict[str, Any]:
    own = spec.network
    props: dict[str, Any] = {
        "network": network.network,
        "subnetwork": network.subnetwork,
        "networkingMode": "VPC_NATIVE",
        "ipAllocationPolicy": dict(network.ip_allocation),
        "datapathProvider": "ADVANCED_DATAPATH" if own.dataplane_v2 else "LEGACY_DATAPATH",
    }
    private = {"enablePrivateNodes": own.private_nodes, "enablePrivateEndpoint": own.private_endpoint}
    cidr = {"masterIpv4CidrBlock": own.control_plane_cidr} if own.control_plane_cidr else {}
    props["privateClusterConfig"] = {**private, **cidr}
    # No network at all would shut everybody out, and the provider cannot say that the list is off.
    allowed = own.authorized_networks or (() if own.private_endpoint else (EVERYWHERE,))
    props["masterAuthorizedNetworksConfig"] = {"cidrBlocks": [{"cidrBlock": block} for block in allowed]}
    return props


def _addons(spec: GkeCluster) -> dict[str, Any]:
    cache = {} if spec.dns_cache is None else {"dnsCacheConfig": {"enabled": spec.dns_cache}}
    return {"gcsFuseCsiDriverConfig": {"enabled": spec.gcs_fuse}, **cache}


def _watching(spec: GkeCluster) -> dict[str, Any]:
    """Logs, metrics, costs, and what GKE looks for by itself."""
    posture = spec.security_posture
    return {
        "loggingConfig": {"enableComponents": [_component(name) for name in spec.logging]},
        "monitoringConfig": {
            "enableComponents": [_component(name) for name in spec.monitoring],
            "managedPrometheus": {"enabled": spec.managed_prometheus},
        },
        "costManagementConfig": {"enabled": spec.cost_allocation},
        "securityPostureConfig": {
            "mode": posture.mode.upper(),
            "vulnerabilityMode": f"VULNERABILITY_{posture.vulnerabilities.upper()}",
        },
    }


def _component(name: str) -> str:
    return "SYSTEM_COMPONENTS" if name == "system" else name.upper().replace("-", "_")


def _optional(spec: GkeCluster, node_account: pulumi.Input[str]) -> dict[str, Any]:
    props: dict[str, Any] = {}
    if spec.zones:
        props["nodeLocations"] = list(spec.zones)
    if spec.version:
        props["minMasterVersion"] = spec.version
    if spec.autoscaling:
        profile = {"autoscalingProfile": spec.autoscaling.profile.upper().replace("-", "_")}
        provisioning = spec.autoscaling.auto_provisioning
        more = _auto_provisioning(provisioning, node_account) if provisioning else {"enabled": False}
        props["clusterAutoscaling"] = {**profile, **more}
    if spec.maintenance:
        props["maintenancePolicy"] = maintenance_policy(spec.maintenance)
    if spec.labels:
        props["resourceLabels"] = dict(spec.labels)
    return props


def _auto_provisioning(spec: AutoProvisioning, node_account: pulumi.Input[str]) -> dict[str, Any]:
    """Node pools that GKE makes by itself, with the same rights and repairs as those of the spec."""
    limits = {"cpu": spec.max_cpus, "memory": round(spec.max_memory_bytes / 2**30)}
    defaults = {
        "serviceAccount": node_account,
        "oauthScopes": list(SCOPES),
        "management": {"autoRepair": True, "autoUpgrade": True},
        "shieldedInstanceConfig": {"enableSecureBoot": True, "enableIntegrityMonitoring": True},
    }
    zones = {"autoProvisioningLocations": list(spec.zones)} if spec.zones else {}
    return {
        "enabled": True,
        "resourceLimits": [{"resourceType": kind, "maximum": most} for kind, most in limits.items()],
        "autoProvisioningDefaults": defaults,
        **zones,
    }

"""Which fields of a GKE spec decide which inputs of the cloud's resources: a plan says where each value comes from.

An input that is not listed is decided by the field of its own name, or by the item as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.spec import GkeCluster
from stack.programs.sources import Sources

Fields = Mapping[str, tuple[str, ...]]

POOL: Final[Fields] = {
    "nodeCount": ("nodes",),
    "initialNodeCount": ("nodes",),
    "autoscaling": ("nodes",),
    "nodeLocations": ("zones",),
    "maxPodsPerNode": ("maxPods",),
    "placementPolicy": ("compactPlacement",),
    "upgradeSettings": ("upgrade",),
    "management.autoRepair": ("autoRepair",),
    "management.autoUpgrade": ("autoUpgrade",),
    "nodeDrainConfigs": ("drain",),
    "nodeDrainConfigs[0].graceTerminationDuration": ("drain.grace",),
    "nodeDrainConfigs[0].pdbTimeoutDuration": ("drain.pdbTimeout",),
    "nodeDrainConfigs[0].respectPdbDuringNodePoolDeletion": ("drain.respectPdbOnDeletion",),
    "nodeConfig.diskSizeGb": ("disk.size", "disk"),
    "nodeConfig.diskType": ("disk.type", "disk"),
    "nodeConfig.advancedMachineFeatures": ("threadsPerCore",),
    "nodeConfig.ephemeralStorageLocalSsdConfig": ("localSsd",),
    "nodeConfig.ephemeralStorageLocalSsdConfig.localSsdCount": ("localSsd.count",),
    "nodeConfig.localNvmeSsdBlockConfig": ("localSsd",),
    "nodeConfig.localNvmeSsdBlockConfig.localSsdCount": ("localSsd.count",),
    "nodeConfig.gvnic": ("gvnic",),
    "nodeConfig.gvnic.enabled": ("gvnic",),
    "nodeConfig.gcfsConfig": ("imageStreaming",),
    "nodeConfig.gcfsConfig.enabled": ("imageStreaming",),
    "nodeConfig.reservationAffinity": ("reservation",),
    "nodeConfig.reservationAffinity.consumeReservationType": ("reservation.use",),
    "nodeConfig.reservationAffinity.values": ("reservation.name",),
    "nodeConfig.shieldedInstanceConfig": ("shielded",),
    "nodeConfig.shieldedInstanceConfig.enableSecureBoot": ("shielded.secureBoot",),
    "nodeConfig.shieldedInstanceConfig.enableIntegrityMonitoring": ("shielded.integrityMonitoring",),
    "nodeConfig.tags": ("networkTags",),
    "nodeConfig.kubeletConfig.cpuManagerPolicy": ("cpuManager",),
    "nodeConfig.kubeletConfig.cpuCfsQuota": ("cfsQuota",),
    "nodeConfig.kubeletConfig.cpuCfsQuotaPeriod": ("cfsQuotaPeriod",),
    "nodeConfig.kubeletConfig.podPidsLimit": ("maxPids",),
    "nodeConfig.kubeletConfig.maxParallelImagePulls": ("maxImagePulls",),
    "nodeConfig.kubeletConfig.topologyManager": ("topologyManager",),
    "nodeConfig.kubeletConfig.topologyManager.policy": ("topologyManager",),
    "nodeConfig.kubeletConfig.topologyManager.scope": ("topologyScope",),
    "nodeConfig.kubeletConfig.memoryManager": ("memoryManager",),
    "nodeConfig.kubeletConfig.memoryManager.policy": ("memoryManager",),
    "nodeConfig.linuxNodeConfig.hugepagesConfig": ("hugepages",),
    "nodeConfig.linuxNodeConfig.hugepagesConfig.hugepageSize2m": ("hugepages.size2m",),
    "nodeConfig.linuxNodeConfig.hugepagesConfig.hugepageSize1g": ("hugepages.size1g",),
    "nodeConfig.linuxNodeConfig.transparentHugepageEnabled": ("transparentHugepages",),
}
CLUSTER: Final[Fields] = {
    "minMasterVersion": ("version",),
    "nodeLocations": ("zones",),
    "privateClusterConfig": ("network",),
    "privateClusterConfig.enablePrivateNodes": ("network.privateNodes",),
    "privateClusterConfig.enablePrivateEndpoint": ("network.privateEndpoint",),
    "privateClusterConfig.masterIpv4CidrBlock": ("network.controlPlaneCidr",),
    "masterAuthorizedNetworksConfig": ("network.authorizedNetworks", "network"),
    "datapathProvider": ("network.dataplaneV2", "network"),
    "ipAllocationPolicy": ("network",),
    "clusterAutoscaling": ("autoscaling",),
    "clusterAutoscaling.autoscalingProfile": ("autoscaling.profile",),
    "gatewayApiConfig": ("gatewayApi",),
    "addonsConfig.gcsFuseCsiDriverConfig.enabled": ("gcsFuse",),
    "addonsConfig.dnsCacheConfig": ("dnsCache",),
    "addonsConfig.dnsCacheConfig.enabled": ("dnsCache",),
    "loggingConfig": ("logging",),
    "monitoringConfig.enableComponents": ("monitoring",),
    "monitoringConfig.managedPrometheus.enabled": ("managedPrometheus",),
    "costManagementConfig": ("costAllocation",),
    "securityPostureConfig": ("securityPosture",),
    "securityPostureConfig.mode": ("securityPosture.mode",),
    "securityPostureConfig.vulnerabilityMode": ("securityPosture.vulnerabilities",),
    "maintenancePolicy": ("maintenance",),
    "resourceLabels": ("labels",),
}
SUBNETWORK: Final[Fields] = {
    "ipCidrRange": ("nodesCidr",),
    "secondaryIpRanges[0].ipCidrRange": ("podsCidr",),
    "secondaryIpRanges[1].ipCidrRange": ("servicesCidr",),
}
BUCKET: Final[Fields] = {"versioning.enabled": ("versioning",), "forceDestroy": ("deleteContents",)}
REGISTRY: Final[Fields] = {"repositoryId": ("name",)}


def gke_sources(cluster: GkeCluster, name: str) -> dict[tuple[str, str], Sources]:
    """Where the resources of a cluster come from; `name` is the cluster's."""
    pools = {("NodePool", f"{name}-{pool.name}"): Sources(pool.at, POOL) for pool in cluster.node_pools}
    return {
        **pools,
        ("Cluster", name): Sources(cluster.at, CLUSTER),
        ("Subnetwork", f"{name}-subnetwork"): Sources(f"{cluster.at}.network", SUBNETWORK),
        ("Subnetwork", f"{name}-proxies"): Sources(f"{cluster.at}.network.proxiesCidr", {}),
        ("Bucket", f"{name}-models"): Sources(f"{cluster.at}.bucket", BUCKET),
        ("Repository", f"{name}-images"): Sources(f"{cluster.at}.registry", REGISTRY),
    }

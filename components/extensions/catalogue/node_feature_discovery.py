"""Node Feature Discovery: labels that say what a node's CPUs can do, and whether it has several NUMA nodes."""

from components.extensions.entry import Chart, Entry

ENTRY = Entry(
    name="node-feature-discovery",
    what="labels of nodes: CPU features, NUMA",
    version="0.19.0",
    namespace="node-feature-discovery",
    charts=(Chart("node-feature-discovery", "oci://registry.k8s.io/nfd/charts/node-feature-discovery"),),
    deployments=("node-feature-discovery-master", "nfd-master"),
)

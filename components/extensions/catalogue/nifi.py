"""NiFi: flows of data. The operator; a NifiCluster is the user's own."""

from components.extensions.entry import Chart, Entry

ENTRY = Entry(
    name="nifi",
    what="flows of data: the operator for NifiClusters",
    version="1.17.0",
    namespace="nifi",
    charts=(Chart("nifikop", "oci://ghcr.io/konpyutaika/helm-charts/nifikop"),),
    needs=("cert-manager",),
    deployments=("nifikop",),
    warnings=("the operator makes no NiFi by itself: declare a NifiCluster as `{name: ..., manifests: ...}`",),
)

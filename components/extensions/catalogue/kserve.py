"""KServe: InferenceServices. Its CRDs and its controller; our own ClusterServingRuntimes come with the serving groups.

KServe's chart of runtimes is not installed: it has none for OpenVINO, and a group of ours names its runtime.
"""

from components.extensions.entry import Chart, Entry

REGISTRY = "oci://ghcr.io/kserve/charts"

ENTRY = Entry(
    name="kserve",
    what="InferenceServices, for `platform: kserve`",
    version="0.20.0",
    namespace="kserve",
    charts=(
        Chart("kserve-crd", f"{REGISTRY}/kserve-crd", prefix="v", main=False),
        Chart(
            "kserve",
            f"{REGISTRY}/kserve-resources",
            prefix="v",
            values={
                "kserve": {
                    "controller": {
                        # Knative's queue-proxy would take the exclusive cores of pinned instances away.
                        "deploymentMode": "Standard",
                        # Routes are our own: those of KServe 0.20 carry no weights.
                        "gateway": {"disableIngressCreation": True},
                    },
                    # Init containers count too: requests must be limits, in whole CPUs.
                    "storage": {
                        "resources": {
                            "requests": {"cpu": "1", "memory": "1Gi"},
                            "limits": {"cpu": "1", "memory": "1Gi"},
                        }
                    },
                }
            },
        ),
    ),
    needs=("cert-manager",),
    after=("gateway-api", "istio", "knative", "keda"),
    deployments=("kserve-controller-manager",),
)

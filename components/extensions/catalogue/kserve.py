"""KServe: InferenceServices. Its CRDs and its controller; our own ClusterServingRuntimes come with the serving groups.

KServe's chart of runtimes is not installed: it has none for OpenVINO, and a group of ours names its runtime.
"""

from components.extensions.entry import Around, Chart, Entry, Values

REGISTRY = "oci://ghcr.io/kserve/charts"


def _values(around: Around) -> Values:
    """What pinned instances need, and no more of a mesh than there is."""
    gateway = {
        # Routes of Standard mode are our own: those of KServe 0.20 carry no weights.
        "disableIngressCreation": True,
        "disableIstioVirtualHost": "istio" not in around.present,
    }
    # Init containers count too: requests must be limits, in whole CPUs.
    room = {"cpu": "1", "memory": "1Gi"}
    return {
        "kserve": {
            # Knative's queue-proxy would take the exclusive cores of pinned instances away.
            "controller": {"deploymentMode": "Standard", "gateway": gateway},
            "storage": {"resources": {"requests": room, "limits": dict(room)}},
        }
    }


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
            values=_values,
        ),
    ),
    needs=("cert-manager",),
    after=("gateway-api", "istio", "knative", "keda"),
    deployments=("kserve-controller-manager",),
)

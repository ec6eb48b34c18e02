"""Istio: mesh, mTLS and gateways."""

from components.extensions.entry import Chart, Entry

REPO = "https://istio-release.storage.googleapis.com/charts"

ENTRY = Entry(
    name="istio",
    what="service mesh: mTLS, gateways, traffic splits",
    version="1.30.3",
    namespace="istio-system",
    charts=(
        Chart("istio-base", "base", REPO, main=False),
        Chart("istiod", "istiod", REPO),
        # Knative and KServe look for a gateway of this name in this namespace.
        # Its Service is ready when it has an address from outside, which many a cluster never gives.
        Chart("istio-ingressgateway", "gateway", REPO, main=False, wait=False),
    ),
    needs=("gateway-api",),
    deployments=("istiod",),
    outputs={"gateway": "kubectl get service -n {namespace} istio-ingressgateway"},
    warnings=("an injected sidecar takes the exclusive cores of a pinned instance away; the serving groups refuse it",),
)

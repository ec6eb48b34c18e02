"""Istio: mesh, mTLS and gateways.

Its pods in a stack's namespace, proxies beside servers and gateways of the Gateway API, keep the `restricted` standard
there: a plugin of the nodes' network (CNI) leads a pod's traffic to its proxy, which without it an init container with
the rights of root would have to do. The rest is said by the pods themselves, and by what a Gateway's pods are made of.
"""

from components.extensions.entry import Around, Chart, Entry, Values

REPO = "https://istio-release.storage.googleapis.com/charts"


def _plugin(around: Around) -> Values:
    """GKE has its plugins in a folder of its own, and critical pods outside of kube-system only where a quota says so.

    https://istio.io/latest/docs/setup/additional-setup/cni/#hosted-kubernetes-settings
    """
    return {"cniBinDir": "/home/kubernetes/bin", "resourceQuotas": {"enabled": True}} if around.gke else {}


ENTRY = Entry(
    name="istio",
    what="service mesh: mTLS, gateways, traffic splits",
    version="1.30.3",
    namespace="istio-system",
    charts=(
        Chart("istio-base", "base", REPO, main=False),
        Chart("istio-cni", "cni", REPO, values=_plugin, main=False),
        Chart("istiod", "istiod", REPO, values={"pilot": {"cni": {"enabled": True}}}),
        # Knative and KServe look for a gateway of this name in this namespace.
        # Its Service is ready when it has an address from outside, which many a cluster never gives.
        Chart("istio-ingressgateway", "gateway", REPO, main=False, wait=False),
    ),
    needs=("gateway-api",),
    deployments=("istiod",),
    outputs={"gateway": "kubectl get service -n {namespace} istio-ingressgateway"},
    warnings=("an injected sidecar takes the exclusive cores of a pinned instance away; the serving groups refuse it",),
)

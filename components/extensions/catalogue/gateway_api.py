"""Gateway API: the kinds of Gateway and HTTPRoute. A controller for them (Istio, GKE) is another matter.

There is no chart of the project's own. The file of its release is fetched once, through the store, and its documents
are objects of the stack.
"""

from components.extensions.entry import BuiltIn, Entry

ENTRY = Entry(
    name="gateway-api",
    what="kinds for gateways and routes (no controller)",
    version="1.5.1",
    namespace="",
    manifests=("https://github.com/kubernetes-sigs/gateway-api/releases/download/v{version}/standard-install.yaml",),
    crds=("httproutes.gateway.networking.k8s.io",),
    built_in=BuiltIn("its own Gateway API (`gatewayApi: true`)", "gateway_api"),
)

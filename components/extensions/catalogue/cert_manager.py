"""cert-manager: certificates for webhooks and for what is reached from outside."""

from components.extensions.entry import Chart, Entry

ENTRY = Entry(
    name="cert-manager",
    what="makes and renews TLS certificates",
    version="1.21.1",
    namespace="cert-manager",
    charts=(
        Chart(
            "cert-manager",
            "oci://quay.io/jetstack/charts/cert-manager",
            prefix="v",
            # With `keep`, CRDs and certificates outlive the chart.
            values={"crds": {"enabled": True, "keep": True}},
        ),
    ),
    deployments=("cert-manager",),
)

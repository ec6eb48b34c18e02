"""KEDA: autoscaling by any metric, requests among them."""

from components.extensions.entry import Chart, Entry

ENTRY = Entry(
    name="keda",
    what="autoscaling by requests and other metrics",
    version="2.18.3",
    namespace="keda",
    charts=(Chart("keda", "keda", "https://kedacore.github.io/charts"),),
    deployments=("keda-operator",),
)

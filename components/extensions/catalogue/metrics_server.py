"""metrics-server: CPU and memory of pods, which an autoscaler asks for."""

from components.extensions.entry import BuiltIn, Chart, Entry

ENTRY = Entry(
    name="metrics-server",
    what="CPU and memory of pods, for autoscaling",
    version="3.13.1",
    namespace="kube-system",
    charts=(Chart("metrics-server", "metrics-server", "https://kubernetes-sigs.github.io/metrics-server"),),
    built_in=BuiltIn("its own metrics server"),
    deployments=("metrics-server",),
)

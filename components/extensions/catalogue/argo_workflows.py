"""Argo Workflows."""

from components.extensions.entry import Chart, Entry

ENTRY = Entry(
    name="argo-workflows",
    what="workflows of containers",
    version="1.0.18",
    namespace="argo",
    charts=(
        Chart(
            "argo-workflows",
            "argo-workflows",
            "https://argoproj.github.io/argo-helm",
            # Full CRDs are applied by a Job that fetches them from the internet; these are in the chart.
            values={"crds": {"full": False}, "server": {"authModes": ["client"]}},
        ),
    ),
    outputs={
        "url": "http://argo-workflows-server.{namespace}.svc:2746",
        "token": "kubectl create token -n {namespace} argo-workflows-server",
    },
    deployments=("argo-workflows-workflow-controller", "workflow-controller"),
)

"""Prometheus and Grafana, with a dashboard for what serves, and the scraping of all pods that serve."""

from components.extensions.dashboard import dashboard
from components.extensions.entry import Around, BuiltIn, Chart, Entry, Licence, password_command
from components.kubernetes.objects import COMPONENT, MANAGED_BY, Manifest
from components.serving.pods.monitor import GROUP, pod_endpoint

NAME = "kube-prometheus-stack"


def _objects(around: Around) -> tuple[Manifest, ...]:
    """The dashboard, which Grafana's sidecar finds by its label, and a monitor of every serving pod of any stack."""
    return (
        dashboard(around.namespace),
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PodMonitor",
            "metadata": {"name": "inferstack-serving", "namespace": around.namespace},
            "spec": {
                "namespaceSelector": {"any": True},
                "selector": {"matchLabels": {MANAGED_BY: "inferstack", COMPONENT: "serving"}},
                # Knative gives the port a name of its own.
                "podMetricsEndpoints": [pod_endpoint(port, "/metrics") for port in ("http", "user-port")],
            },
        },
    )


ENTRY = Entry(
    name=NAME,
    what="Prometheus and Grafana, with a dashboard of the serving metrics",
    version="88.5.3",
    namespace="monitoring",
    licences=(Licence("Apache-2.0 and AGPL-3.0", says="Grafana, which it installs, is AGPL-3.0"),),
    charts=(
        Chart(
            NAME,
            NAME,
            "https://prometheus-community.github.io/helm-charts",
            values={
                "prometheus": {
                    # Monitors of everybody, not of this release alone; but those of single groups, which are for a
                    # Prometheus of somebody else, would have their requests counted twice.
                    "prometheusSpec": {
                        "podMonitorSelector": {"matchExpressions": [{"key": GROUP, "operator": "DoesNotExist"}]},
                        "serviceMonitorSelectorNilUsesHelmValues": False,
                    }
                },
            },
        ),
    ),
    objects=_objects,
    built_in=BuiltIn("managed Prometheus (`managedPrometheus: true`)", "managed_prometheus"),
    outputs={
        "grafana": f"http://{NAME}-grafana.{{namespace}}.svc",
        "prometheus": f"http://{NAME}-prometheus.{{namespace}}.svc:9090",
        "user": "admin",
        "password": password_command(f"{NAME}-grafana", "admin-password"),
    },
    deployments=(f"{NAME}-operator", "prometheus-operator"),
)

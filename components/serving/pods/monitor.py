"""How whoever collects metrics learns of a group's pods. Pure.

Our own Prometheus (extension kube-prometheus-stack) brings one monitor for all groups, and others read annotations;
only a Prometheus operator of somebody else, or GKE's, has to be told of each group.

Beside a proxy that takes mutual TLS only, nobody outside of the mesh reaches the server: the proxy has its metrics on a
port of its own, in plain text, and writes that into the pod's annotations
(https://istio.io/latest/docs/ops/integrations/prometheus/#option-1-metrics-merging).
"""

from __future__ import annotations

from typing import Any, Final, assert_never

from components.kubernetes.objects import Home, Manifest
from components.serving.pods.network_policy import MERGED_METRICS_PORT
from components.serving.pods.pod import selector
from components.serving.pods.server import Server
from components.serving.pods.surroundings import Surroundings
from components.serving.pods.workload import metadata
from schemas.spec import Serving

INTERVAL: Final = "15s"
# A label: our own Prometheus, which has a monitor for all groups, passes over those of single ones.
GROUP: Final = "inferstack/group"
MERGED_METRICS_PATH: Final = "/stats/prometheus"
# The container of Seldon's operator, whose port is called as the server's is, and has other metrics elsewhere.
EXECUTOR: Final = "seldon-container-engine"
_ANNOTATION: Final = "__meta_kubernetes_pod_annotation_prometheus_io_"


def monitor(
    serving: Serving, server: Server, home: Home, around: Surroundings, *, port: str = "http"
) -> Manifest | None:
    """The monitor of a group's pods; None where none is needed, or where the platform has no metrics.

    Args:
        port: what the port with the metrics is called in the pods.
    """
    if not server.metrics:
        return None
    endpoint: dict[str, Any]
    match around.scraping:
        case "annotations":
            return None
        case "pod-monitor":
            api, kind, endpoints = "monitoring.coreos.com/v1", "PodMonitor", "podMetricsEndpoints"
            endpoint = pod_endpoint(port, server.metrics)
        case "pod-monitoring":
            api, kind, endpoints = "monitoring.googleapis.com/v1", "PodMonitoring", "endpoints"
            endpoint = {"port": port, "path": server.metrics, "interval": INTERVAL}
            if serving.mesh:
                endpoint |= {"port": MERGED_METRICS_PORT, "path": MERGED_METRICS_PATH}
        case _:
            assert_never(around.scraping)
    named = metadata(serving, home)
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {**named, "labels": {**named["labels"], GROUP: serving.name, **around.monitors}},
        "spec": {
            "selector": {"matchLabels": selector(serving, home)},
            endpoints: [endpoint],
        },
    }


def pod_endpoint(port: str, path: str) -> dict[str, Any]:
    """An endpoint of a PodMonitor for serving pods: those that have metrics, where a proxy has them there."""
    merged = f"{_ANNOTATION}port"
    return {
        "port": port,
        "path": path,
        "interval": INTERVAL,
        "relabelings": [
            {"action": "keep", "sourceLabels": [f"{_ANNOTATION}scrape"], "regex": "true"},
            {"action": "drop", "sourceLabels": ["__meta_kubernetes_pod_container_name"], "regex": EXECUTOR},
            {
                "action": "replace",
                "sourceLabels": ["__address__", merged],
                "regex": rf"(.+):\d+;{MERGED_METRICS_PORT}",
                "targetLabel": "__address__",
                "replacement": f"$1:{MERGED_METRICS_PORT}",
            },
            {
                "action": "replace",
                "sourceLabels": [merged],
                "regex": str(MERGED_METRICS_PORT),
                "targetLabel": "__metrics_path__",
                "replacement": MERGED_METRICS_PATH,
            },
        ],
    }

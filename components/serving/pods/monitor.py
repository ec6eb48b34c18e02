"""How whoever collects metrics learns of a group's pods. Pure.

Our own Prometheus (extension kube-prometheus-stack) brings one monitor for all groups, and others read annotations;
only a Prometheus operator of somebody else, or GKE's, has to be told of each group.
"""

from __future__ import annotations

from typing import Final, assert_never

from components.kubernetes.objects import Home, Manifest
from components.serving.pods.pod import selector
from components.serving.pods.server import Server
from components.serving.pods.surroundings import Surroundings
from components.serving.pods.workload import metadata
from schemas.spec import Serving

INTERVAL: Final = "15s"


def monitor(
    serving: Serving, server: Server, home: Home, around: Surroundings, *, port: str = "http"
) -> Manifest | None:
    """The monitor of a group's pods; None where none is needed, or where the platform has no metrics.

    Args:
        port: what the port with the metrics is called in the pods.
    """
    if not server.metrics:
        return None
    match around.scraping:
        case "annotations":
            return None
        case "pod-monitor":
            api, kind, endpoints = "monitoring.coreos.com/v1", "PodMonitor", "podMetricsEndpoints"
        case "pod-monitoring":
            api, kind, endpoints = "monitoring.googleapis.com/v1", "PodMonitoring", "endpoints"
        case _:
            assert_never(around.scraping)
    named = metadata(serving, home)
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {**named, "labels": {**named["labels"], **around.monitors}},
        "spec": {
            "selector": {"matchLabels": selector(serving, home)},
            endpoints: [{"port": port, "path": server.metrics, "interval": INTERVAL}],
        },
    }

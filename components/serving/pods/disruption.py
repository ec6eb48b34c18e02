"""How many pods of a group may be missing while nodes are drained. Pure."""

from __future__ import annotations

from components.kubernetes.objects import Home, Manifest
from components.serving.pods.pod import selector
from components.serving.pods.workload import metadata
from schemas.spec import Serving


def budget(serving: Serving, replicas: int, home: Home) -> Manifest | None:
    """The disruption budget; none by default for a single replica, whose node could then never be drained."""
    asked = serving.disruption
    most = serving.autoscale.max if serving.autoscale else replicas
    if asked is not None and asked.min_available is not None:
        limit = {"minAvailable": asked.min_available}
    elif asked is not None and asked.max_unavailable is not None:
        limit = {"maxUnavailable": asked.max_unavailable}
    elif most > 1:
        limit = {"maxUnavailable": 1}
    else:
        return None
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(serving, home),
        # A pod that is not ready serves nobody: a node is not kept for it.
        "spec": {
            **limit,
            "selector": {"matchLabels": selector(serving, home)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }

"""Serving groups among Kubernetes objects: on which node pool their pods run, how many, how many a budget keeps. Pure.

Reads manifests of any kind that holds a pod's template: Deployments as well as the custom resources of KServe and
Seldon Core.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

POOL_LABEL: Final = "cloud.google.com/gke-nodepool"
SERVING: Final = frozenset({"Deployment", "StatefulSet", "InferenceService", "SeldonDeployment"})
AUTOSCALERS: Final = frozenset({"HorizontalPodAutoscaler", "ScaledObject"})


@dataclass(frozen=True)
class Workload:
    """Pods of one kind; `kept_by_budget` answer whatever node is emptied, for as long as the budget is heeded."""

    name: str
    pool: str
    replicas: int
    kept_by_budget: int = 0


def workloads(manifests: Iterable[Mapping[str, Any]]) -> tuple[Workload, ...]:
    """The serving groups among Kubernetes objects; others are passed over."""
    every = [manifest for manifest in manifests if "kind" in manifest]
    scaled = {_name(one): _least(one) for one in every if one["kind"] in AUTOSCALERS}
    budgets = {_name(one): one.get("spec") or {} for one in every if one["kind"] == "PodDisruptionBudget"}
    found = []
    for one in every:
        pool = next(_values(one, POOL_LABEL), None)
        if one["kind"] not in SERVING or pool is None:
            continue
        name = _name(one)
        replicas = scaled.get(name) or next(_values(one, "replicas"), None) or next(_values(one, "minReplicas"), 1)
        found.append(Workload(name, str(pool), int(replicas), _kept(budgets.get(name, {}), int(replicas))))
    return tuple(found)


def _kept(budget: Mapping[str, Any], replicas: int) -> int:
    """How many of the replicas a budget keeps; percentages are rounded up, as Kubernetes does."""
    if "minAvailable" in budget:
        return min(replicas, _share(budget["minAvailable"], replicas))
    if "maxUnavailable" in budget:
        return max(0, replicas - _share(budget["maxUnavailable"], replicas))
    return 0


def _share(value: Any, replicas: int) -> int:
    text = str(value)
    return math.ceil(replicas * float(text[:-1]) / 100) if text.endswith("%") else int(value)


def _least(autoscaler: Mapping[str, Any]) -> int:
    spec = autoscaler.get("spec") or {}
    return int(spec.get("minReplicas") or spec.get("minReplicaCount") or 1)


def _name(manifest: Mapping[str, Any]) -> str:
    return str((manifest.get("metadata") or {}).get("name", ""))


def _values(tree: Any, key: str) -> Iterator[Any]:
    """Every value under a key, wherever it stands."""
    if isinstance(tree, Mapping):
        if key in tree:
            yield tree[key]
        for inner in tree.values():
            yield from _values(inner, key)
    elif isinstance(tree, list):
        for inner in tree:
            yield from _values(inner, key)

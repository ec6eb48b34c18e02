"""What any cluster must be, and what stands in a spec for a cluster of another kind."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.rules.registry import Violation, rule
from schemas.spec import GkeCluster, KubernetesCluster, LocalCluster, NodeRange, Spec
from schemas.tree import Tree


@rule("CLUSTER001")
def node_ranges_ascend(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A node pool's `max` is at least its `min`.

    Why: The autoscaler keeps the number of nodes between the two.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, nodes: {min: 4, max: 1}}]
    Remedy: Exchange the two numbers.
    """
    for pool in spec.cluster.node_pools if isinstance(spec.cluster, GkeCluster) else ():
        if isinstance(pool.nodes, NodeRange) and pool.nodes.max < pool.nodes.min:
            message = f"`max` ({pool.nodes.max}) is below `min` ({pool.nodes.min})"
            yield Violation(f"{pool.at}.nodes.max", message)


@rule("CLUSTER002")
def fields_of_clusters_need_one(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`nodePool`, `replicas` and `autoscale` stand in specs for a cluster.

    Why: On this machine there are processes on cores, and no nodes or replicas; `instances` says how many there are.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, replicas: 2}]
    Remedy: Delete the key; use `instances: {count: 2}` or a `layout`.
    """
    idle = {LocalCluster: ("nodePool", "replicas", "autoscale"), KubernetesCluster: ("nodePool",), GkeCluster: ()}
    for group in spec.serving:
        for key in idle[type(spec.cluster)]:
            if tree.has(f"{group.at}.{key}"):
                remedy = "" if key != "nodePool" else "Delete the key; node pools are made by `provider: gke` only."
                yield Violation(
                    f"{group.at}.{key}", f"`{key}` does nothing with provider {spec.cluster.provider}", remedy, key=True
                )


@rule("CLUSTER003")
def platforms_run_where_they_can(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """OVMS and Seldon Core run on a cluster.

    Why: No package index carries the OpenVINO Model Server, and Seldon Core is a controller of Kubernetes; neither can
        be installed beside this program.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, platform: ovms}]
    Remedy: On this machine use platform openvino (the same runtime and protocol), kserve or mlserver.
    """
    if isinstance(spec.cluster, LocalCluster):
        for group in spec.serving:
            if group.platform in ("ovms", "seldon"):
                yield Violation(f"{group.at}.platform", f"platform {group.platform} does not run on this machine")

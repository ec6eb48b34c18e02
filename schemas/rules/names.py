"""Names are unique, and what is named exists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from schemas.rules.registry import Violation, rule
from schemas.spec import GkeCluster, Spec
from schemas.suggest import did_you_mean, listed, nearest
from schemas.tree import Items, Tree, name_of

STORE: Final = "store"  # the folder beside those of the stacks that they all share


@rule("NAME001")
def names_are_unique(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Things of one kind have different names.

    Why: Benchmarks, traffic and overlays refer to things by name; with two of one name, only one could be meant.
    Example:
        models:
          - {name: digits, source: a.onnx}
          - {name: digits, source: b.onnx}
    Remedy: Rename one of them, or delete it.
    """
    for path in ("models", "serving", "traffic", "benchmarks", "extensions", "cluster.nodePools"):
        node = tree.node(path)
        if not isinstance(node, Items):
            continue
        for label, item in zip(node.labels, node.items, strict=True):
            name = name_of(item)
            if name is not None and label != name:
                first = tree.origin(f"{path}.{name}")
                yield Violation(
                    f"{path}.{label}.name",
                    f"`{name}` is the name of another item of `{path}` already"
                    + (f" (line {first.location.line})" if first and first.location else ""),
                )


@rule("NAME002")
def the_stack_is_not_named_store(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A stack has another name than `store`.

    Why: A stack's state lies in a folder of its name, and `.inferstack/store` holds the models and results that all
        stacks share: `destroy` would delete them.
    Example:
        apiVersion: inferstack/v1
        name: store
    Remedy: Name the stack otherwise.
    """
    if spec.name == STORE:
        yield Violation("name", f"`{STORE}` is the name of the folder that all stacks share")


@rule("REF001")
def served_models_exist(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A serving group names a model of the spec.

    Why: `serving[].model` is the `name` of an item of `models`.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digit}]
    Remedy: Name a model of the spec, or add it under `models`.
    """
    known = [model.name for model in spec.models]
    for group in spec.serving:
        if group.model not in known:
            yield _unknown(f"{group.at}.model", "model", group.model, known)


@rule("REF002")
def benchmark_targets_exist(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A benchmark's targets are serving groups of the spec.

    Why: `benchmarks[].targets` are names of items of `serving`, not of models.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: latency, model: digits}]
        benchmarks: [{name: steady, targets: [latncy], load: {rate: 50/s}}]
    Remedy: Name serving groups of the spec.
    """
    known = [group.name for group in spec.serving]
    models = {model.name for model in spec.models}
    for benchmark in spec.benchmarks:
        for index, target in enumerate(benchmark.targets):
            if target in known:
                continue
            serve_it = dict.fromkeys(group.name for group in spec.serving if group.model == target)
            if target in models and serve_it:
                yield Violation(
                    f"{benchmark.at}.targets.{index}",
                    f"`{target}` is a model, and a target is a serving group",
                    remedy=f"Name a group that serves it: {listed(serve_it)}.",
                )
            else:
                yield _unknown(f"{benchmark.at}.targets.{index}", "serving group", target, known)


@rule("REF003")
def traffic_goes_to_serving_groups(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Traffic is split over serving groups of the spec.

    Why: The keys of `traffic[].split` are names of items of `serving`.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        traffic: [{name: all, split: {one: 50, tow: 50}}]
    Remedy: Name serving groups of the spec.
    """
    known = [group.name for group in spec.serving]
    for traffic in spec.traffic:
        for name in traffic.split:
            if name not in known:
                yield _unknown(f"{traffic.at}.split.{name}", "serving group", name, known, key=True)


@rule("REF004")
def node_pools_exist(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A serving group runs on a node pool of the cluster.

    Why: `serving[].nodePool` is the name of an item of `cluster.nodePools`.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8}]
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, nodePool: servings}]
    Remedy: Name a node pool of the cluster, or add it under `cluster.nodePools`.
    """
    if not isinstance(spec.cluster, GkeCluster):
        return
    known = [pool.name for pool in spec.cluster.node_pools]
    for group in spec.serving:
        if group.node_pool is not None and group.node_pool not in known:
            yield _unknown(f"{group.at}.nodePool", "node pool", group.node_pool, known)


def _unknown(path: str, what: str, name: str, known: Iterable[str], *, key: bool = False) -> Violation:
    known = list(dict.fromkeys(known))
    near = nearest(name, known)
    there = f"The spec has {listed(known)}." if known else f"The spec has no {what} at all."
    return Violation(
        path,
        f"there is no {what} `{name}`{did_you_mean(name, known)}",
        remedy=f"Write {near}." if near else "",
        why=there,
        key=key,
    )

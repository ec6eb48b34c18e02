"""Fields that nothing carries out yet: refused, with what to use today, and never silently ignored.

A rule here goes when its field is carried out; its id is not used again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from schemas.rules.models import scheme_of
from schemas.rules.registry import Violation, rule
from schemas.spec import LocalCluster, Spec
from schemas.tree import Tree

# What a serving group on a cluster does not pass on yet, with what stands in for it.
NOT_ON_CLUSTERS: Final = {
    "cores": "Use `instances: {count: 1, cores: N}`; the kubelet chooses the CPUs.",
    "hyperthreads": "Use `threadsPerCore` of the node pool.",
    "exclusive": "Instances with whole cores have them to themselves where the pool has `cpuManager: static`.",
    "bindMemory": "Use `memoryManager: Static` of the node pool.",
    "execution": "OVMS executes in the precision of the CPU.",
    "maxRequestSize": "OVMS has its own limit.",
    "drain": "Kubernetes waits 30 seconds.",
    "host": "Pods listen on all addresses; the Service decides who reaches them.",
    "port": "The Service has OVMS's ports.",
    "grpcPort": "The Service has OVMS's ports.",
}


@rule("NOTYET002")
def traffic_is_not_split_yet(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Traffic is not split yet.

    Why: Splitting requests over serving groups is planned for clusters.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}, {name: two, model: digits}]
        traffic: [{name: all, split: {one: 80, two: 20}}]
    Remedy: Delete `traffic`; today clients call each group by its own address (`inferstack outputs`).
    """
    for traffic in spec.traffic:
        yield Violation(traffic.at, f"the traffic of `{traffic.name}` is not split yet")


@rule("NOTYET003")
def autoscaling_is_not_done_yet(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Serving groups are not autoscaled yet.

    Why: Horizontal autoscaling is planned for clusters.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, autoscale: {max: 4}}]
    Remedy: Use `replicas: N` today.
    """
    for group in spec.serving:
        if group.autoscale is not None and not isinstance(spec.cluster, LocalCluster):
            yield Violation(f"{group.at}.autoscale", f"group `{group.name}` is not autoscaled yet", key=True)


@rule("NOTYET004")
def layouts_are_not_searched_yet(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Benchmarks do not search for a layout yet.

    Why: Searching for the cheapest layout that keeps an objective is planned.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks: [{name: layouts, targets: [one], search: {objective: {p99: 50ms}}}]
    Remedy: Declare a serving group for each layout today, and name all of them as `targets` of one benchmark.
    """
    for benchmark in spec.benchmarks:
        if benchmark.search is not None:
            yield Violation(f"{benchmark.at}.search", f"benchmark `{benchmark.name}` does not search yet", key=True)


@rule("NOTYET006")
def clusters_serve_ovms_only_yet(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """On a cluster, OVMS is the only platform yet.

    Why: Our own server's image, KServe, MLServer and Seldon Core on clusters are planned.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: kserve}]
    Remedy: Write `platform: ovms` today, or use `cluster: {provider: local}` for openvino, kserve and mlserver.
    """
    if isinstance(spec.cluster, LocalCluster):
        return
    for group in spec.serving:
        if group.platform != "ovms":
            at = f"{group.at}.platform" if tree.has(f"{group.at}.platform") else group.at
            yield Violation(at, f"platform {group.platform} is not served on a cluster yet")


@rule("NOTYET007")
def clusters_read_models_from_buckets_only_yet(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """On a cluster, a model comes from a bucket (gs://, s3://, az://) yet.

    Why: A model store on the cluster is planned; until then nothing carries a file of this machine there.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, platform: ovms}]
    Remedy: Put the model into a bucket, as OVMS reads it (`NAME/1/model.xml`), and write its address as `source`.
    """
    if isinstance(spec.cluster, LocalCluster):
        return
    for model in spec.models:
        if model.train is not None:
            yield Violation(f"{model.at}.train", "models for a cluster are not trained here yet", key=True)
        elif model.source is not None and scheme_of(model.source) in ("", "file"):
            yield Violation(f"{model.at}.source", "files of this machine do not reach a cluster yet")


@rule("NOTYET008")
def clusters_take_models_as_they_are_yet(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """On a cluster, models are served as they are: not converted, verified or evaluated yet.

    Why: A conversion Job and digests that are verified where the model is loaded are planned.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits, convert: {precision: fp16}}]
        serving: [{name: one, model: digits, platform: ovms}]
    Remedy: Delete the key; convert the model with a local spec first, and put the result into the bucket.
    """
    if isinstance(spec.cluster, LocalCluster):
        return
    for model in spec.models:
        for key in ("convert", "sha256", "evaluation"):
            if tree.has(f"{model.at}.{key}"):
                yield Violation(f"{model.at}.{key}", f"`{key}` is not carried out on a cluster yet", key=True)


@rule("NOTYET010")
def engines_are_not_chosen_yet(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """The Pulumi engine cannot be chosen yet.

    Why: Applying through the Pulumi CLI is planned; the embedded engine plans every spec and applies what is local.
    Example:
        engine: pulumi
    Remedy: Delete `engine`.
    """
    if spec.engine == "pulumi":
        yield Violation("engine", "`engine: pulumi` is not carried out yet")


@rule("NOTYET011")
def platform_versions_are_fixed_yet(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """The version of a platform on this machine cannot be chosen yet.

    Why: openvino, kserve and mlserver are installed from locked lists that come with this program, so that results can
        be repeated.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, platform: kserve, version: "0.20.0"}]
    Remedy: Delete `version`; `inferstack doctor` says which versions are used.
    """
    if isinstance(spec.cluster, LocalCluster):
        for group in spec.serving:
            if group.version is not None:
                yield Violation(f"{group.at}.version", f"the version of {group.platform} is fixed here", key=True)


@rule("NOTYET012")
def deployments_take_few_fields_yet(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A serving group on a cluster passes on its main fields only.

    Why: What steers a process on this machine has no counterpart in the Deployment yet.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, drain: 30s}]
    Remedy: Delete the key.
    """
    if isinstance(spec.cluster, LocalCluster):
        return
    for group in spec.serving:
        for key, instead in NOT_ON_CLUSTERS.items():
            if tree.has(f"{group.at}.{key}"):
                message = f"`{key}` is not carried out on a cluster yet"
                yield Violation(f"{group.at}.{key}", message, remedy=f"Delete the key. {instead}", key=True)

"""What KServe takes: its webhook says the same, but only once a cluster is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from schemas.rules.registry import Violation, rule
from schemas.rules.traffic import targets_of
from schemas.spec import GkeCluster, LocalCluster, Spec
from schemas.suggest import listed
from schemas.tree import Tree

# KServe names the Service of a group NAME-predictor, and a name of DNS has at most 63 characters.
LONGEST_NAME: Final = 63 - len("-predictor")
ONLY_ON: Final = {"runtime": ("kserve", "seldon"), "mode": ("kserve",), "canary": ("kserve",)}


@rule("KSERVE001")
def kserve_groups_have_short_names(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """The name of a KServe group on a cluster has at most 53 characters.

    Why: KServe adds `-predictor` to it and makes a name of DNS of both, which has at most 63 characters.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving:
          - {name: a-name-of-more-than-fifty-three-characters-is-a-long-one, model: digits, platform: kserve}
    Remedy: Choose a shorter name.
    """
    for group in spec.serving if not isinstance(spec.cluster, LocalCluster) else ():
        if group.platform == "kserve" and len(group.name) > LONGEST_NAME:
            yield Violation(f"{group.at}.name", f"`{group.name}` has {len(group.name)} characters")


@rule("KSERVE002")
def kserve_keys_belong_to_kserve(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`runtime`, `mode` and `canary` stand in groups of KServe on a cluster (`runtime` in those of Seldon, too).

    Why: They choose the server inside these platforms and how KServe deploys it. Other platforms are their own server,
        and on this machine KServe is a process that serves with OpenVINO.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, mode: knative}]
    Remedy: Delete the key.
    """
    local = isinstance(spec.cluster, LocalCluster)
    for group in spec.serving:
        for key, platforms in ONLY_ON.items():
            if tree.has(f"{group.at}.{key}") and (local or group.platform not in platforms):
                where = "on this machine" if local else f"on platform {group.platform}"
                yield Violation(f"{group.at}.{key}", f"`{key}` does nothing {where}", key=True)


@rule("KSERVE003")
def knative_pins_nothing(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Groups in Knative mode share their cores.

    Why: Knative puts a proxy without a CPU limit into each pod, and so no container of it gets cores of its own.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: kserve, mode: knative}]
    Remedy: Add `exclusive: false`, or use `mode: standard`.
    """
    for group in spec.serving:
        if group.mode == "knative" and group.exclusive:
            yield Violation(f"{group.at}.mode", f"`{group.name}` would have cores of its own")


@rule("KSERVE004")
def knative_scales_by_requests(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """In Knative mode, autoscaling is by requests, with a whole number as the average.

    Why: Knative's autoscaler counts requests. For cpu and memory KServe has the standard mode.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving:
          - name: one
            model: digits
            platform: kserve
            mode: knative
            exclusive: false
            autoscale: {max: 4, metric: cpu}
    Remedy: Write `autoscale: {max: 4, metric: requests, average: 50}`, or use `mode: standard`.
    """
    for group in spec.serving:
        scale, at = group.autoscale, f"{group.at}.autoscale"
        if group.mode != "knative" or scale is None:
            continue
        if scale.metric != "requests":
            at = f"{at}.metric" if tree.has(f"{at}.metric") else at
            yield Violation(at, f"Knative does not scale by {scale.metric}")
        elif scale.average is None or scale.average < 1 or scale.average != int(scale.average):
            at = f"{at}.average" if tree.has(f"{at}.average") else at
            yield Violation(at, "`average` is no whole number of requests a second")
        elif scale.prometheus is not None:
            yield Violation(f"{at}.prometheus", "Knative counts requests itself", key=True)


@rule("KSERVE005")
def canaries_need_knative(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`canary` stands in groups in Knative mode.

    Why: KServe splits requests between revisions, which only Knative has; in standard mode it ignores the share.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: kserve, canary: 10}]
    Remedy: Use two groups and `traffic`, or write `mode: knative`.
    """
    for group in spec.serving:
        if group.canary is not None and group.platform == "kserve" and group.mode != "knative":
            yield Violation(f"{group.at}.canary", f"`{group.name}` is in standard mode", key=True)


@rule("KSERVE006")
def knative_replaces_pods_itself(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`rolling` and `mesh` do not stand in groups in Knative mode.

    Why: Knative starts a whole new revision beside the old one, and its own proxies carry the requests.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving:
          - {name: one, model: digits, platform: kserve, mode: knative, exclusive: false, rolling: replace}
    Remedy: Delete the key, or use `mode: standard`.
    """
    for group in spec.serving:
        for key in ("rolling", "mesh"):
            if group.mode == "knative" and tree.has(f"{group.at}.{key}"):
                yield Violation(f"{group.at}.{key}", f"`{key}` does nothing in Knative mode", key=True)


@rule("KSERVE007")
def knative_routes_are_its_own(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Groups in Knative mode are no targets of `traffic`.

    Why: Knative's gateway finds them by host name alone; a route that passes requests on under another name ends there.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: kserve, mode: knative, exclusive: false}]
        traffic: [{name: all, split: {one: 100}, gatewayClass: istio}]
    Remedy: Use the group's own `canary`, or `mode: standard`.
    """
    for traffic in spec.traffic:
        for group in targets_of(traffic, spec):
            if group.mode == "knative":
                yield Violation(f"{traffic.at}.split.{group.name}", f"`{group.name}` is in Knative mode", key=True)


@rule("KSERVE008")
def knative_mode_on_gke_is_installed(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """On a GKE cluster that the stack makes, Knative is among the extensions of groups in Knative mode.

    Why: The cluster is new: nobody else has installed it.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8}]
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: kserve, mode: knative, exclusive: false}]
    Remedy: Add `knative` and `istio` to `extensions`, or use `mode: standard`.
    """
    names = {extension.name for extension in spec.extensions}
    missing = [name for name in ("knative", "istio") if name not in names]
    for group in spec.serving if isinstance(spec.cluster, GkeCluster) else ():
        if group.mode == "knative" and missing:
            yield Violation(f"{group.at}.mode", f"the cluster has no {listed(missing)}")


@rule("KSERVE009")
def versions_are_those_of_ovms(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`version` of a KServe or Seldon group on a cluster is that of OVMS, with `runtime: ovms`.

    Why: The platform's own version is that of its extension, and the other server comes with this program's image.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: kserve, version: 0.20.0}]
    Remedy: Write the version of the extension: `extensions: [{name: kserve, version: 0.20.0}]`.
    """
    for group in spec.serving if not isinstance(spec.cluster, LocalCluster) else ():
        if group.platform not in ("kserve", "seldon") or group.version is None:
            continue
        if group.runtime != "ovms":
            yield Violation(f"{group.at}.version", f"`version` without `runtime: ovms` in `{group.name}`", key=True)
        elif not re.match(r"[0-9]{4}\.[0-9]", group.version):
            yield Violation(f"{group.at}.version", f"`{group.version}` is no version of OVMS, such as 2026.2")


@rule("KSERVE010")
def knative_speaks_rest(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Groups in Knative mode have a protocol of REST.

    Why: Knative opens one port of a pod, and the readiness of the model is asked by REST.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: kserve, mode: knative, exclusive: false, protocol: grpc}]
    Remedy: Use v1 or v2, or `mode: standard`.
    """
    for group in spec.serving:
        if group.mode == "knative" and group.protocol == "grpc":
            yield Violation(f"{group.at}.protocol", f"`{group.name}` would open the port of gRPC alone")

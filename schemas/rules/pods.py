"""What a serving group may ask of the pods of a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final

from schemas.rules.registry import Violation, rule
from schemas.spec import LocalCluster, Serving, Spec
from schemas.suggest import listed
from schemas.tree import Tree

# What means nothing to processes of one machine.
OF_PODS: Final = (
    "image", "memory", "rolling", "disruption", "spread", "priority", "priorityClass", "clients", "nodeSelector",
    "tolerations",
)  # fmt: skip
# What the kubelet and the Service decide, with what stands in for it.
DECIDED: Final = {
    "cores": "Use `instances: {count: 1, cores: N}`; the kubelet chooses the CPUs.",
    "bindMemory": "Delete the key; the kubelet binds memory where its memory manager is `Static` (`memoryManager` of a "
    "node pool).",
    "host": "Delete the key; pods listen on all addresses, and `clients` says who may call them.",
}
REQUEST_SIZE_FIXED: Final = ("ovms",)
REQUESTS_NEED: Final = ("keda", "kube-prometheus-stack")


@rule("POD001")
def fields_of_pods_need_a_cluster(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Fields that steer pods stand in specs for a cluster.

    Why: On this machine instances are processes: there are no images, nodes or network policies to change.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, spread: node}]
    Remedy: Delete the key.
    """
    if isinstance(spec.cluster, LocalCluster):
        for group in spec.serving:
            for key in OF_PODS:
                if tree.has(f"{group.at}.{key}"):
                    yield Violation(f"{group.at}.{key}", f"`{key}` does nothing on this machine", key=True)


@rule("POD002")
def kubelet_and_service_decide(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """On a cluster nobody names CPUs, memory nodes or addresses.

    Why: The kubelet chooses the CPUs of a pod that asks for whole ones, and with them the NUMA node; pods have
        addresses of their own, and a Service before them.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, host: 0.0.0.0}]
    Remedy: Delete the key.
    """
    for group in _on_cluster(spec):
        for key, instead in DECIDED.items():
            if tree.has(f"{group.at}.{key}"):
                yield Violation(f"{group.at}.{key}", f"`{key}` cannot be chosen on a cluster", instead, key=True)


@rule("POD003")
def images_are_chosen_once(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A platform's version is chosen by `version` or by `image`, and the embedded server's by `cluster.image`.

    Why: An image is of one version; the embedded server is this program, whose image is the stack's. MLServer's public
        images hold no OpenVINO, so that its image must be named.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: mlserver}]
    Remedy: For mlserver, build `components/serving/pods/mlserver.Containerfile`, and name the result as `image`.
    """
    for group in _on_cluster(spec):
        if group.platform == "mlserver" and group.image is None:
            yield Violation(group.at, f"group `{group.name}` names no image that holds MLServer and OpenVINO")
        if group.version is not None and (group.image is not None or group.platform in ("openvino", "mlserver")):
            said = "`image`" if group.image is not None else "the image of this program"
            message = f"the version of {group.platform} follows from {said}"
            yield Violation(f"{group.at}.version", message, "Delete `version`.", key=True)


@rule("POD004")
def ovms_limits_requests_itself(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`maxRequestSize` stands in groups whose server can be told.

    Why: OVMS has a limit of its own and no setting for it, so that the field would do nothing.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, maxRequestSize: 1MiB}]
    Remedy: Delete the key, or use `platform: openvino`.
    """
    for group in _on_cluster(spec):
        if group.platform in REQUEST_SIZE_FIXED and tree.has(f"{group.at}.maxRequestSize"):
            yield Violation(
                f"{group.at}.maxRequestSize", f"`maxRequestSize` does nothing on platform {group.platform}", key=True
            )


@rule("POD005")
def disruptions_leave_somebody(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A disruption budget has one limit, and one that lets nodes be drained.

    Why: `minAvailable` and `maxUnavailable` are two ways of saying one thing. A budget that keeps every replica lets no
        node be drained: an upgrade of the nodes waits for an hour, or for ever.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, replicas: 2, disruption: {minAvailable: 2}}]
    Remedy: Keep one of the two; write, for example, `disruption: {maxUnavailable: 1}`.
    """
    for group in _on_cluster(spec):
        asked = group.disruption
        if asked is None:
            continue
        if asked.min_available is not None and asked.max_unavailable is not None:
            at = f"{group.at}.disruption.maxUnavailable"
            yield Violation(at, "both `minAvailable` and `maxUnavailable` are given", key=True)
        fewest = group.autoscale.min if group.autoscale else group.replicas
        if asked.min_available is not None and fewest is not None and asked.min_available >= fewest:
            message = f"{asked.min_available} of at least {fewest} replicas have to stay: no node can be drained"
            yield Violation(f"{group.at}.disruption.minAvailable", message)


@rule("POD006")
def requests_are_counted_by_somebody(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Autoscaling by requests has a target, KEDA, and a Prometheus that counts them.

    Why: Kubernetes itself knows CPU and memory only. Requests are counted by the server, collected by Prometheus and
        turned into replicas by KEDA; there is no usual number of requests a second to aim at.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, autoscale: {max: 4, metric: requests, utilization: 50}}]
    Remedy: Write `autoscale: {max: 4, metric: requests, average: 100}` for a hundred requests a second a replica.
    """
    names = {extension.name for extension in spec.extensions}
    for group in _on_cluster(spec):
        scale = group.autoscale
        if scale is None or group.mode == "knative":  # KSERVE004: Knative counts requests itself.
            continue
        if scale.metric != "requests":
            if scale.prometheus is not None:
                at = f"{group.at}.autoscale.prometheus"
                yield Violation(
                    at, f"`prometheus` does nothing with metric {scale.metric}", "Delete the key.", key=True
                )
            continue
        if not scale.average:
            yield Violation(f"{group.at}.autoscale", "autoscaling by requests needs `average`, their target a replica")
        absent = [n for n in REQUESTS_NEED if n not in names and not (n != "keda" and scale.prometheus)]
        if absent:
            remedy = "Add to `extensions`, also if they are installed already (they are then left alone); or name your "
            remedy += "own Prometheus as `autoscale.prometheus`."
            message = f"autoscaling by requests needs {listed(absent)}"
            yield Violation(f"{group.at}.autoscale.metric", message, remedy)
        if group.platform == "mlserver":
            yield Violation(f"{group.at}.autoscale.metric", "mlserver counts no requests here", "Use metric cpu.")


@rule("POD007")
def groups_have_names_of_services(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """On a cluster the name of a serving group begins with a letter.

    Why: The group's Service has its name, and names of Services are names in DNS of the older kind (RFC 1035).
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: 2-cores, model: digits, platform: ovms}]
    Remedy: Put a letter in front.
    """
    for group in _on_cluster(spec):
        if not group.name[:1].isalpha():
            yield Violation(f"{group.at}.name", f"no Service can be called `{group.name}`")


@rule("POD008")
def clients_are_networks(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`clients.cidrs` are networks: an address and the length of its prefix.

    Why: Network policies compare the first bits of an address.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, clients: {cidrs: [10.1.2.3/8]}}]
    Remedy: Write, for example, 10.0.0.0/8, or 10.1.2.3/32 for a single address.
    """
    for group in _on_cluster(spec):
        for index, cidr in enumerate(group.clients.cidrs):
            try:
                ip_network(cidr)
            except ValueError as error:
                yield Violation(f"{group.at}.clients.cidrs.{index}", str(error))
                continue
            if "/" not in cidr:
                yield Violation(f"{group.at}.clients.cidrs.{index}", f"`{cidr}` has no prefix length")


@rule("POD009")
def environment_has_names_of_variables(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """On a cluster `env` has names that Kubernetes takes, and none that the pod needs for itself.

    Why: Clusters before 1.34 refuse a pod whose variables are no identifiers; another PYTHONPATH hides the server.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, env: {"a b": c}}]
    Remedy: Use letters, digits, `_`, `-` and `.`, with no digit at the beginning.
    """
    for group in _on_cluster(spec):
        for name in group.env or {}:
            if not re.fullmatch(r"[-._a-zA-Z][-._a-zA-Z0-9]*", name):
                yield Violation(f"{group.at}.env.{name}", f"`{name}` is no name of a variable", key=True)
            elif name == "PYTHONPATH" and group.platform in ("openvino", "mlserver"):
                yield Violation(f"{group.at}.env.{name}", f"`{name}` belongs to the image", "Delete the key.", key=True)


@rule("POD010")
def ports_of_a_service_differ(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """REST and gRPC have different ports on a group's Service.

    Why: A Service passes a port on to one port of its pods. Absent, `port` is 8000 and `grpcPort` is 9000.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, port: 9000}]
    Remedy: Take another port for one of them.
    """
    for group in _on_cluster(spec):
        if (group.port or 8000) == (group.grpc_port or 9000):
            key = "port" if group.port is not None else "grpcPort"
            yield Violation(f"{group.at}.{key}", f"REST and gRPC would both have port {group.port or group.grpc_port}")


@rule("POD011")
def priorities_are_said_once(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A group has a `priority` of its own or a `priorityClass` that is there already.

    Why: A priority class is one number; a pod has one class.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, priority: 1000, priorityClass: high}]
    Remedy: Keep one of the two.
    """
    for group in _on_cluster(spec):
        if group.priority is not None and group.priority_class is not None:
            yield Violation(f"{group.at}.priorityClass", "both `priority` and `priorityClass` are given", key=True)


def _on_cluster(spec: Spec) -> tuple[Serving, ...]:
    return () if isinstance(spec.cluster, LocalCluster) else spec.serving

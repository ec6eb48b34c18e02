"""What a serving group may ask of its platform."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from schemas.rules.registry import Violation, rule
from schemas.spec import LocalCluster, Platform, Protocol, Serving, Spec
from schemas.suggest import listed
from schemas.tree import Tree

# What each platform answers. OVMS lost V1 in 2026.3 (2026.2 is used unless stated); MLServer 1.7.1 answers V2 binary
# with a 500.
PROTOCOLS: Final[Mapping[Platform, tuple[Protocol, ...]]] = {
    "openvino": ("v1", "v2", "v2-binary", "grpc"),
    "kserve": ("v1", "v2", "v2-binary", "grpc"),
    "mlserver": ("v2", "grpc"),
    "ovms": ("v1", "v2", "v2-binary", "grpc"),
    "seldon": ("v1", "v2", "grpc"),
}
OVMS_WITHOUT_V1: Final = (2026, 3)
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

# Environment keys that OpenVINO once read, and the field that does the same now.
_THREADS = "Write `threads: N` in the serving group."
REMOVED_KEYS: Final = {
    "OMP_NUM_THREADS": _THREADS,
    "CPU_THREADS_NUM": _THREADS,
    "CPU_THROUGHPUT_STREAMS": "Write `streams: N` in the serving group.",
    "CPU_BIND_THREAD": "Instances are pinned by `layout`, `instances` or `cores`.",
    "AFFINITY": "Instances are pinned by `layout`, `instances` or `cores`.",
    "GOMP_CPU_AFFINITY": "Instances are pinned by `layout`, `instances` or `cores`.",
}


@rule("SERVE001")
def environment_keys_still_work(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`env` holds no key that OpenVINO has stopped reading.

    Why: OpenVINO runs its threads with TBB; OMP_NUM_THREADS, KMP_* and the old property names change nothing any more.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, env: {OMP_NUM_THREADS: "4"}}]
    Remedy: Delete the key; `threads`, `streams`, `layout` and `cores` say the same.
    """
    for group in spec.serving:
        for key in group.env or {}:
            if key in REMOVED_KEYS or key.startswith("KMP_"):
                remedy = REMOVED_KEYS.get(
                    key, "Delete the key; pinning and threads follow from the group's own fields."
                )
                yield Violation(f"{group.at}.env.{key}", f"`{key}` does nothing in OpenVINO", remedy=remedy, key=True)


@rule("SERVE002")
def platforms_speak_the_protocol(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A platform answers the protocol that its group, and each benchmark of it, uses.

    Why: MLServer has no V1 and answers the V2 binary extension with a 500 (1.7.1); OVMS has had no V1 `:predict` since
        2026.3.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, platform: mlserver, protocol: v1}]
    Remedy: Use v2, which every platform speaks.
    """
    for group in spec.serving:
        known = protocols_of(group)
        if group.protocol not in known:
            yield Violation(f"{group.at}.protocol", _not_spoken(group, group.protocol))
        for benchmark in spec.benchmarks:
            if benchmark.protocol and group.name in benchmark.targets and benchmark.protocol not in known:
                yield Violation(f"{benchmark.at}.protocol", _not_spoken(group, benchmark.protocol))


def protocols_of(group: Serving) -> tuple[Protocol, ...]:
    """What the group's platform answers in its version."""
    known = PROTOCOLS[group.platform]
    if group.platform == "seldon" and group.executor is False:
        known = PROTOCOLS[group.runtime or "openvino"]
    if "ovms" in (group.platform, group.runtime) and (stated := _ovms_version(group)):
        version = re.match(r"([0-9]{4})\.([0-9]{1,2})", stated)
        if version is None or (int(version[1]), int(version[2])) >= OVMS_WITHOUT_V1:
            return tuple(protocol for protocol in known if protocol != "v1")
    return known


def _ovms_version(group: Serving) -> str:
    """The version of OVMS as the spec has it; that of an image by its tag, where it is OVMS's own or looks like one."""
    if group.version is not None or group.image is None:
        return group.version or ""
    name, _, tag = group.image.partition("@")[0].rpartition("/")[2].partition(":")
    own = name == "model_server" and (tag or "@" not in group.image)
    return (tag or "latest") if own or re.match(r"[0-9]{4}\.[0-9]", tag) else ""


def _not_spoken(group: Serving, protocol: str) -> str:
    return f"{group.platform} (group `{group.name}`) does not speak {protocol}, but {listed(protocols_of(group))}"


@rule("SERVE003")
def fixed_ports_do_not_overlap(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Groups with fixed ports keep apart: an instance takes the group's port plus its own number.

    Why: Two servers cannot listen on one port; the second would not start.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving:
          - {name: one, model: digits, instances: {count: 2}, port: 8500}
          - {name: two, model: digits, port: 8501}
    Remedy: Leave room for all instances of a group, or leave ports out: free ones are chosen, and kept.
    """
    if not isinstance(spec.cluster, LocalCluster):
        return
    taken: dict[int, str] = {}
    for group in spec.serving:
        for key, first in (("port", group.port), ("grpcPort", group.grpc_port)):
            for port in range(first, first + fewest_instances(group)) if first else ():
                if port in taken:
                    yield Violation(f"{group.at}.{key}", f"port {port} is taken by {taken[port]}")
                    break
                taken[port] = f"`{key}` of group `{group.name}`"


@rule("SERVE004")
def ports_exist(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """The ports of all instances of a group are below 65536.

    Why: An instance takes the group's port plus its own number, and there are no ports above 65535.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, instances: {count: 10}, port: 65530}]
    Remedy: Begin with a lower port.
    """
    if not isinstance(spec.cluster, LocalCluster):
        return
    for group in spec.serving:
        for key, first in (("port", group.port), ("grpcPort", group.grpc_port)):
            if first and (last := first + fewest_instances(group) - 1) > 65535:
                yield Violation(f"{group.at}.{key}", f"the last instance of `{group.name}` would have port {last}")


def fewest_instances(group: Serving) -> int:
    """How many instances the group has on any machine; a layout or `perNumaNode` may make more."""
    if group.instances is None or group.cores is not None:
        return 1
    return group.instances.count or group.instances.per_numa_node or 1


@rule("SERVE005")
def fields_belong_to_the_platform(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`queue` and `scheduling` stand in groups of platform openvino.

    Why: They steer the embedded server; the others decide for themselves, so that the fields would do nothing.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, platform: kserve, queue: {size: 8}}]
    Remedy: Delete the key, or use `platform: openvino`.
    """
    for group in spec.serving:
        for key in ("queue", "scheduling"):
            if group.platform != "openvino" and tree.has(f"{group.at}.{key}"):
                yield Violation(f"{group.at}.{key}", f"`{key}` does nothing on platform {group.platform}", key=True)


@rule("SERVE006")
def hosts_are_addresses(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`host` is an address to listen on, without scheme or port.

    Why: The port is `port`; servers listen on 127.0.0.1 unless the spec says otherwise, for example 0.0.0.0 for every
        network.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, host: "http://0.0.0.0:8500"}]
    Remedy: Write an address such as 127.0.0.1 or 0.0.0.0.
    """
    for group in spec.serving:
        if not re.fullmatch(r"[0-9a-zA-Z.-]+|[0-9a-fA-F:]*::?[0-9a-fA-F:.]*", group.host):
            yield Violation(f"{group.at}.host", f"`{group.host}` is no address to listen on")


@rule("SERVE007")
def replicas_fit_autoscaling(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Autoscaling has a range that ascends, one target, and no fixed number of replicas beside it.

    Why: `max` replicas are at least `min`; `average` and `utilization` are two ways of saying one thing; `replicas`
        and `autoscale` would each set the same number. Kubernetes remembers an hour of load, in whole seconds.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, autoscale: {min: 4, max: 2}}]
    Remedy: Write, for example, `autoscale: {min: 1, max: 4, utilization: 80}` and leave `replicas` out.
    """
    for group in spec.serving:
        scale = group.autoscale
        if scale is None:
            continue
        if scale.max < scale.min:
            yield Violation(f"{group.at}.autoscale.max", f"`max` ({scale.max}) is below `min` ({scale.min})")
        if scale.average is not None and scale.utilization is not None:
            yield Violation(f"{group.at}.autoscale.utilization", "both `average` and `utilization` are given", key=True)
        if scale.stabilization_s is not None and (scale.stabilization_s > 3600 or scale.stabilization_s % 1):
            yield Violation(f"{group.at}.autoscale.stabilization", "this is no whole number of seconds up to 1h")
        if group.replicas is not None:
            yield Violation(f"{group.at}.replicas", "`replicas` is fixed beside `autoscale`", key=True)


@rule("SERVE008")
def seldon_keys_belong_to_seldon(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`executor` and `transport` stand in groups of platform seldon.

    Why: They choose how Seldon Core's orchestrator passes requests on; other platforms have none.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, executor: false}]
    Remedy: Delete the key.
    """
    for group in spec.serving:
        for key in ("executor", "transport"):
            if group.platform != "seldon" and tree.has(f"{group.at}.{key}"):
                yield Violation(f"{group.at}.{key}", f"`{key}` does nothing on platform {group.platform}", key=True)

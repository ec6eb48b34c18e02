"""What Seldon Core 1 takes: some of it its webhook says, some it ignores in silence."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.rules.registry import Violation, rule
from schemas.spec import Spec
from schemas.tree import Tree


@rule("SELDON001")
def the_transport_is_that_of_the_protocol(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`transport` is grpc for protocol grpc, and rest for the others.

    Why: The executor speaks to the model's server by the transport; one that the protocol does not have is refused at
        each request.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: seldon, protocol: v2, transport: grpc}]
    Remedy: Delete `transport`; it follows from `protocol`.
    """
    for group in spec.serving:
        fitting = "grpc" if group.protocol == "grpc" else "rest"
        if group.platform == "seldon" and group.transport not in (None, fitting):
            message = f"`transport: {group.transport}` beside `protocol: {group.protocol}`"
            yield Violation(f"{group.at}.transport", message)


@rule("SELDON002")
def seldon_starts_new_pods_first(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`rolling: replace` does not stand in groups of Seldon Core.

    Why: Its operator always starts a new pod before an old one stops, and nothing tells it otherwise.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: seldon, rolling: replace}]
    Remedy: Leave room for one pod more (fewer or smaller instances), and delete `rolling`.
    """
    for group in spec.serving:
        if group.platform == "seldon" and group.rolling == "replace":
            yield Violation(f"{group.at}.rolling", f"Seldon Core cannot replace the pods of `{group.name}` so")


@rule("SELDON003")
def seldon_scales_by_resources(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Groups of Seldon Core scale by cpu or memory, and down after 5 minutes.

    Why: Its operator makes the autoscaler, and sets the number of replicas back when somebody else changes it. It
        passes on what is watched, and not how fast replicas come and go.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: seldon, autoscale: {max: 4, metric: requests, average: 50}}]
    Remedy: Write `metric: cpu` or `metric: memory`, and leave `stabilization` out.
    """
    for group in spec.serving:
        if group.platform != "seldon" or group.autoscale is None:
            continue
        if group.autoscale.metric == "requests":
            yield Violation(f"{group.at}.autoscale.metric", "Seldon Core does not scale by requests")
        if group.autoscale.stabilization_s is not None:
            yield Violation(f"{group.at}.autoscale.stabilization", "Seldon Core knows no `stabilization`", key=True)

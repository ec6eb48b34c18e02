"""Which engine plans and applies, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.rules.registry import Violation, rule
from schemas.spec import GkeCluster, Spec
from schemas.tree import Tree


def uses_pulumi(spec: Spec) -> bool:
    """Whether Pulumi's own engine applies a spec: where it says so, and for a cloud, which no other engine applies."""
    return spec.engine == "pulumi" or isinstance(spec.cluster, GkeCluster)


@rule("ENGINE001")
def clouds_are_applied_by_pulumi(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """What needs a cloud is applied by Pulumi's own engine.

    Why: The embedded engine applies what runs on this machine and on Kubernetes clusters; of a cloud it makes plans.
    Example:
        engine: embedded
        cluster: {provider: gke, project: my-project, location: europe-west4-a}
    Remedy: Delete `engine`; without Pulumi's command line or credentials `inferstack preview` plans by itself.
    """
    if spec.engine == "embedded" and isinstance(spec.cluster, GkeCluster):
        yield Violation("engine", "the embedded engine does not apply what needs a cloud")


@rule("ENGINE002")
def pulumi_is_described_where_it_is_used(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`pulumi` stands in a spec that Pulumi's own engine applies.

    Why: The embedded engine keeps its state in the stack's folder and encrypts secrets under INFERSTACK_PASSPHRASE; it
        would ignore what is said here.
    Example:
        pulumi: {backend: "gs://states"}
    Remedy: Add `engine: pulumi`, or delete `pulumi`.
    """
    if spec.pulumi is not None and not uses_pulumi(spec):
        yield Violation("pulumi", "nothing reads `pulumi` here: the embedded engine applies this spec", key=True)

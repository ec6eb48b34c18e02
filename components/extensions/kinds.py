"""What a plan says of objects whose kind nobody is known to bring: the cluster has it not, and no extension states it.

Whether a kind exists is known by its group: the cluster's own definitions are read by their names alone. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from components.extensions.planning import ExtensionSet

DEFINITION: Final = "CustomResourceDefinition"
# Of Kubernetes itself; other groups below k8s.io, such as gateway.networking.k8s.io, are brought by definitions.
BUILT_IN: Final = frozenset(
    f"{name}.k8s.io"
    for name in (
        "admissionregistration",
        "apiextensions",
        "apiregistration",
        "authentication",
        "authorization",
        "certificates",
        "coordination",
        "discovery",
        "events",
        "flowcontrol.apiserver",
        "internal.apiserver",
        "networking",
        "node",
        "rbac.authorization",
        "resource",
        "scheduling",
        "storage",
        "storagemigration",
    )
)


def notes(extensions: ExtensionSet, known: Collection[str]) -> tuple[str, ...]:
    """What a plan says of the objects of the user's own manifests.

    Args:
        known: names of the cluster's definitions, such as `inferenceservices.serving.kserve.io`.
    """
    groups = {name.partition(".")[2] for name in (*known, *_stated(extensions))} | BUILT_IN
    charts = [release.name for one in extensions.planned for release in one.releases]
    whence = f"unless the chart {' or '.join(charts)} brings it, `up` fails there" if charts else "`up` fails there"
    lacking = {
        (one.name, str(found["kind"]), group): None
        for one in extensions.planned
        if not one.ours
        for found in one.objects
        if "." in (group := str(found["apiVersion"]).rpartition("/")[0]) and group not in groups
    }
    return tuple(
        f"{name}: the cluster does not know {kind} of {group}, and no manifest here defines it; {whence}"
        for name, kind, group in lacking
    )


def _stated(extensions: ExtensionSet) -> Iterator[str]:
    """Names of the definitions among what is installed."""
    for one in extensions.planned:
        yield from (str(found["metadata"]["name"]) for found in one.objects if found["kind"] == DEFINITION)

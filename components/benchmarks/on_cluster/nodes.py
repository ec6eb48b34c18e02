"""What pods and nodes tell of the machines that were measured. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from components.benchmarks import surroundings
from components.benchmarks.load.parcel import Parcel
from components.benchmarks.result import Surroundings
from components.kubernetes.objects import TEMPLATE

Object = Mapping[str, Any]

TYPE_LABELS: Final = ("node.kubernetes.io/instance-type", "cloud.google.com/requested-min-cpu-platform")
CPU_LABELS: Final = tuple(f"feature.node.kubernetes.io/cpu-model.{name}" for name in ("vendor_id", "family", "id"))


def is_ready(pod: Object) -> bool:
    """Whether a pod is ready, and not on its way out."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def is_of(pod: Object, template: str) -> bool:
    """Whether a pod is of a template; empty: of any."""
    return not template or (pod["metadata"].get("annotations") or {}).get(TEMPLATE) == template


def lives(pod: Object) -> bool:
    """Whether a pod has not come to its end."""
    return (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def surroundings_of(
    found: Sequence[Object], names: Collection[str], parcels: Sequence[Parcel], image: str
) -> Surroundings:
    """The machines of the targets and the software of the load generators, which come in an image.

    The CPU model is the one that a load generator saw on the target's own node, where it ran there; else what the
    node's labels tell.

    Args:
        found: the nodes of the targets, as far as the user may see them.
        names: the names of all of them.
    """
    here = next((parcel for parcel in parcels if set(names) == {parcel.node}), None)
    client = (here or parcels[0]).surroundings
    kernels = sorted({f"Linux {node['status']['nodeInfo']['kernelVersion']}" for node in found})
    models = sorted({model_of(node) for node in found})
    return Surroundings(
        cpu_model=here.surroundings.cpu_model if here else ", ".join(models) or "not told by the cluster",
        kernel=here.surroundings.kernel if here else ", ".join(kernels) or "not told by the cluster",
        topology=here.surroundings.topology if here else {},
        packages={**client.packages, "image": image},
        inferstack=surroundings.version(),
    )


def model_of(node: Object) -> str:
    """What is known of a node's CPU: its machine type, or the numbers that node-feature-discovery found."""
    labels = node["metadata"].get("labels") or {}
    told = [labels[label] for label in TYPE_LABELS if label in labels]
    told += [" ".join(_numbers(labels))] if not told else []
    architecture = str(node["status"]["nodeInfo"].get("architecture", "unknown"))
    return ", ".join(part for part in told if part) or f"{architecture}, {node['status']['capacity']['cpu']} CPUs"


def _numbers(labels: Mapping[str, str]) -> Iterator[str]:
    for label in CPU_LABELS:
        if label in labels:
            yield f"{label.rpartition('.')[2]} {labels[label]}"

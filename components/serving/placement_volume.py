"""Pods on several nodes that read their models from a volume which one node mounts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from components.serving.placement_pods import PodPlan
from schemas.spec import Spec, VolumeStore
from schemas.stores import way_of

FOR: Final = {"ReadWriteOnce": "the pods of one node", "ReadWriteOncePod": "a single pod"}


def volume_notes(spec: Spec, plans: Mapping[str, PodPlan], nodes: int) -> tuple[str, ...]:
    """What a plan says of a volume that some pods may wait for without end; `nodes` is on how many they may be put.

    No refusal: where a volume lies on the only node that has it, or on a server of files, it may do after all.
    """
    store = spec.store
    if not isinstance(store, VolumeStore) or store.claim is not None or store.access_mode not in FOR:
        return ()
    stored = {model.name for model in spec.models if way_of(model) != "as-is"}
    pods = sum(
        max(one.autoscale.max if one.autoscale else 0, plans[one.name].replicas)
        for one in spec.serving
        if one.model in stored
    )
    if pods < 2 or (nodes < 2 and store.access_mode == "ReadWriteOnce"):
        return ()
    where = f"up to {pods} pods may be put on {nodes} nodes" if nodes > 1 else f"there are up to {pods}"
    return (
        f"store: its volume is for {FOR[store.access_mode]} ({store.access_mode}), and {where}: write `accessMode: "
        "ReadWriteMany` where the storage class can, or use a bucket",
    )

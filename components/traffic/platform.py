"""The serving groups of a stack, declared one by one, or together where their platform splits the requests itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from components.kubernetes.objects import Home
from components.kubernetes.services import namespace_of
from components.models.access import ModelAccess
from components.serving.placement_pods import PodPlan
from components.serving.pods import seldon
from components.serving.pods.group import serve
from components.serving.pods.surroundings import Surroundings
from components.serving.served import Served
from components.traffic.split import calling_namespaces, calling_ranges
from schemas.spec import Spec


def serve_groups(
    spec: Spec, plans: Mapping[str, PodPlan], models: Mapping[str, ModelAccess], home: Home, around: Surroundings
) -> dict[str, Served]:
    """Declare every serving group of a spec; their pods let in the gateways of its traffic.

    Args:
        plans: the pods of each group by its name.
        models: how pods get each model, by the model's name.
    """
    groups = {one.name: one for one in spec.serving}
    inside = letting_in(spec, around)
    found: dict[str, Served] = {}
    for traffic in spec.traffic:
        if traffic.via == "platform":
            members = [groups.pop(name) for name in traffic.split]
            parts = [seldon.Part(one, plans[one.name], models[one.model]) for one in members]
            together = seldon.serve_together(traffic, parts, home, inside)
            found |= {one.group: one for one in together}
    for name, one in groups.items():
        found[name] = serve(one, plans[name], models[one.model], home, inside)
    return {one.name: found[one.name] for one in spec.serving}


def letting_in(spec: Spec, around: Surroundings) -> Surroundings:
    """The neighbours of a stack's pods, the gateways of its traffic, and the Prometheus that it is scaled by. Pure."""
    gateways = sorted({*around.gateways, *calling_namespaces(spec.traffic)})
    ranges = calling_ranges(spec)
    counting = {namespace_of(one.autoscale.prometheus or "") for one in spec.serving if one.autoscale}
    monitoring = sorted({*around.monitoring, *counting} - {""})
    balancers = (*around.balancers, *ranges)
    return replace(around, gateways=tuple(gateways), balancers=balancers, monitoring=tuple(monitoring))

"""A serving group as a component: the instances of one entry of `serving`, each a process of its own.

What an instance is told follows from the spec and from its placement alone; the model's path and digest come from the
model resource, so that a model that changes restarts what serves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi

from components.serving.placement import Placed
from components.serving.resource import DEFAULTS, InstanceResource
from components.site import Site
from schemas.spec import Serving

TYPE: Final = "inferstack:serving:Group"

# Which fields of the spec decide an input of an instance, the most telling first.
SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "cpus": ("cores", "instances.cores", "instances", "layout", "hyperthreads"),
    "memory_node": ("bind_memory", "bindMemory", "instances", "layout"),
    "threads": ("threads", "cores", "instances.cores", "instances", "layout"),
    "streams": ("streams", "layout"),
    "rest_port": ("port",),
    "grpc": ("grpcPort", "protocol"),
    "grpc_port": ("grpcPort", "protocol"),
    "queue_size": ("queue.size", "queue"),
    "retry_after_s": ("queue.retryAfter", "queue"),
    "max_request_bytes": ("maxRequestSize",),
    "drain_s": ("drain",),
}


class ServingGroup(pulumi.ComponentResource):
    """All instances of one serving group; `instances` are in the order of their placement.

    They listen for gRPC where the group says so, and where `grpc` does: somebody else asks for it.
    """

    def __init__(
        self,
        serving: Serving,
        placed: Sequence[Placed],
        *,
        model: Mapping[str, pulumi.Input[Any]],
        site: Site,
        grpc: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(TYPE, serving.name, {}, opts)
        depends_on = opts.depends_on if opts else None
        self.serving = serving
        self.placed = tuple(placed)
        self.instances = [
            InstanceResource(
                one.name,
                instance_inputs(serving, one, model=model, site=site, grpc=grpc),
                pulumi.ResourceOptions(parent=self, depends_on=depends_on),
            )
            for one in placed
        ]
        self.register_outputs({})


def instance_inputs(
    serving: Serving, placed: Placed, *, model: Mapping[str, pulumi.Input[Any]], site: Site, grpc: bool = False
) -> dict[str, pulumi.Input[Any]]:
    """What an instance's process is told, as plain values and outputs of the model.

    What is as by default is left out: every input costs the SDK a task, for every instance of a large plan.
    """
    told = {
        "memory_node": placed.memory_node,
        "threads": placed.threads,
        "streams": placed.streams,
        "execution": serving.execution,
        "scheduling": serving.scheduling,
        "queue_size": serving.queue.size,
        "retry_after_s": serving.queue.retry_after_s,
        "max_request_bytes": serving.max_request_bytes,
        "drain_s": serving.drain_s,
        "host": serving.host,
        "rest_port": serving.port + placed.index if serving.port else None,
        "grpc_port": serving.grpc_port + placed.index if serving.grpc_port else None,
        "grpc": grpc or serving.protocol == "grpc" or serving.grpc_port is not None,
    }
    return {
        "name": placed.name,
        "group": serving.name,
        "platform": serving.platform,
        "model": dict(model),
        "cpus": list(placed.cpus),
        **{name: value for name, value in told.items() if value != DEFAULTS[name]},
        **({"env": dict(serving.env)} if serving.env else {}),
        "site": {"stack": site.stack, "state": str(site.state), "store": str(site.store)},
    }

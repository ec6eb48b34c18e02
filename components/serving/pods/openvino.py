"""The embedded server in a pod: our own image, told by a file what `components.serving.pod` reads.

The kubelet chooses the CPUs, so none are named: the server learns from its cpuset whether it has them to itself.
"""

from __future__ import annotations

import json
from typing import Final

from components.kubernetes.objects import Home
from components.models.access import ModelAccess
from components.serving.placement_pods import PodPlan
from components.serving.pods.server import DRAIN_DELAY_S, FILES, GRPC_PORT, REST_PORT, Server
from schemas.spec import Serving

# That of the image; any would do.
USER: Final = 65532
ARGUMENTS: Final = "server.json"
MODULE: Final = "components.serving.pod"


def server(
    serving: Serving,
    plan: PodPlan,
    access: ModelAccess,
    home: Home,
    *,
    rest_port: int = REST_PORT,
    grpc_port: int = GRPC_PORT,
) -> Server:
    """Our server's container; the ports are those inside the pod."""
    told = {**arguments(serving, plan, access), "rest_port": rest_port, "grpc_port": grpc_port}
    return Server(
        container="openvino",
        image=serving.image or home.image,
        user=USER,
        command=("python", "-m", MODULE),
        args=(f"{FILES}/{ARGUMENTS}",),
        files={ARGUMENTS: json.dumps(told, indent=1, sort_keys=True)},
        ready=f"/v2/models/{access.name}/ready",
        rest_port=rest_port,
        grpc_port=grpc_port,
        waits=True,
    )


def arguments(serving: Serving, plan: PodPlan, access: ModelAccess) -> dict[str, object]:
    """What the server is told, besides its ports; its address is the pod's.

    The digest is told where it is known already. Where it comes from a conversion, the container that fetched the model
    has checked it.
    """
    digest = access.digest if isinstance(access.digest, str) else None
    return {
        "name": serving.name,
        "model": {"name": access.name, "path": f"{access.path}/1/model.xml", "digest": digest},
        "whole_cpus": plan.cpus if plan.exclusive else 0,
        "threads": plan.threads,
        "streams": plan.streams,
        "execution": serving.execution,
        "scheduling": serving.scheduling,
        "queue_size": serving.queue.size,
        "retry_after_s": serving.queue.retry_after_s,
        "max_request_bytes": serving.max_request_bytes,
        "drain_s": serving.drain_s,
        "drain_delay_s": DRAIN_DELAY_S,
    }

"""MLServer in a pod: its server around our OpenVINO runtime, as on one machine.

The public images of MLServer hold no OpenVINO, and none of its runtimes reads an OpenVINO model. So the image is the
user's: `mlserver.Containerfile` beside this module makes one from the locked versions that local stacks use.
"""

from __future__ import annotations

import json
from typing import Final

from components.kubernetes.objects import Home
from components.models.access import ModelAccess
from components.serving.placement_pods import PodPlan
from components.serving.pods.openvino import USER, arguments
from components.serving.pods.server import FILES, GRPC_PORT, REST_PORT, Server
from schemas.spec import Serving

ARGUMENTS: Final = "server.json"
MODULE: Final = "components.serving.platforms.mlserver_runtime"


def server(serving: Serving, plan: PodPlan, access: ModelAccess, home: Home) -> Server:
    """MLServer's container; `schemas.rules.pods` sees to it that an image is named."""
    told = {
        **{key: value for key, value in arguments(serving, plan, access).items() if key != "whole_cpus"},
        "host": "0.0.0.0",
        "rest_port": REST_PORT,
        "grpc_port": GRPC_PORT,
        "ready": "/tmp/ready.json",
    }
    return Server(
        container="mlserver",
        image=serving.image or "",
        user=USER,
        command=("python", "-m", MODULE),
        args=(f"{FILES}/{ARGUMENTS}",),
        files={ARGUMENTS: json.dumps(told, indent=1, sort_keys=True)},
        ready=f"/v2/models/{access.name}/ready",
        metrics="",
    )

"""The OpenVINO Model Server in a pod: its public image and a configuration that is consistent in itself.

No operator: the one for OVMS is deprecated and passes a flag that images from 2026.3 on refuse. Streams and threads are
always stated, because the server's own guess sees the CPUs of the node; a `PERFORMANCE_HINT` never stands beside them.
The model does not change under a running server: what changes is a new pod. The image runs on a root file system that
it cannot write to, with a `/tmp` (https://docs.openvino.ai/nightly/model-server/ovms_docs_security.html).
"""

from __future__ import annotations

import json
from typing import Any, Final

from components.kubernetes.objects import Home
from components.models.access import ModelAccess
from components.serving.placement_pods import PodPlan
from components.serving.pods.server import FILES, GRPC_PORT, REST_PORT, Server
from schemas.spec import Serving

DEFAULT_VERSION: Final = "2026.2"  # The last that answers V1 (`:predict`) as well.
IMAGE: Final = "docker.io/openvino/model_server"
USER: Final = 5000  # The image's own.
CONFIG: Final = "config.json"


def server(
    serving: Serving,
    plan: PodPlan,
    access: ModelAccess,
    home: Home,
    *,
    rest_port: int = REST_PORT,
    grpc_port: int = GRPC_PORT,
) -> Server:
    """OVMS's container; the ports are those inside the pod."""
    options = {
        "--config_path": f"{FILES}/{CONFIG}",
        "--rest_port": str(rest_port),
        "--port": str(grpc_port),
        # By default one for each CPU of the node.
        "--rest_workers": str(max(2, plan.cpus)),
        "--file_system_poll_wait_seconds": "0",
    }
    return Server(
        container="ovms",
        image=serving.image or f"{IMAGE}:{serving.version or DEFAULT_VERSION}",
        user=USER,
        args=tuple(word for option in options.items() for word in option),
        files={CONFIG: json.dumps(config(serving, plan, access), indent=1, sort_keys=True)},
        # `/v2/health/ready` says yes even when the model could not be loaded.
        ready=f"/v2/models/{access.name}/ready",
        rest_port=rest_port,
        grpc_port=grpc_port,
    )


def config(serving: Serving, plan: PodPlan, access: ModelAccess) -> dict[str, Any]:
    """The configuration file: one model, its numbered versions below `base_path`, and metrics."""
    model = {
        "name": access.name,
        "base_path": access.path,
        # One request runs in each stream while the next is being prepared.
        "nireq": 2 * plan.streams,
        "plugin_config": plugin_config(serving, plan),
    }
    return {"model_config_list": [{"config": model}], "monitoring": {"metrics": {"enable": True}}}


def plugin_config(serving: Serving, plan: PodPlan) -> dict[str, str]:
    """What OpenVINO's CPU plug-in is told."""
    execution = {} if serving.execution == "auto" else {"INFERENCE_PRECISION_HINT": serving.execution}
    return {
        "NUM_STREAMS": str(plan.streams),
        "INFERENCE_NUM_THREADS": str(plan.threads),
        # Where the CPUs are the pod's own. Elsewhere two servers would pin their threads to the same ones.
        "ENABLE_CPU_PINNING": "YES" if plan.pinned else "NO",
        **execution,
    }

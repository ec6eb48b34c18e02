"""The embedded OpenVINO server as a platform: this interpreter, running `components.serving.server`."""

from __future__ import annotations

import sys
from pathlib import Path

from components.serving.instance import Instance, Launch, Ports

ROOT = Path(__file__).parents[3]


def launch(instance: Instance, ports: Ports) -> Launch:
    """The server's command and the arguments it reads."""
    return Launch(
        command=(sys.executable, "-m", "components.serving.server", str(instance.files.args)),
        args={
            "name": instance.name,
            "model": {
                "name": instance.model_name,
                "path": str(instance.model_path),
                "digest": instance.model_digest,
            },
            "host": instance.host,
            "rest_port": ports.rest,
            "grpc_port": ports.grpc,
            "cpus": list(instance.cpus),
            "memory_node": instance.memory_node,
            "threads": instance.threads,
            "streams": instance.streams,
            "execution": instance.execution,
            "scheduling": instance.scheduling,
            "queue_size": instance.queue_size,
            "retry_after_s": instance.retry_after_s,
            "max_request_bytes": instance.max_request_bytes,
            "drain_s": instance.drain_s,
        },
        # The checkout need not be installed; the run folder, where the process starts, must not be searched.
        env={"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
    )

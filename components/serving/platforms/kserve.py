"""KServe as a process of this machine: its model server, around our worker, in its own environment."""

from __future__ import annotations

from components.serving.instance import Instance, Launch, Ports
from components.serving.platforms import managed


def launch(instance: Instance, ports: Ports) -> Launch:
    """The worker's command and arguments."""
    return managed.launch(instance, ports, "kserve_worker")

"""MLServer as a process of this machine: its server, around our runtime, in its own environment."""

from __future__ import annotations

from components.serving.instance import Instance, Launch, Ports
from components.serving.platforms import managed


def launch(instance: Instance, ports: Ports) -> Launch:
    """The runtime's command and arguments."""
    return managed.launch(instance, ports, "mlserver_runtime")

"""Which platforms run as processes of this machine, and how each is started."""

from __future__ import annotations

from typing import Protocol

from components.serving.instance import Instance, Launch, Ports
from components.serving.platforms import kserve, managed, mlserver, openvino
from schemas.errors import PreflightError


class Platform(Protocol):
    """What it takes to run instances: preparing the machine, and the command."""

    def prepare(self, instance: Instance) -> None:
        """Make what the platform needs on this machine; PreflightError where that cannot be."""

    def launch(self, instance: Instance, ports: Ports) -> Launch:
        """How the instance is started; pure."""


class ByName:
    """The platform that each instance names."""

    def prepare(self, instance: Instance) -> None:
        """Make the platform's environment, where it has one of its own.

        Raises:
            PreflightError: the platform does not run here, or its environment cannot be made.
        """
        match instance.platform:
            case "openvino":
                return
            case "kserve" | "mlserver":
                managed.prepare(instance)
            case other:
                raise PreflightError(
                    f"{instance.name}: {other} does not run as a process of this machine",
                    remedy="openvino, kserve and mlserver do; or deploy to a Kubernetes cluster",
                )

    def launch(self, instance: Instance, ports: Ports) -> Launch:
        """The command of the platform that the instance names."""
        match instance.platform:
            case "openvino":
                return openvino.launch(instance, ports)
            case "kserve":
                return kserve.launch(instance, ports)
            case "mlserver":
                return mlserver.launch(instance, ports)
            case other:
                raise AssertionError(f"{other} was not prepared")


BY_NAME = ByName()

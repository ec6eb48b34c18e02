"""The supervisor of a stack and its serving instances, as resources of the program.

The providers only translate: inputs to values, results to outputs, what was found to drift. The work is done by
`supervisor.py` and `supervision.py`, which know no Pulumi. A provider is sent to Pulumi by reference to this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi import dynamic

from components.serving import supervision, supervisor
from components.serving.instance import OPTIONAL, Instance, Ports, contact

# Chosen and kept when the spec does not fix them: no wish is no change.
PORTS = ("rest_port", "grpc_port")
# What the process is told; a change of any of them restarts that instance alone.
RESTARTS = ("platform", "model", "cpus", "env", *(name for name in OPTIONAL if name not in PORTS))
DEFAULTS = {field.name: field.default for field in fields(Instance)}


class InstanceProvider(dynamic.ResourceProvider):
    """Brings serving processes up, one a resource; the id is the instance's name."""

    serialize_as_secret_always = False

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """Everything the process is told restarts it; only another name, stack or folder makes another instance.

        One that is not as it was made (after a reboot, a `kill`) is a change too, without any difference in its inputs:
        so an `up` brings it back without a `refresh` before it, and waits for it.
        """
        replaces = [key for key in ("name", "site") if _identity(key, olds) != _identity(key, news)]
        changed = [key for key in RESTARTS if _plain(key, olds) != _plain(key, news)]
        kept = olds.get("endpoint") or {}
        moved = [key for key in PORTS if news.get(key) is not None and kept.get(key) != news[key]]
        return dynamic.DiffResult(
            changes=bool(replaces or changed or moved) or not _as_made(olds),
            replaces=replaces,
            stables=_stables({*changed, *moved}),
            delete_before_replace=True,
        )

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Start the instance, or adopt the one that an interrupted command has started."""
        return dynamic.CreateResult(props["name"], _up(props, None))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """Restart the instance with its new inputs, on the ports it had."""
        return dynamic.UpdateResult(_up(news, _ports(olds)))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """What the instance really is: `running` turns false, and `verified` says why, when it is not as asked."""
        ports = _ports(props)
        if ports is None:
            return dynamic.ReadResult(id_, props)
        found = supervision.look(Instance.of(props), ports)
        verified = str(found.binding) if not found.wrong else "; ".join(found.wrong)
        return dynamic.ReadResult(id_, {**props, "running": not found.wrong, "verified": verified})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Drain and stop the instance, and remove its files."""
        supervision.withdraw(Path(props["site"]["state"]) / "run", props["name"])


class InstanceResource(dynamic.Resource, module="inferstack", name="Instance"):
    """A serving process. Inputs: the members of `instance.Instance`, with `model` as {name, path, digest} and `site` as
    {stack, state, store}.

    Outputs: `endpoint` as {host, rest_port, grpc_port}, the last None where it serves REST only; `url`; `digest`. They
    are few and large, because each costs the SDK several tasks, for every instance of a large plan.
    """

    OUTPUTS = ("endpoint", "url", "digest")

    if TYPE_CHECKING:  # the SDK would evaluate these texts anew for every resource: a tenth of what a large plan costs
        endpoint: pulumi.Output[dict[str, Any]]
        url: pulumi.Output[str]
        digest: pulumi.Output[str]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(InstanceProvider(), name, {**dict.fromkeys(self.OUTPUTS), **inputs}, opts)


class SupervisorProvider(dynamic.ResourceProvider):
    """Keeps a stack's supervisor daemon running; the id is the stack's name."""

    serialize_as_secret_always = False

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """Another folder is another daemon; one that does not run any more is started again."""
        replaces = [key for key in ("stack", "state") if olds.get(key) != news.get(key)]
        gone = not olds.get("running", True) or supervisor.find(Path(olds["state"]) / "run") is None
        return dynamic.DiffResult(
            changes=bool(replaces) or gone, replaces=replaces, stables=["socket"], delete_before_replace=True
        )

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Start the daemon, or adopt the one that runs."""
        return dynamic.CreateResult(props["stack"], _daemon_up(props))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """Start the daemon again; the instances that are configured start with it."""
        return dynamic.UpdateResult(_daemon_up(news))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Whether the daemon answers."""
        running = supervisor.find(Path(props["state"]) / "run") is not None
        return dynamic.ReadResult(id_, {**props, "running": running})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Stop the daemon and whatever it still runs; its folder goes with it."""
        supervisor.stop(Path(props["state"]) / "run")


class SupervisorResource(dynamic.Resource, module="inferstack", name="Supervisor"):
    """The supervisor daemon of a stack. Inputs: `stack`, and `state`, the stack's whole state folder."""

    socket: pulumi.Output[str]
    running: pulumi.Output[bool]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(SupervisorProvider(), name, {"socket": None, "running": None, **inputs}, opts)


def _up(props: Mapping[str, Any], kept: Ports | None) -> dict[str, Any]:
    instance = Instance.of(props)
    deployed = supervision.deploy(instance, kept)
    return {
        **props,
        "endpoint": {"host": instance.host, "rest_port": deployed.ports.rest, "grpc_port": deployed.ports.grpc},
        "url": f"http://{contact(instance.host)}:{deployed.ports.rest}",
        "digest": deployed.digest,
        "verified": str(deployed.binding),
        "running": True,
    }


def _stables(changes: set[str]) -> list[str]:
    """Outputs that an update with these changes leaves as they are, so that a preview knows them."""
    kept = ["name", "site"]
    if not changes & {"host", "grpc", *PORTS}:
        kept += ["endpoint", "url"]
    return kept if "model" in changes else [*kept, "digest"]


def _as_made(outputs: Mapping[str, Any]) -> bool:
    """Whether what was made is still there: running, answering, with its model and on its CPUs."""
    ports = _ports(outputs)
    if not outputs.get("running", True) or ports is None:
        return False
    return not supervision.look(Instance.of(outputs), ports).wrong


def _daemon_up(props: Mapping[str, Any]) -> dict[str, Any]:
    daemon = supervisor.ensure(Path(props["state"]) / "run")
    return {**props, "socket": str(daemon.socket), "running": True}


def _ports(outputs: Mapping[str, Any]) -> Ports | None:
    endpoint = outputs.get("endpoint") or {}
    rest, grpc = endpoint.get("rest_port"), endpoint.get("grpc_port")
    return Ports(int(rest), int(grpc) if grpc else None) if rest else None


def _identity(key: str, props: Mapping[str, Any]) -> Any:
    """What makes an instance another one; the store's folder does not."""
    value = props.get(key)
    return {**value, "store": ""} if isinstance(value, dict) else value


def _plain(key: str, props: Mapping[str, Any]) -> Any:
    """An input for comparing: one that is absent means its default, and an empty map is none."""
    value = props.get(key)
    return DEFAULTS.get(key) if value is None or value == {} else value

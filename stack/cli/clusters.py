"""A stack that is up on a cluster, as the commands that watch it find it: by the outputs of its program."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from components.site import Site
from schemas.errors import PreflightError, UsageError

if TYPE_CHECKING:
    from components.serving.pods.live import Group, PodStatus
    from components.serving.predict import Endpoint
    from schemas.spec import Platform


@dataclass(frozen=True)
class OnCluster:
    """The serving groups of a stack, and the way to their cluster."""

    groups: tuple[Group, ...]
    kubeconfig: str
    context: str

    def client(self) -> Any:
        """A client of one's own."""
        from components.kubernetes.client import connect

        return connect(self.kubeconfig, self.context)

    def pods(self, name: str | None = None) -> tuple[PodStatus, ...]:
        """The pods of all groups, of one, or one pod.

        Raises:
            UsageError: nothing is called so; near names are suggested.
            PreflightError: the cluster does not answer.
        """
        from components.serving.pods import live

        found = live.read(self.client(), self.groups)
        if name is None:
            return found
        if chosen := tuple(pod for pod in found if name in (pod.group, pod.name)):
            return chosen
        names = sorted({one.name for one in self.groups} | {pod.name for pod in found})
        if name in {one.name for one in self.groups}:
            raise PreflightError(f"{name} has no pods", remedy="inferstack up brings them up")
        near = difflib.get_close_matches(name, names, 3)
        raise UsageError(
            f"nothing called {name} is served here",
            why=f"there are {', '.join(names)}",
            remedy=f"did you mean {' or '.join(near)}?" if near else "",
        )

    def group(self, name: str) -> Group:
        """A group by its name."""
        return next(one for one in self.groups if one.name == name)

    @contextmanager
    def endpoints(self, name: str, protocol: str) -> Iterator[tuple[Endpoint, ...]]:
        """The ready pods that a name means, each by a port of this machine while the block runs."""
        from components.kubernetes.port_forward import forwarded
        from components.serving.predict import Endpoint

        ready = [pod for pod in self.pods(name) if pod.ready]
        if not ready:
            raise PreflightError(f"no pod of {name} is ready", remedy="inferstack status says why")
        with ExitStack() as ways:
            found = []
            for pod in ready:
                group = self.group(pod.group)
                rest, grpc = (
                    ways.enter_context(forwarded(self.client(), group.namespace, pod.name, port)) if port else None
                    for port in _ports(pod, protocol)
                )
                address = f"127.0.0.1:{grpc}" if grpc else None
                found.append(
                    Endpoint(
                        pod.name, group.model, f"http://127.0.0.1:{rest}", address, cast("Platform", group.platform)
                    )
                )
            yield tuple(found)


def _ports(pod: PodStatus, protocol: str) -> tuple[int, int | None]:
    """The container's ports for REST and, where it is asked for, for gRPC."""
    named = dict(pod.ports)
    grpc = next((port for name, port in named.items() if "grpc" in name), None)
    rest = next((port for name, port in named.items() if "grpc" not in name and "metric" not in name), 8000)
    return rest, grpc if protocol == "grpc" else None


def on_cluster(site: Site) -> OnCluster | None:
    """The stack's groups on a cluster; None where it serves on this machine, or nothing."""
    from components.serving.pods.live import Group
    from stack.cli.deploy import engine_of

    outputs = engine_of(site).outputs()
    if "serving" not in outputs:
        return None
    access = outputs.get("access") or {}
    groups = tuple(Group.of(name, told) for name, told in sorted(outputs["serving"].items()))
    return OnCluster(groups, access.get("kubeconfig") or "", access.get("context") or "")

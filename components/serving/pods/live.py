"""What the pods of serving groups do at this moment, as values: asked of the API server. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from components.kubernetes.client import asking
from schemas.errors import InferstackError, PreflightError

Json = Mapping[str, Any]
PATIENCE_S: Final = (5.0, 30.0)


@dataclass(frozen=True)
class Group:
    """A serving group as the stack's outputs tell of it (`Served`); `pinned`: its pods are to have their own CPUs."""

    name: str
    platform: str
    protocol: str
    model: str
    namespace: str
    selector: Mapping[str, str]
    container: str
    rest_port: int
    grpc_port: int | None
    cores: int
    pinned: bool = True

    @classmethod
    def of(cls, name: str, told: Json) -> Group:
        """The group of an output `serving`."""
        return cls(
            name=name, platform=told["platform"], protocol=told["protocol"], model=told["model"],
            namespace=told["namespace"], selector=told["selector"], container=told["container"],
            rest_port=int(told["rest_port"]), grpc_port=int(told["grpc_port"]) or None, cores=int(told["cores"]),
            pinned=bool(told.get("pinned", True)),
        )  # fmt: skip


@dataclass(frozen=True)
class PodStatus:
    """A pod now: `ready` when it answers for its model; `reasons` say in the cluster's words what keeps it from it."""

    group: str
    name: str
    node: str
    phase: str
    ready: bool
    restarts: int
    started: datetime | None
    image: str
    qos: str
    reasons: tuple[str, ...]
    ports: Mapping[str, int]


def read(client: Any, groups: Iterable[Group]) -> tuple[PodStatus, ...]:
    """All pods of the groups, by group and name.

    Raises:
        PreflightError: the cluster does not answer, or refuses.
    """
    return tuple(pod_of(group, pod) for group in groups for pod in pods_of(client, group))


def pods_of(client: Any, group: Group) -> list[Json]:
    """The pods of a group as the API server has them, by name."""
    import json

    from kubernetes.client import CoreV1Api

    selector = ",".join(f"{key}={value}" for key, value in sorted(group.selector.items()))
    with asking(client, f"the pods of {group.name}"):
        answer = CoreV1Api(client).list_namespaced_pod(
            group.namespace, label_selector=selector, _preload_content=False, _request_timeout=PATIENCE_S
        )
        found: list[Json] = json.loads(answer.data)["items"]
    return sorted(found, key=lambda pod: str(pod["metadata"]["name"]))


def log(client: Any, group: Group, pod: str, lines: int, *, follow: bool = False) -> Iterator[str]:
    """The last lines of what the serving container of a pod wrote; with `follow` also those that come, without end.

    Raises:
        PreflightError: the cluster refuses, or the container has not begun.
    """
    from kubernetes.client import CoreV1Api

    try:
        with asking(client, f"the log of {pod}"):
            answer = CoreV1Api(client).read_namespaced_pod_log(
                pod, group.namespace, container=group.container, tail_lines=lines, follow=follow, _preload_content=False
            )
            rest = b""
            for piece in answer.stream():
                *whole, rest = (rest + piece).split(b"\n")
                yield from (line.decode(errors="replace") for line in whole)
    except PreflightError:
        raise
    except InferstackError as error:
        raise PreflightError(f"{pod} has no log yet", why=error.why) from error
    if rest:
        yield rest.decode(errors="replace")


def pod_of(group: Group, pod: Json) -> PodStatus:
    """A pod from its object. Pure."""
    status, spec = pod.get("status") or {}, pod["spec"]
    conditions = {one["type"]: one for one in status.get("conditions") or ()}
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    serving = next((one for one in spec["containers"] if one["name"] == group.container), spec["containers"][0])
    started = status.get("startTime")
    return PodStatus(
        group=group.name,
        name=pod["metadata"]["name"],
        node=spec.get("nodeName", ""),
        phase="Terminating" if pod["metadata"].get("deletionTimestamp") else status.get("phase", "Unknown"),
        ready=conditions.get("Ready", {}).get("status") == "True",
        restarts=sum(int(one.get("restartCount", 0)) for one in containers),
        started=datetime.fromisoformat(started) if started else None,
        image=serving["image"],
        qos=status.get("qosClass", ""),
        reasons=tuple(_reasons(conditions, containers)),
        ports={one.get("name", str(one["containerPort"])): one["containerPort"] for one in serving.get("ports") or ()},
    )


def _reasons(conditions: Mapping[str, Json], containers: Iterable[Json]) -> Iterable[str]:
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        yield f"{scheduled.get('reason')}: {scheduled.get('message')}"
    for one in containers:
        state = one.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
        before = (one.get("lastState") or {}).get("terminated") or {}
        if waiting.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
            yield f"{one['name']}: {waiting['reason']}{_said(waiting) or _said(before)}"
        elif ended.get("exitCode"):
            yield f"{one['name']}: ended with code {ended['exitCode']}{_said(ended)}"


def _said(state: Json) -> str:
    return f": {state['message'].strip()}" if state.get("message") else ""

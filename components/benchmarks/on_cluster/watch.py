"""What a Job's pod is doing, and why it does not, in words. Pure: read from the objects as the API tells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Object = Mapping[str, Any]
Phase = Literal["waiting", "running", "succeeded", "failed"]

STUCK: Final = frozenset(
    {
        "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError",
        "CreateContainerError", "RunContainerError",
    }
)  # fmt: skip
"""Reasons for which a container waits that seldom pass by themselves."""

SCALING: Final = "TriggeredScaleUp"
SPOKEN: Final = frozenset({"FailedScheduling", "NotTriggerScaleUp", "FailedMount", "FailedCreatePodSandBox", "Failed"})
OWN: Final = frozenset({"measure", "collect"})


@dataclass(frozen=True)
class PodState:
    """Where a pod is: `why` says what it waits for or how it failed; `scaling` that a node is being made for it.

    `begun` says that what makes the requests has begun.
    """

    phase: Phase
    why: str = ""
    scaling: bool = False
    begun: bool = False


def state_of(pod: Object, events: Iterable[Object] = ()) -> PodState:
    """Where a pod is, with the events about it."""
    status = pod.get("status") or {}
    said = tuple(_said(events))
    scaling = any(event.get("reason") == SCALING for event in events)
    match status.get("phase"):
        case "Succeeded":
            return PodState("succeeded", begun=True)
        case "Failed":
            return PodState("failed", "; ".join(_failures(status)) or _of_pod(status) or "; ".join(said))
    if stuck := "; ".join(_stuck(status)):
        return PodState("waiting", stuck, scaling)
    begun = any("running" in (one.get("state") or {}) for one in _containers(status))
    if not begun and (unscheduled := _unscheduled(status)):
        return PodState("waiting", unscheduled, scaling)
    return PodState("running" if begun else "waiting", "" if begun else "; ".join(said), scaling, begun)


def state_of_job(job: Object, pod: Object | None, events: Iterable[Object] = ()) -> PodState:
    """Where a Job is, by its pod if it has one yet."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Failed" and condition.get("status") == "True":
            own = state_of(pod, events).why if pod else ""
            told = f"{condition.get('reason', '')}: {condition.get('message', '')}".strip(": ")
            return PodState("failed", own or told)
    if pod is None:
        refused = "; ".join(f"{e.get('reason')}: {e.get('message')}" for e in events if e.get("type") == "Warning")
        return PodState("waiting", refused or "it has no pod yet")
    return state_of(pod, events)


def containers_of(pod: Object) -> tuple[str, ...]:
    """The names of a pod's containers that have begun, in their order."""
    return tuple(str(one["name"]) for one in _containers(pod.get("status") or {}) if "waiting" not in one["state"])


def _containers(status: Object) -> Sequence[Object]:
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _failures(status: Object) -> Iterator[str]:
    for one in _containers(status):
        ended = (one.get("state") or {}).get("terminated") or {}
        if ended.get("exitCode"):
            told = (ended.get("message") or ended.get("reason") or "it said nothing").strip()
            yield f"container {one['name']} ended with exit code {ended['exitCode']}: {told}"


def _of_pod(status: Object) -> str:
    return ": ".join(str(status[key]) for key in ("reason", "message") if status.get(key))


def _stuck(status: Object) -> Iterator[str]:
    for one in _containers(status):
        waiting = (one.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in STUCK:
            yield f"container {one['name']}: {waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")


def _unscheduled(status: Object) -> str:
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"{condition.get('reason', '')}: {condition.get('message', '')}".strip(": ")
    return ""


def _said(events: Iterable[Object]) -> Iterator[str]:
    """What events say of trouble, the last of each kind."""
    last = {event.get("reason"): event.get("message") for event in events if event.get("reason") in SPOKEN}
    yield from (f"{reason}: {message}" for reason, message in last.items())

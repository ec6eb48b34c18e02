"""When an object is ready, as Pulumi's Kubernetes provider knows it. Pure.

Deployments, StatefulSets and DaemonSets when they are rolled out, Jobs when they are complete, Pods when they are
ready, CustomResourceDefinitions when they are established, Services of type LoadBalancer when they have an address; all
else at once. The annotations `pulumi.com/skipAwait` and `pulumi.com/waitFor` say otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stack.engines.kubernetes.objects import annotation, kind_of
from stack.engines.kubernetes.trees import Tree


@dataclass(frozen=True)
class State:
    """How far an object is; `failed` when it will not become ready by waiting."""

    ready: bool
    text: str = ""
    failed: bool = False


Test = Callable[[Tree], State]

# A step of a path: a name or an index, or a filter such as `?(@.type=="Ready")`.
_STEP: Final = re.compile(r"""\?\(@\.(?P<key>\w+)==["'](?P<value>[^"']*)["']\)|(?P<name>[^.\[\]{}'"]+)""")


def checks_for(obj: Tree) -> tuple[Test, ...]:
    """What must hold before an object counts as ready; nothing for most kinds.

    Raises:
        ValueError: its `waitFor` annotation cannot be read.
    """
    if annotation(obj, "skipAwait") == "true":
        return ()
    if stated := annotation(obj, "waitFor"):
        terms = json.loads(stated) if stated.lstrip().startswith("[") else [stated]
        return tuple(map(_stated, terms))
    test = _TESTS.get(kind_of(obj))
    return (test,) if test else ()


def condition(obj: Tree, type_: str) -> Mapping[str, Any]:
    """A condition in an object's status; empty when it has none of that type."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((found for found in conditions if found.get("type") == type_), {})


def _stated(term: str) -> Test:
    kind, _, rest = term.partition("=")
    match kind:
        case "jsonpath" if "}" in rest:
            return _at_path(rest)
        case "condition" if rest:
            type_, _, value = rest.partition("=")
            return _has_condition(type_, value or "True")
    raise ValueError(f"pulumi.com/waitFor knows condition=TYPE and jsonpath={{PATH}}=VALUE, not {term!r}")


def _has_condition(type_: str, value: str = "True") -> Test:
    """A condition, of the object as it is now where the condition says what it was judged by.

    The `observedGeneration` of a status as a whole is left aside: KServe puts its Deployment's there.
    """

    def test(obj: Tree) -> State:
        found = condition(obj, type_)
        now = obj["metadata"].get("generation", 0)
        if found.get("observedGeneration", now) < now:
            return State(False, f"condition {type_} is still that of an earlier spec")
        status = str(found.get("status", "absent"))
        told = "; ".join(part for part in (f"condition {type_} is {status}", str(found.get("message", ""))) if part)
        return State(status.lower() == value.lower(), told)

    return test


def _at_path(expression: str) -> Test:
    path, _, rest = expression.partition("}")
    steps, wanted = list(_STEP.finditer(path)), rest.lstrip("=")

    def test(obj: Tree) -> State:
        at: Any = obj
        message = ""
        for step in steps:
            at = _below(at, step)
            message = at.get("message") or message if isinstance(at, dict) else message
        there = at is not None and (not wanted or _text(at) == wanted)
        told = f"{path}}} is {_text(at)}" + (f", not {wanted}" if wanted else "")
        return State(there, f"{told}; {message}" if message else told)

    return test


def _below(at: Any, step: re.Match[str]) -> Any:
    """What lies one step further: under a name, at an index, or the first that a filter chooses; None for nothing."""
    name = step["name"]
    match at:
        case dict() if name:
            return at.get(name)
        case list() if name:
            return at[int(name)] if name.isdigit() and int(name) < len(at) else None
        case list():
            return next((one for one in at if isinstance(one, dict) and one.get(step["key"]) == step["value"]), None)
        case _:
            return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _rolled_out(obj: Tree) -> State:
    """A Deployment, as `kubectl rollout status` judges it."""
    spec, status, progress = obj["spec"], obj.get("status") or {}, condition(obj, "Progressing")
    wanted = spec.get("replicas", 1)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    old = max(status.get("replicas", 0) - updated, 0)
    text = _counted(available, wanted, updated, old)
    if not _seen(obj):
        return State(False, "the controller has not looked at it yet")
    if spec.get("paused"):
        return State(True, "paused")
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return State(False, str(progress.get("message") or text), failed=True)
    return State(updated >= wanted and available >= wanted and not old, text)


def _stateful(obj: Tree) -> State:
    spec, status = obj["spec"], obj.get("status") or {}
    wanted, ready = spec.get("replicas", 1), status.get("readyReplicas", 0)
    strategy = spec.get("updateStrategy") or {}
    kept = (strategy.get("rollingUpdate") or {}).get("partition", 0)
    due = 0 if strategy.get("type") == "OnDelete" else max(wanted - kept, 0)
    updated = status.get("updatedReplicas", 0)
    done = (
        _seen(obj)
        and ready >= wanted
        and (updated >= due or status.get("updateRevision") == status.get("currentRevision"))
    )
    return State(done, _counted(ready, wanted, updated, 0))


def _daemon(obj: Tree) -> State:
    status = obj.get("status") or {}
    wanted, available = status.get("desiredNumberScheduled", 0), status.get("numberAvailable", 0)
    by_hand = (obj["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"
    updated = wanted if by_hand else status.get("updatedNumberScheduled", 0)
    return State(_seen(obj) and updated >= wanted and available >= wanted, _counted(available, wanted, updated, 0))


def _seen(obj: Tree) -> bool:
    observed = (obj.get("status") or {}).get("observedGeneration", 0)
    return bool(observed >= obj["metadata"].get("generation", 1))


def _counted(available: int, wanted: int, updated: int, old: int) -> str:
    return f"{available} of {wanted} available, {updated} updated" + (f", {old} old still there" if old else "")


def _complete(obj: Tree) -> State:
    """A Job."""
    status, failed = obj.get("status") or {}, condition(obj, "Failed")
    if failed.get("status") == "True":
        return State(False, f"{failed.get('reason')}: {failed.get('message')}", failed=True)
    if obj["spec"].get("suspend"):
        return State(True, "suspended")
    counts = ", ".join(f"{status.get(word, 0)} {word}" for word in ("active", "succeeded", "failed"))
    return State(condition(obj, "Complete").get("status") == "True", counts)


def _addressed(obj: Tree) -> State:
    """A Service; only one of type LoadBalancer has to wait for something."""
    balanced = obj["spec"].get("type") == "LoadBalancer"
    has_address = bool(((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress"))
    return State(not balanced or has_address, "the load balancer has given no address yet")


def _running(obj: Tree) -> State:
    """A Pod."""
    phase = str((obj.get("status") or {}).get("phase", "Pending"))
    if phase == "Succeeded":
        return State(True, phase)
    return State(condition(obj, "Ready").get("status") == "True", f"it is {phase}", failed=phase == "Failed")


_TESTS: Final[Mapping[str, Test]] = {
    "apps/v1/Deployment": _rolled_out,
    "apps/v1/StatefulSet": _stateful,
    "apps/v1/DaemonSet": _daemon,
    "batch/v1/Job": _complete,
    "v1/Service": _addressed,
    "v1/Pod": _running,
    "apiextensions.k8s.io/v1/CustomResourceDefinition": _has_condition("Established"),
}


def troubles_of(pods: tuple[Tree, ...]) -> tuple[str, ...]:
    """Why pods do not run, in the cluster's words."""
    return tuple(dict.fromkeys(text for pod in pods for text in _troubles(pod)))


def _troubles(pod: Tree) -> list[str]:
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    found = []
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        found.append(f"{name}: {scheduled.get('reason')}: {scheduled.get('message')}")
    if status.get("phase") == "Failed" and status.get("reason"):
        found.append(f"{name}: {status['reason']}: {status.get('message', '')}")
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        now, last = container.get("state") or {}, container.get("lastState") or {}
        if (waiting := now.get("waiting")) and waiting.get("reason") not in ("PodInitializing", "ContainerCreating"):
            found.append(
                f"{name}: {container['name']}: {waiting.get('reason')}: {waiting.get('message', '')}".rstrip(": ")
            )
        for ended in (now.get("terminated"), last.get("terminated")):
            if ended and ended.get("exitCode"):
                told = str(ended.get("message") or "").strip()
                code = f"{name}: {container['name']}: {ended.get('reason', 'Error')}, exit code {ended['exitCode']}"
                found.append(f"{code}: {told}" if told else code)
    return found

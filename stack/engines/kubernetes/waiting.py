"""Waits for objects: to become ready, to go away; asks for the reasons when they do not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from components import progress
from schemas.errors import InferstackError
from stack.engines.kubernetes.connection import Connection
from stack.engines.kubernetes.errors import Missing, StillThere
from stack.engines.kubernetes.objects import annotation, id_of, label
from stack.engines.kubernetes.readiness import checks_for, condition, troubles_of
from stack.engines.kubernetes.trees import Tree

LIMIT_S: Final = 600.0  # as Pulumi's provider waits, unless `customTimeouts` says otherwise
_FIRST_S: Final = 0.1
_LONGEST_S: Final = 2.0
_REASONS: Final = 8
_ASKED_EVERY_S: Final = 4.0
_SAID: Final = 2  # of the reasons, while it is waited
_SAID_CHARACTERS: Final = 300


class Unready(Exception):
    """An object did not become ready; it is there as `live`. Never leaves the package."""

    def __init__(self, live: Tree, reasons: tuple[str, ...]) -> None:
        super().__init__("; ".join(reasons))
        self.live, self.reasons = live, reasons


def ticks(limit_s: float) -> Iterator[None]:
    """Turns of a wait, at first often and then less so, until the limit; always at least one."""
    deadline, pause = time.monotonic() + limit_s, _FIRST_S
    yield
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_S)
        yield


def limit_s(obj: Tree, stated: float | None) -> float:
    """How long to wait for an object: as the program says, else as the object does."""
    text = annotation(obj, "timeoutSeconds")
    return stated or (float(text) if text.isdigit() else LIMIT_S)


def until_ready(connection: Connection, live: Tree, inputs: Tree, patience_s: float) -> Tree:
    """The object once it is ready; meanwhile what keeps it is said, for which no wait is ended: an image may yet come.

    Raises:
        Unready: it is not in time, or will not become so.
        StoppedError: the user stops; the object is there, the next run finds it.
    """
    tests = checks_for(inputs)
    text, why, asked = "", "", time.monotonic()
    if not tests:
        return live
    for turn, _ in enumerate(ticks(patience_s)):
        if turn:
            newer = connection.get(live)
            if newer is None or newer["metadata"]["uid"] != live["metadata"]["uid"]:
                raise Unready(live, ("it was deleted while it was waited for",))
            live = newer
        states = [test(live) for test in tests]
        if all(state.ready for state in states):
            return live
        text = "; ".join(state.text for state in states if not state.ready)
        if any(state.failed for state in states):
            raise Unready(live, (text, *reasons(connection, live)))
        if time.monotonic() - asked >= _ASKED_EVERY_S:
            why, asked = _said(reasons(connection, live)), time.monotonic()
        progress.say(f"{text}: {why}" if why else text)
        progress.give_way(f"Waiting for {label(live)}", f"{text}: {why}" if why else text)
    raise Unready(live, (f"{text} after {patience_s:.0f} s", *reasons(connection, live)))


def _said(found: tuple[str, ...]) -> str:
    """Reasons as one line that is not too long."""
    text = " ".join("; ".join(found[:_SAID]).split())
    return text if len(text) <= _SAID_CHARACTERS else f"{text[: _SAID_CHARACTERS - 3]}..."


def reasons(connection: Connection, live: Tree) -> tuple[str, ...]:
    """Why a workload does not become ready, in the cluster's words; empty when nothing can be learned."""
    namespace, uid = live["metadata"].get("namespace"), live["metadata"].get("uid", "")
    selector = ((live.get("spec") or {}).get("selector") or {}).get("matchLabels")
    found: list[str] = []
    if (failure := condition(live, "ReplicaFailure")).get("status") == "True":
        found.append(f"{failure.get('reason')}: {failure.get('message')}")
    try:
        if namespace and selector:
            labels = ",".join(f"{key}={value}" for key, value in selector.items())
            found += troubles_of(connection.listed("v1", "Pod", namespace, labelSelector=labels))
        elif live.get("kind") == "Pod":
            found += troubles_of((live,))
        if namespace and not found:
            fields = f"involvedObject.uid={uid},type=Warning"
            events = connection.listed("v1", "Event", namespace, fieldSelector=fields)
            found += [f"{event.get('reason')}: {event.get('message')}" for event in events[-_REASONS:]]
    except (InferstackError, Missing):
        pass  # the reasons are a help: that they cannot be had must not hide what is wrong
    return tuple(dict.fromkeys(found))[:_REASONS]


def until_gone(connection: Connection, obj: Tree, uid: str, patience_s: float) -> None:
    """Nothing, once the object of that uid is no more.

    Raises:
        StillThere: it does not go away; the message names what holds it.
    """
    live: Tree | None = None
    for _ in ticks(patience_s):
        live = connection.get(obj)
        if live is None or (uid and live["metadata"]["uid"] != uid):
            return
        held = live["metadata"].get("finalizers")
        progress.say(f"waiting for its finalizers: {', '.join(held)}" if held else "waiting for its end")
        progress.give_way(f"Waiting for the end of {label(obj)}")
    assert live is not None
    raise StillThere(
        f"{label(obj)} is still there {patience_s:.0f} s after its deletion was asked for.",
        why=_held(live),
        remedy=f"Look at it with `kubectl get {live['kind'].lower()} -o yaml {id_of(obj).rpartition('/')[2]}`; "
        "run the same command again once it is gone.",
    )


def _held(live: Tree) -> str:
    finalizers = live["metadata"].get("finalizers") or (live.get("spec") or {}).get("finalizers") or ()
    conditions = (live.get("status") or {}).get("conditions") or ()
    told = [found["message"] for found in conditions if found.get("status") == "True" and found.get("message")]
    by = f"Its controller must first remove the finalizers {', '.join(finalizers)}." if finalizers else ""
    return " ".join([by, *told]).strip()

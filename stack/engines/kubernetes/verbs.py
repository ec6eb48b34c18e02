"""Create, update, read and delete objects. May be killed at any moment: done again, each comes to the same."""

from __future__ import annotations

import time
from typing import Final

from stack.engines.about import About
from stack.engines.kubernetes import fields
from stack.engines.kubernetes.connection import Connection
from stack.engines.kubernetes.difference import refuse_foreign, refuse_invalid
from stack.engines.kubernetes.errors import Invalid, Missing, ServerTrouble, Superseded
from stack.engines.kubernetes.objects import annotation, id_of, kept, label, manager_of, named
from stack.engines.kubernetes.trees import Tree, asked_for, in_the_state, on_the_wire
from stack.engines.kubernetes.waiting import Unready, limit_s, ticks, until_gone, until_ready
from stack.engines.providers import Live, NotReady

_SETTLING_S: Final = 5.0  # for a namespace or a kind that was made a moment ago
_PASSING_S: Final = 60.0  # for trouble that passes: a webhook that is starting, an API server under load
_PROPAGATION: Final = {"orphan": "Orphan", "background": "Background"}


def create(about: About, inputs: Tree, connection: Connection) -> Live:
    """Make an object that is not there yet.

    Raises:
        AlreadyExists: it is there, and is not what an interrupted run of ours left.
        NotReady: it is there now, but did not become ready.
    """
    connection.expect(about.identity)
    manager = manager_of(about.urn, inputs, {})
    patience_s = limit_s(inputs, about.timeouts_s.get("create"))
    live = connection.get(inputs)
    if live is not None and live["metadata"].get("deletionTimestamp"):
        until_gone(connection, inputs, live["metadata"]["uid"], patience_s)
        live = None
    if live is not None:
        refuse_foreign(live, inputs, _known_manager(about, inputs), interrupted=about.interrupted is not None)
        manager = _known_manager(about, inputs)
    try:
        made = _applied(inputs, manager, connection)
    except Invalid as error:
        if live is None or not about.interrupted:
            raise
        # What a killed run made, or was to delete, is there still, and cannot be changed into what it shall be now.
        refuse_invalid(inputs, connection, error)
        _delete(live, live["metadata"]["uid"], patience_s, connection)
        made = _applied(inputs, manager, connection)
    return _awaited(made, inputs, manager, about, patience_s, connection)


def _known_manager(about: About, inputs: Tree) -> str:
    return manager_of(about.urn, inputs, about.outputs if about.interrupted == "deleting" else {})


def update(about: About, was: Tree, inputs: Tree, connection: Connection) -> Live:
    """Change an object in place.

    Raises:
        NotReady: it is changed, but did not become ready.
    """
    connection.expect(about.identity)
    manager = manager_of(about.urn, inputs, was)
    patience_s = limit_s(inputs, about.timeouts_s.get("update"))
    body = inputs
    if (live := connection.get(was)) is not None:
        _take_over(live, manager, fields.given_up(live, manager, inputs), connection)
        body = fields.applied(inputs, live, manager, about.ignored)
    made = _applied(body, manager, connection)
    return _awaited(made, inputs, manager, about, patience_s, connection)


def _take_over(live: Tree, manager: str, given_up: tuple[str, ...], connection: Connection) -> None:
    """Make the fields ours that Pulumi's create owned, and let go of those that are left to others."""
    for _ in ticks(_SETTLING_S):
        entries = fields.inherited(live, manager)
        shared = {**live, "metadata": {**live["metadata"], "managedFields": entries}} if entries else live
        entries = fields.released(shared, manager, given_up) or entries
        if entries is None:
            return
        try:
            connection.give_fields(live, entries)
            return
        except Superseded:  # it has changed since it was read, which a controller does often
            if (newer := connection.get(live)) is None:
                return
            live = newer


def read(about: About, id_: str, was: Tree, connection: Connection) -> Live | None:
    """The object as it is now; None when it, or its kind, is gone."""
    connection.expect(about.identity)
    asked = was.get("__inputs")
    live = connection.get(was if asked else named(about.type, id_))
    if live is None:
        return None
    if not asked:
        return Live(id_of(live), in_the_state(live))
    inputs = asked_for(live, on_the_wire(asked))
    outputs = kept(live, inputs, was.get("__fieldManager", ""), was.get("__initialApiVersion", ""))
    return Live(id_of(live), outputs, inputs, judged_by_inputs=True)


def delete(about: About, was: Tree, connection: Connection) -> None:
    """Delete an object and wait for its end. One that is not there, or is another by now, is no error.

    What an interrupted create may have left is known by its name alone: then only what is ours by it is deleted.

    Raises:
        StillThere: it does not go away in time.
    """
    connection.expect(about.identity)
    patience_s = limit_s(was, about.timeouts_s.get("delete"))
    uid = str(was["metadata"].get("uid", ""))
    if not uid or about.interrupted:
        live = connection.get(was)
        owners = fields.managers(live) if live is not None else ()
        ours = {manager_of(about.urn, was, {}), manager_of(about.urn, was, was)}
        if live is None or (owners and not ours & set(owners)):
            return
        uid = str(live["metadata"]["uid"])
    _delete(was, uid, patience_s, connection)


def _delete(obj: Tree, uid: str, patience_s: float, connection: Connection) -> None:
    stated = annotation(obj, "deletionPropagationPolicy").lower()
    try:
        connection.delete(obj, _PROPAGATION.get(stated, "Foreground"), uid)
    except Missing:
        return
    except Superseded:
        pass  # another object has its name by now, or its deletion is under way: looking tells
    if annotation(obj, "skipAwait") != "true":
        until_gone(connection, obj, uid, patience_s)


def _applied(inputs: Tree, manager: str, connection: Connection) -> Tree:
    """The object, applied; what passes by itself is tried again for a while."""
    force = annotation(inputs, "patchForce") == "true"
    began = time.monotonic()
    error: Exception | None = None
    for _ in ticks(_PASSING_S):
        try:
            return connection.apply(inputs, manager, force=force).obj
        except Missing as missing:
            error = Invalid(
                f"{label(inputs)} cannot be made: its namespace, or its kind, is not in the cluster.",
                why=str(missing),
                remedy="Make the namespace, or the CustomResourceDefinition, first.",
            )
            if time.monotonic() - began > _SETTLING_S:
                break
        except ServerTrouble as trouble:
            if not trouble.passing:
                raise
            error = trouble
    assert error is not None
    raise error


def _awaited(made: Tree, inputs: Tree, manager: str, about: About, patience_s: float, connection: Connection) -> Live:
    first = about.outputs.get("__initialApiVersion", "")
    try:
        live = until_ready(connection, made, inputs, patience_s)
    except Unready as error:
        raise NotReady(
            f"{label(inputs)} did not become ready.",
            Live(id_of(error.live), kept(error.live, inputs, manager, first)),
            error.reasons,
            remedy="It is in the cluster and in the state: repair what it waits for and run the same command again.",
        ) from error
    return Live(id_of(live), kept(live, inputs, manager, first))

"""What a change would do to an object: the API server's own answer, a dry run of the very apply against what is live.

Where it cannot be asked (inputs that are not known yet, no cluster) the inputs are compared, and a short table says
what cannot be changed in place.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Final

from stack.engines import values
from stack.engines.about import About
from stack.engines.kubernetes import fields
from stack.engines.kubernetes.connection import Connection
from stack.engines.kubernetes.errors import TAKE, AlreadyExists, CannotAsk, FieldConflict, Invalid, Missing
from stack.engines.kubernetes.objects import (
    annotation,
    foretold,
    id_of,
    kept,
    kind_of,
    label,
    manager_of,
    same_namespace,
)
from stack.engines.kubernetes.readiness import condition
from stack.engines.kubernetes.trees import Tree, lasting, on_the_wire
from stack.engines.paths import with_kept
from stack.engines.providers import ProviderDiff, Refused
from stack.engines.values import UNKNOWN, Difference, has_unknown

IMMUTABLE: Final[Mapping[str, tuple[str, ...]]] = {
    "apps/v1/Deployment": ("spec.selector",),
    "apps/v1/DaemonSet": ("spec.selector",),
    "apps/v1/StatefulSet": (
        "spec.podManagementPolicy",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    "batch/v1/Job": ("spec.completionMode", "spec.completions", "spec.selector", "spec.template"),
    "v1/PersistentVolumeClaim": ("spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"),
    "v1/Secret": ("type",),
    "v1/Service": ("spec.clusterIP",),
    "rbac.authorization.k8s.io/v1/ClusterRoleBinding": ("roleRef",),
    "rbac.authorization.k8s.io/v1/RoleBinding": ("roleRef",),
    "storage.k8s.io/v1/StorageClass": ("parameters", "provisioner", "volumeBindingMode"),
}
_SAYS_IMMUTABLE: Final = re.compile(
    r"immutable|may not (be )?change|cannot change|cannot be (changed|updated)|Forbidden: (pod )?updates to"
)
_REHEARSAL: Final = "inferstack-rehearsal"


def compare(about: About, was: Tree, new: Tree, connection: Connection | None) -> ProviderDiff:
    """What an update would do.

    Args:
        was: the outputs in the state.
        new: the checked inputs.
        connection: the cluster; None while nobody knows which one it will be.
    """
    old = about.inputs
    asked = values.difference(old, new)
    again = about.unready and annotation(new, "replaceUnready") == "true" and kind_of(new) == "batch/v1/Job"
    if again and condition(was, "Failed").get("status") == "True":
        return ProviderDiff(replaces=("status",), delete_before_replace=True, foretold=foretold(new))
    if not asked and not about.interrupted:
        return ProviderDiff(changes=False, foretold=_unsettled(was) if about.unready else None)
    if another := _identity(old, new, asked):
        same = not has_unknown(new.get("metadata")) and id_of(new) == id_of(was) and old.get("kind") == new.get("kind")
        return ProviderDiff(replaces=another, delete_before_replace=same, foretold=foretold(new))
    guessed = _guessed(new, asked)
    if connection is None or has_unknown(new):
        return guessed

    def ask() -> ProviderDiff:
        connection.expect(about.identity)
        return _asked(about, was, new, connection, asked)

    return _unless_silent(about, guessed, ask)


def _unless_silent(about: About, guessed: ProviderDiff, ask: Callable[[], ProviderDiff]) -> ProviderDiff:
    """The guess, with the way to the truth; where nobody answers, a plan that is not carried out makes do with it."""

    def asked() -> ProviderDiff:
        try:
            return ask()
        except CannotAsk as error:
            if about.binding:
                raise
            return dataclasses.replace(guessed, caveat=caveat(error))

    return dataclasses.replace(guessed, ask=asked)


def caveat(error: CannotAsk) -> str:
    """What a plan says that was made without an answer of the cluster."""
    return f"This plan was made without asking the cluster: {error.message} {error.why}".strip()


def _identity(old: Tree, new: Tree, asked: tuple[Difference, ...]) -> tuple[str, ...]:
    """The changed places by which an object is known: another value there is another object."""
    before, after = old.get("metadata") or {}, new.get("metadata") or {}
    if after == UNKNOWN:
        return ("metadata",)
    found = []
    if old.get("kind") != new.get("kind") or _group(old) != _group(new):
        found += [path for path in ("apiVersion", "kind") if any(change.path == path for change in asked)]
    if before.get("name") != after.get("name"):
        found.append("metadata.name")
    if not same_namespace(before.get("namespace"), after.get("namespace")):
        found.append("metadata.namespace")
    return tuple(found)


def _group(obj: Tree) -> str:
    return str(obj.get("apiVersion", "")).rpartition("/")[0]


def _guessed(new: Tree, asked: tuple[Difference, ...]) -> ProviderDiff:
    places = IMMUTABLE.get(kind_of(new), ())
    replaces = tuple(change.path for change in asked if any(_within(change.path, place) for place in places))
    return ProviderDiff(changes=True, replaces=replaces, delete_before_replace=True, foretold=foretold(new))


def _within(path: str, place: str) -> bool:
    return path == place or path.startswith((f"{place}.", f"{place}["))


def _asked(about: About, was: Tree, new: Tree, connection: Connection, asked: tuple[Difference, ...]) -> ProviderDiff:
    """The server's answer."""
    was = on_the_wire(was)
    live = connection.get(was)
    if live is None or live["metadata"].get("deletionTimestamp"):
        return ProviderDiff(gone=True, foretold=foretold(new))
    manager = manager_of(about.urn, new, was)
    inheriting = fields.inherited(live, manager) is not None
    body = fields.applied(new, live, manager, about.ignored)
    body = with_kept(body, live, fields.given_up(live, manager, new))
    try:
        # A hand-over cannot be rehearsed: the fields of Pulumi's plain create have another owner still.
        would = connection.apply(body, manager, dry_run=True, force=inheriting or _forced(new)).obj
    except Missing:
        return ProviderDiff(gone=True, foretold=foretold(new))
    except Invalid as error:
        return _replacement(new, asked, connection, error)
    found = {change.path: change for change in values.difference(lasting(live), lasting(would))}
    if inheriting:
        # For the same reason the dry run keeps what the program no longer states.
        found.update({change.path: change for change in asked if change.kind == "delete"})
    outputs = kept(_unsettled(would) if found else live, new, manager, was.get("__initialApiVersion", ""))
    return ProviderDiff(changes=bool(found), differences=tuple(found[path] for path in sorted(found)), foretold=outputs)


def _unsettled(obj: Tree) -> Tree:
    """An object whose status is about to change."""
    return {**obj, "status": UNKNOWN} if "status" in obj else obj


def _forced(new: Tree) -> bool:
    return annotation(new, "patchForce") == "true"


def _replacement(new: Tree, asked: tuple[Difference, ...], connection: Connection, error: Invalid) -> ProviderDiff:
    """What an update that the server refuses comes to: a replacement if the object would be valid as a new one."""
    refuse_invalid(new, connection, error)
    guessed = _guessed(new, asked).replaces
    named = tuple(change.path for change in asked if any(_within(change.path, field) for field in error.fields))
    replaces = guessed or named or error.fields or ("spec",)
    return ProviderDiff(changes=True, replaces=replaces, delete_before_replace=True, foretold=foretold(new))


def refuse_invalid(new: Tree, connection: Connection, error: Invalid) -> None:
    """Nothing, if an object that cannot be changed into this would be valid as a new one; else the error.

    A CustomResourceDefinition is never replaced for that: all objects of its kind would go with it.
    """
    if new["kind"] == "CustomResourceDefinition":
        raise error
    if _SAYS_IMMUTABLE.search(error.why):
        return
    try:
        aside = {**new, "metadata": {**new["metadata"], "name": _REHEARSAL}}
        connection.apply(aside, _REHEARSAL, dry_run=True)
    except (Refused, Missing):
        raise error from None


def rehearse(about: About, new: Tree, connection: Connection | None) -> ProviderDiff:
    """What a create would do: refuses beforehand what the server would refuse."""
    told = foretold(new)
    if connection is None or has_unknown(new):
        return ProviderDiff(foretold=told)

    def ask() -> ProviderDiff:
        connection.expect(about.identity)
        _rehearse(about, new, connection)
        return ProviderDiff(foretold=told)

    return _unless_silent(about, ProviderDiff(foretold=told), ask)


def _rehearse(about: About, new: Tree, connection: Connection) -> None:
    manager = manager_of(about.urn, new, {})
    try:
        try:
            made = connection.apply(new, manager, dry_run=True, force=_forced(new))
            live = None if made.created else connection.get(new)
        except FieldConflict:
            live = connection.get(new)
        except Invalid as error:
            live = connection.get(new) if about.interrupted else None
            if live is None:
                raise
            refuse_invalid(new, connection, error)
    except Missing as missing:
        if not missing.kind:
            _rehearse_elsewhere(new, connection)
        elif "." not in _group(new):
            raise Invalid(
                f"{label(new)} is of no kind that the cluster has: {new['apiVersion']}/{new['kind']}.",
                why="Kinds of this group come with Kubernetes itself; nothing in the plan can bring one.",
                remedy="Look at `apiVersion` and `kind`; `kubectl api-resources` lists what there is.",
            ) from None
        return
    if live is not None:
        refuse_foreign(live, new, manager, interrupted=about.interrupted is not None)


def _rehearse_elsewhere(new: Tree, connection: Connection) -> None:
    """The namespace is yet to be made: whether the object is valid can be tried in another one."""
    aside = {**new, "metadata": {**new["metadata"], "name": _REHEARSAL, "namespace": "default"}}
    try:
        connection.apply(aside, _REHEARSAL, dry_run=True)
    except Invalid as error:
        # Under its own name: the rehearsal's is nobody's business.
        raise Invalid(
            f"{label(new)} is not valid.",
            error.fields,
            why=error.why.replace(f'"{_REHEARSAL}"', f'"{new["metadata"]["name"]}"'),
            remedy=error.remedy,
        ) from None
    except (Refused, Missing):
        pass  # what holds in that namespace need not hold in this one


def refuse_foreign(live: Tree, inputs: Tree, manager: str, *, interrupted: bool) -> None:
    """Nothing, if what is there may be taken for ours: an interrupted run made it, or the program takes it over.

    Raises:
        AlreadyExists: it may not.
    """
    owners = fields.managers(live)
    # An object with nothing but a name has no managers: then the journal alone tells that we have made it.
    ours = interrupted and (manager in owners or not owners)
    if ours or annotation(inputs, "patchForce") == "true":
        return
    raise AlreadyExists(
        f"{label(inputs)} exists already.",
        why=f"It is managed by {', '.join(owners) or 'another tool'}, not by this stack.",
        remedy=f"Give yours another name, delete that one, or take it over with {TAKE}.",
    )

"""Work on nested values of objects: cutting to a shape, renaming keys, hiding secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from stack.engines.values import Secret, Value, Values, has_secret, plain

Tree = dict[str, Any]

READ_ONLY: Final = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_EXTENSION: Final = re.compile(r"x[-_]kubernetes[-_]")


def on_the_wire(value: Any) -> Any:
    """The value with extension keys as the API writes them (`x-kubernetes-...`)."""
    return _renamed(value, "_", "-")


def in_the_state(value: Any) -> Any:
    """The value with extension keys as Pulumi's state has them (`x_kubernetes_...`)."""
    return _renamed(value, "-", "_")


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {
            key.replace(old, new) if _EXTENSION.match(key) else key: _renamed(item, old, new)
            for key, item in value.items()
        }
    return [_renamed(item, old, new) for item in value] if isinstance(value, list) else value


def asked_for(live: Any, shape: Any) -> Any:
    """What is live, cut down to what `shape` names: without what the cluster filled in.

    Items of lists belong together by their `name` where all have one, else by their place.
    """
    if isinstance(live, dict) and isinstance(shape, dict):
        return {key: asked_for(live[key], item) for key, item in shape.items() if key in live and item is not None}
    if isinstance(live, list) and isinstance(shape, list):
        names = [_name(item) for item in shape]
        if shape and all(names) and len(set(names)) == len(names):
            shapes = dict(zip(names, shape, strict=True))
            known = {_name(item): asked_for(item, shapes[_name(item)]) for item in live if _name(item) in shapes}
            return [known[name] for name in names if name in known]
        return [asked_for(item, shape[index]) if index < len(shape) else item for index, item in enumerate(live)]
    return live


def _name(item: Any) -> str:
    return str(item.get("name", "")) if isinstance(item, dict) else ""


def lasting(live: Tree) -> Tree:
    """An object without what changes by itself: its status, and what the server keeps in its metadata."""
    kept = {key: value for key, value in live.items() if key != "status" and not key.startswith("__")}
    metadata = {key: value for key, value in kept.get("metadata", {}).items() if key not in READ_ONLY}
    return {**kept, "metadata": metadata}


def told(outputs: Values) -> Values:
    """What a program may ask an object for: all but the bookkeeping, which is most of what a live object holds."""
    shown = {key: value for key, value in outputs.items() if not key.startswith("__")}
    if isinstance(metadata := shown.get("metadata"), dict):
        shown["metadata"] = {key: value for key, value in metadata.items() if key != "managedFields"}
    return shown


def hide(values: Values, like: Values) -> Values:
    """The object with secrets where `like` has them, at the very place; of a Secret, all data, as Pulumi does.

    What is no object is a Helm release, whose inputs Pulumi keeps secret as a whole.
    """
    hidden: Values = _hide(values, like)
    if values.get("kind") == "Secret":
        hidden.update({key: _secret(hidden[key]) for key in ("data", "stringData") if key in hidden})
    if isinstance(asked := values.get("__inputs"), dict):
        hidden["__inputs"] = hide(asked, like) if "kind" in values else _secret(asked)
    if values.get("kind") == "Secret" or has_secret(like):
        hidden = _without_copy(hidden)
    return hidden


def _hide(value: Value, like: Value) -> Value:
    if isinstance(value, Secret) or like is None:
        return value
    if isinstance(like, Secret):
        return _secret(value)
    if isinstance(value, dict) and isinstance(like, dict):
        return {key: _hide(item, like.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(like, list) and has_secret(like):
        if len(value) != len(like):
            return _secret(value)
        return [_hide(item, other) for item, other in zip(value, like, strict=True)]
    return value


def _secret(value: Value) -> Value:
    return value if isinstance(value, Secret) else Secret(plain(value))


def _without_copy(values: Values) -> Values:
    """Hides the copy of the whole object that `kubectl apply` keeps in an annotation."""
    metadata = values.get("metadata")
    notes = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    if not isinstance(metadata, dict) or not isinstance(notes, dict) or LAST_APPLIED not in notes:
        return values
    notes = {**notes, LAST_APPLIED: _secret(notes[LAST_APPLIED])}
    return {**values, "metadata": {**metadata, "annotations": notes}}

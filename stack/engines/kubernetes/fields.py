"""Who owns which field of an object (`metadata.managedFields`), and how ownership is handed over. Pure.

Real Pulumi makes objects by a plain create, whose fields belong to the manager `pulumi-kubernetes` by `Update`; it
changes them by apply under another manager. Before our first apply that entry has to become ours, or changed fields
conflict and removed ones stay for ever.
"""

from __future__ import annotations

import json
from typing import Any, Final

from stack.engines.kubernetes.trees import Tree
from stack.engines.paths import Path, parse, with_kept, without

_PLAIN_CREATE: Final = "pulumi-kubernetes"
_SCALED: Final = ("spec.replicas",)


def managed(live: Tree) -> list[Tree]:
    """The entries of an object's managers."""
    return list(live["metadata"].get("managedFields") or ())


def managers(live: Tree) -> tuple[str, ...]:
    """Names of the managers of an object, sorted."""
    return tuple(sorted({str(entry.get("manager", "")) for entry in managed(live)}))


def inherited(live: Tree, manager: str) -> list[Tree] | None:
    """The entries once we own what Pulumi's plain create owned; None when there is nothing to inherit."""
    entries = managed(live)
    theirs = [
        entry
        for entry in entries
        if entry.get("manager") == _PLAIN_CREATE and entry["operation"] == "Update" and not entry.get("subresource")
    ]
    if not theirs:
        return None
    ours = [entry for entry in entries if _is_ours(entry, manager)]
    owned: Tree = {}
    for entry in (*ours, *theirs):
        owned = _merged(owned, entry.get("fieldsV1") or {})
    rest = [entry for entry in entries if entry not in theirs and entry not in ours]
    return [*rest, {**theirs[0], "manager": manager, "operation": "Apply", "fieldsV1": owned}]


def given_up(live: Tree, manager: str, inputs: Tree) -> tuple[str, ...]:
    """Places that we own and that the program now leaves to an autoscaler: they shall keep what they have.

    A field that only we own and no longer state would be taken away, and the server put its default there: a workload
    that is handed to an autoscaler would fall to one replica.
    """
    ours = [entry.get("fieldsV1") or {} for entry in managed(live) if _is_ours(entry, manager)]
    return tuple(
        path
        for path in _SCALED
        if not _stated(inputs, parse(path)) and any(_reached(owned, live, parse(path)) for owned in ours)
    )


def _stated(tree: Any, path: Path) -> bool:
    if not path:
        return True
    return isinstance(tree, dict) and path[0] in tree and _stated(tree[path[0]], path[1:])


def applied(inputs: Tree, live: Tree, manager: str, ignored: tuple[str, ...]) -> Tree:
    """What is sent to the server: at places that the program leaves to others, what is there, or nothing if others own
    it.
    """
    theirs = [path for path in ignored if owned_by_others(live, manager, path)]
    body: Tree = without(with_kept(inputs, live, ignored), theirs)
    return body


def released(live: Tree, manager: str, paths: tuple[str, ...]) -> list[Tree] | None:
    """The entries once our manager no longer owns these places; None when it does not own them."""
    entries = managed(live)
    changed = [_released(entry, live, paths) if _is_ours(entry, manager) else entry for entry in entries]
    return changed if changed != entries else None


def _released(entry: Tree, live: Tree, paths: tuple[str, ...]) -> Tree:
    fields = entry.get("fieldsV1") or {}
    for path in paths:
        fields = _without(fields, live, parse(path))
    return {**entry, "fieldsV1": fields}


def owned_by_others(live: Tree, manager: str, path: str) -> bool:
    """Whether somebody else owns a place of an object, or something in it."""
    return any(
        _reached(entry.get("fieldsV1") or {}, live, parse(path))
        for entry in managed(live)
        if not _is_ours(entry, manager)
    )


def _is_ours(entry: Tree, manager: str) -> bool:
    return entry.get("manager") == manager and entry.get("operation") == "Apply"


def _merged(one: Tree, other: Tree) -> Tree:
    return {key: _merged(one.get(key, {}), other.get(key, {})) for key in {**one, **other}}


def _without(fields: Tree, value: Any, path: Path) -> Tree:
    """A set of owned fields without one place."""
    if not path or (found := _step(fields, value, path[0])) is None:
        return fields
    key, below = found
    if len(path) == 1:
        return {other: item for other, item in fields.items() if other != key}
    return {**fields, key: _without(fields[key], below, path[1:])}


def _reached(fields: Tree, value: Any, path: Path) -> bool:
    if not path:
        return True
    if path[0] == "*":
        return bool(fields)
    found = _step(fields, value, path[0])
    if found is None:
        return False
    key, below = found
    return not fields[key] or _reached(fields[key], below, path[1:])


def _step(fields: Tree, value: Any, step: str | int) -> tuple[str, Any] | None:
    """The key under which one step of a path is owned, and the value there; None when it is not owned."""
    if isinstance(step, str):
        key = f"f:{step}"
        return (key, value.get(step) if isinstance(value, dict) else None) if key in fields else None
    if not isinstance(value, list) or step >= len(value):
        return None
    item = value[step]
    for key in fields:
        if key.startswith("k:") and isinstance(item, dict):
            wanted = json.loads(key[2:])
            if all(item.get(name) == stated for name, stated in wanted.items()):
                return key, item
        if key == f"i:{step}" or (key.startswith("v:") and json.loads(key[2:]) == item):
            return key, item
    return None

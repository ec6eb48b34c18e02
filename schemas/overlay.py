"""Layers -> one tree: base <- environment file <- `--set` <- `INFERSTACK_...`; the later wins.

Tables merge key by key; lists of named things (models, serving, benchmarks, ...) merge item by item, by `name`; every
other list, and every single value, is replaced. `key: null` puts a default back; `!remove` takes away a key or an item
of a named list; `!replace` and an empty list put a value in the place of all below instead of merging. What was taken
away stays in the tree as a mark until `settle`, which makes merging associative. Reads files by `source.read` only.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

from schemas.errors import Problem, SpecError
from schemas.shape import Either, ListOf, Record, Shape, TableOf, spec_shape
from schemas.source import read
from schemas.suggest import did_you_mean, listed
from schemas.tree import Items, Node, Origin, Place, Removed, Scalar, Table, name_of, problem_at

__all__ = ["Origin", "child_shape", "merge", "read_layers", "settle"]


def read_layers(path: Path) -> tuple[Table, ...]:
    """The file and all that it extends, base first, without their `extends`.

    Raises:
        SpecError: one of them cannot be read, or they extend each other in a circle.
    """
    found: list[Table] = []
    seen: list[Path] = []
    asked: Place | None = None
    while True:
        table = read(path, asked=asked)
        seen.append(path.resolve())
        extends = table.entries.get("extends")
        found.append(_without(table, "extends"))
        if extends is None or (isinstance(extends, Scalar) and extends.value is None):
            return tuple(reversed(found))
        asked = extends.place
        path = _base(path, extends)
        if path.resolve() in seen:
            raise SpecError((_circle(asked, path, seen),))


def _base(path: Path, extends: Node) -> Path:
    if not (isinstance(extends, Scalar) and isinstance(extends.value, str)) or "://" in extends.value:
        raise SpecError(
            (
                problem_at(
                    extends.place,
                    "LAYER001",
                    "`extends` takes the path of one file",
                    why="A spec is laid over one other; that one may extend a third.",
                    remedy="Write `extends: base.yaml`, relative to this file.",
                ),
            )
        )
    return Path(os.path.normpath(path.parent / extends.value))


def _circle(place: Place, path: Path, seen: list[Path]) -> Problem:
    round_trip = [*seen[seen.index(path.resolve()) :], path]
    return problem_at(
        place,
        "LAYER002",
        f"`extends` goes round in a circle: {' -> '.join(p.name for p in round_trip)}",
        why="Each file would have to be read before itself.",
        remedy="Remove one `extends`; move what the files share into a base of their own.",
    )


def _without(table: Table, key: str) -> Table:
    entries = {k: v for k, v in table.entries.items() if k != key}
    return dataclasses.replace(table, entries=entries)


# ---------------------------------------------------------------------------------------------- merging


def merge(below: Node, above: Node, shape: Shape | None) -> Node:
    """`above` laid over `below`; pure and associative. `shape` is what the place may hold, None where unknown."""
    place = above.place.over(below.place)
    if isinstance(above, Removed) or type(above) is not type(below) or above.replaces:
        return _placed(above, place, replaces=True)
    assert not isinstance(below, Removed)
    match below, above:
        case Table(), Table():
            return _merge_tables(below, above, place, shape)
        case Items(), Items() if isinstance(shape, ListOf) and shape.named:
            return _merge_named(below, above, place, shape)
        case Items(), Items() if any(isinstance(item, Removed) for item in above.items):
            # Nothing is taken out of a list without names: `settle` says so. What is below stays, lest more follows.
            marks = tuple(item for item in above.items if isinstance(item, Removed))
            return Items((*below.items, *marks), place, replaces=True)
        case _:
            return _placed(above, place, replaces=below.replaces)


def _merge_tables(below: Table, above: Table, place: Place, shape: Shape | None) -> Table:
    entries = dict(below.entries)
    for key, value in above.entries.items():
        entries[key] = merge(entries[key], value, child_shape(shape, key)) if key in entries else value
    return Table(entries, {**below.keys, **above.keys}, place, below.replaces)


def _merge_named(below: Items, above: Items, place: Place, shape: ListOf) -> Items:
    if not below.items or not above.items:
        return Items(above.items, place, replaces=True)
    merged = _by_label(below, shape)
    for label, item in _by_label(above, shape).items():
        merged[label] = merge(merged[label], item, shape.of) if label in merged else item
    return Items(tuple(merged.values()), place, below.replaces)


def _by_label(items: Items, shape: ListOf) -> dict[str, Node]:
    return dict(Items(tuple(_full_item(item, shape.of) for item in items.items), items.place).labelled)


def _full_item(item: Node, shape: Shape) -> Node:
    """`cert-manager` as `{name: cert-manager}` where a name may stand for an item."""
    if isinstance(shape, Record) and shape.by_name and isinstance(item, Scalar) and isinstance(item.value, str):
        return Table({"name": item}, {"name": item.place}, item.place)
    return item


def _placed(node: Node, place: Place, *, replaces: bool) -> Node:
    if isinstance(node, Removed):
        return Removed(node.name, place)
    return dataclasses.replace(node, place=place, replaces=node.replaces or replaces)


def child_shape(shape: Shape | None, key: str) -> Shape | None:
    """What a key of a table of this shape may hold; None when the shape has no such key."""
    match shape:
        case Record():
            return shape.fields[key].shape if key in shape.fields else None
        case Either():
            found = (child_shape(option, key) for option in shape.options)
            return next((s for s in found if s is not None), None)
        case TableOf():
            return shape.of
        case ListOf() if shape.single:
            return child_shape(shape.of, key)
        case _:
            return None


# ---------------------------------------------------------------------------------------------- settling


def settle(root: Table) -> tuple[Table, tuple[Problem, ...]]:
    """The tree without the marks of what was removed, and a problem for each mark that removed nothing."""
    problems: list[Problem] = []
    settled = _settle(root, spec_shape(), problems)
    assert isinstance(settled, Table)
    return settled, tuple(problems)


def _settle(node: Node, shape: Shape | None, problems: list[Problem]) -> Node:
    match node:
        case Table():
            entries = {}
            for key, value in node.entries.items():
                if not _is_gone(value, key, node.entries, problems):
                    entries[key] = _settle(value, child_shape(shape, key), problems)
            return Table(entries, node.keys, node.place)
        case Items():
            of = shape.of if isinstance(shape, ListOf) else None
            if not (isinstance(shape, ListOf) and shape.named):
                return Items(tuple(_settle(item, of, problems) for item in _unmarked(node, problems)), node.place)
            names = {name: item for item in node.items if (name := name_of(item))}
            kept = [item for item in node.items if not _is_gone(item, name_of(item) or "", names, problems)]
            return Items(tuple(_settle(_full_item(item, shape.of), of, problems) for item in kept), node.place)
        case _:
            return node


def _unmarked(node: Items, problems: list[Problem]) -> tuple[Node, ...]:
    """The items of a list without names, and a problem for each that was to be taken out of it."""
    kept = tuple(item for item in node.items if not isinstance(item, Removed))
    for mark in node.items:
        if isinstance(mark, Removed):
            left = ", ".join(item.raw for item in kept if isinstance(item, Scalar) and item.raw != mark.name)
            problems.append(
                problem_at(
                    mark.place,
                    "LAYER003",
                    f"`!remove {mark.name}` takes nothing out of this list",
                    why="Its items have no names; such a list is replaced whole by that of a later layer.",
                    remedy=f"Write the list that you want{f': [{left}]' if left else ''}.",
                )
            )
    return kept


def _is_gone(node: Node, name: str, beside: Mapping[str, Node], problems: list[Problem]) -> bool:
    if not isinstance(node, Removed):
        return False
    if node.place.overrides is None:
        others = [key for key, value in beside.items() if not isinstance(value, Removed)]
        problems.append(
            problem_at(
                node.place,
                "LAYER003",
                f"there is no `{name}` to remove{did_you_mean(name, others)}",
                why=f"No layer below this one has it; there {'is' if len(others) == 1 else 'are'} {listed(others)}."
                if others
                else "No layer below this one has it.",
                remedy="Delete the line, or name what is to be removed.",
            )
        )
    return True

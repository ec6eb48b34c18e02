"""Values that know where they were written, and the tree that they form.

A node is a scalar, a table (YAML's mapping), a list, or the mark of something removed. Each carries its `Place`: the
layer (a file, a `--set`, an environment variable), line and column, and the place it overrides. Nodes are values:
merging makes new ones and shares what did not change. Nothing here reads a file or knows the spec's types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from schemas.errors import Location, Problem
from schemas.record import record


@record
class Origin:
    """Who set a value: `text` for people (`environments/local.yaml:14:7`), and the value it overrides."""

    layer: str
    location: Location | None
    text: str
    overrides: Origin | None = None


@record
class Layer:
    """One source of values. `folder` is what relative paths in it start from; a file has `lines`, others a `text`."""

    name: str
    folder: Path
    lines: tuple[str, ...] = ()
    text: str = ""


class Place(NamedTuple):
    """Where a value was written; line and column count from 1. A tuple, since every value of a spec has one."""

    layer: Layer
    line: int = 1
    column: int = 1
    length: int = 1
    overrides: Place | None = None

    @property
    def location(self) -> Location | None:
        """The place in a file; None for what came from the command line or the environment."""
        return None if self.layer.text else Location(self.layer.name, self.line, self.column, max(1, self.length))

    @property
    def origin(self) -> Origin:
        """The place as an `Origin`, with all that it overrides."""
        location = self.location
        below = self.overrides.origin if self.overrides else None
        return Origin(self.layer.name, location, str(location) if location else self.layer.text, below)

    @property
    def source_line(self) -> str:
        """The text of the line; empty for what is not a file."""
        return self.layer.lines[self.line - 1] if 0 < self.line <= len(self.layer.lines) else ""

    def over(self, below: Place) -> Place:
        """This place, overriding `below` (under all that it overrides already)."""
        rest = self.overrides.over(below) if self.overrides else below
        return Place(self.layer, self.line, self.column, self.length, rest)


@record
class Scalar:
    """A single value; `raw` is how it was written."""

    value: str | int | float | bool | None
    raw: str = field(compare=False)
    place: Place = field(compare=False)
    replaces: bool = field(default=False, compare=False)


@record
class Table:
    """Values by key; `keys` holds the places of the keys themselves."""

    entries: Mapping[str, Node]
    keys: Mapping[str, Place] = field(compare=False)
    place: Place = field(compare=False)
    replaces: bool = field(default=False, compare=False)


@record
class Items:
    """A list."""

    items: tuple[Node, ...]
    place: Place = field(compare=False)
    replaces: bool = field(default=False, compare=False)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What each item is called in a path: its name, or its index without one or with one that came before."""
        return _labels(self.items)

    @cached_property
    def labelled(self) -> Mapping[str, Node]:
        """The items by what each is called in a path."""
        return dict(zip(self.labels, self.items, strict=True))


@record
class Removed:
    """Marks what a layer takes away (`!remove`); `name` says which item of a list of named things."""

    name: str
    place: Place = field(compare=False)


Node = Scalar | Table | Items | Removed


def plain(node: Node, *, nulls: bool = True) -> Any:
    """The node as dicts, lists and scalars; without `nulls`, keys whose value is null are left out."""
    match node:
        case Scalar():
            return node.value
        case Table():
            return {
                key: plain(value, nulls=nulls)
                for key, value in node.entries.items()
                if nulls or not (isinstance(value, Scalar) and value.value is None)
            }
        case Items():
            return [plain(value, nulls=nulls) for value in node.items]
        case Removed():
            return None


def name_of(node: Node) -> str | None:
    """The name of an item of a list of named things."""
    match node:
        case Table():
            name = node.entries.get("name")
            return name.value if isinstance(name, Scalar) and isinstance(name.value, str) else None
        case Removed():
            return node.name or None
        case _:
            return None


def _labels(items: tuple[Node, ...]) -> tuple[str, ...]:
    seen: set[str] = set()
    found = []
    for index, node in enumerate(items):
        name = name_of(node)
        found.append(str(index) if name is None or name in seen else name)
        seen.add(found[-1])
    return tuple(found)


def step(node: Node, path: str) -> tuple[str, Node, str] | None:
    """The first step of `path` into the node: (label, child, rest of the path); keys may contain dots (`p99.9`)."""
    match node:
        case Table():
            parts = path.split(".")
            for size in range(len(parts), 0, -1):
                if (key := ".".join(parts[:size])) in node.entries:
                    return key, node.entries[key], ".".join(parts[size:])
        case Items():
            label, _, rest = path.partition(".")
            if label in node.labelled:
                return label, node.labelled[label], rest
            if label.isascii() and label.isdigit() and len(label) < 7 and int(label) < len(node.items):
                return label, node.items[int(label)], rest
        case Scalar() | Removed():
            pass
    return None


@record
class Tree:
    """The merged spec as it was written."""

    root: Table

    def node(self, path: str) -> Node | None:
        """What stands at a path such as `serving.digits.instances.cores`; None when nobody wrote anything there."""
        node: Node = self.root
        while path:
            found = step(node, path)
            if found is None:
                return None
            _, node, path = found
        return node

    def has(self, path: str) -> bool:
        """Whether somebody wrote a value at the path, rather than it being a default."""
        node = self.node(path)
        return node is not None and not (isinstance(node, Scalar) and node.value is None)

    def origin(self, path: str) -> Origin | None:
        """Who set the value at a path; None for a default."""
        node = self.node(path)
        return node.place.origin if node is not None else None

    def nearest(self, path: str) -> Node:
        """What stands at the path, or else the nearest thing around it."""
        node: Node = self.root
        while path and (found := step(node, path)):
            _, node, path = found
        return node

    def problem(self, rule: str, path: str, message: str, *, why: str = "", remedy: str = "") -> Problem:
        """A problem with the value at the path (or with the nearest thing around it that was written)."""
        return problem_at(self.nearest(path).place, rule, message, why=why, remedy=remedy)

    def key_problem(self, rule: str, path: str, message: str, *, why: str = "", remedy: str = "") -> Problem:
        """A problem with a key of a table rather than with its value."""
        node: Node = self.root
        place = node.place
        while path and (found := step(node, path)):
            if isinstance(node, Table):
                place = node.keys[found[0]]
            _, node, path = found
        return problem_at(place, rule, message, why=why, remedy=remedy)


def problem_at(place: Place, rule: str, message: str, *, why: str = "", remedy: str = "") -> Problem:
    """A problem at a place, with all that it takes to show it."""
    return Problem(
        rule,
        message,
        location=place.location,
        source_line=place.source_line,
        why=why,
        remedy=remedy,
        origin=place.layer.text,
    )

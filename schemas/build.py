"""The merged tree -> the typed spec.

Refuses what does not fit with the first problem it meets; the fuller, slower report is the checker's
(`structure.py`), which is asked only then. Parses units, makes paths absolute, notes where each item stands. Applies no
rule beyond the shape.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, assert_never

from schemas import mismatch
from schemas.errors import Problem
from schemas.shape import (
    Anything,
    Choice,
    Either,
    Field,
    Flag,
    ListOf,
    Number,
    Quantity,
    Record,
    Shape,
    TableOf,
    Text,
    option_for,
    spec_shape,
)
from schemas.spec import Spec
from schemas.suggest import did_you_mean
from schemas.tree import Items, Node, Scalar, Table, Tree, plain, problem_at


class Refused(Exception):
    """A value does not have the shape that its place wants."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def build(tree: Tree) -> Spec:
    """The spec that the tree says.

    Raises:
        Refused: some value does not fit its place.
    """
    spec = _record(spec_shape(), tree.root, "")
    assert isinstance(spec, Spec)
    return spec


def _value(shape: Shape, node: Node, path: str, field: Field | None) -> Any:
    match shape:
        case Text():
            text = node.value if isinstance(node, Scalar) else None
            if isinstance(text, str) and (shape.pattern is None or re.fullmatch(shape.pattern.regex, text)):
                return absolute(text, node.place.layer.folder) if shape.is_path else text
        case Choice():
            if isinstance(node, Scalar) and node.value in shape.values and not isinstance(node.value, bool):
                return shape.values[shape.values.index(node.value)]
        case Number():
            if isinstance(node, Scalar) and _in_range(shape, node.value):
                return int(node.value) if shape.whole else node.value  # type: ignore[arg-type]
        case Quantity():
            return _quantity(shape, node, field)
        case Flag():
            if isinstance(node, Scalar) and isinstance(node.value, bool):
                return node.value
        case Anything():
            return plain(node)
        case TableOf():
            if isinstance(node, Table):
                return {k: _value(shape.of, v, "", None) for k, v in node.entries.items() if not _is_null(v)}
        case ListOf():
            if isinstance(node, Items):
                return _list(shape, node, path)
            if shape.single and isinstance(node, Table):
                return (_value(shape.of, node, path, field),)
        case Record():
            if isinstance(node, Table):
                return _record(shape, node, path)
        case Either():
            return _value(_option(shape, node, field), node, path, field)
        case _:
            assert_never(shape)
    raise _refused(field, shape, node)


def _record(shape: Record, node: Table, path: str) -> Any:
    values: dict[str, Any] = {"at": path} if shape.placed else {}
    for key, child in node.entries.items():
        field = shape.fields.get(key)
        if field is None:
            raise Refused(
                problem_at(node.keys[key], "SPEC010", f"unknown key `{key}`{did_you_mean(key, shape.fields)}")
            )
        if not _is_null(child):
            values[field.name] = _value(field.shape, child, f"{path}.{key}" if path else key, field)
    for field in shape.fields.values():
        if field.required and field.name not in values:
            raise Refused(problem_at(node.place, "SPEC011", f"`{field.key}` is missing"))
    return shape.cls(**values)


def _list(shape: ListOf, node: Items, path: str) -> tuple[Any, ...]:
    names = node.labels if shape.named else map(str, range(len(node.items)))
    return tuple(_value(shape.of, item, f"{path}.{name}", None) for name, item in zip(names, node.items, strict=True))


def _quantity(shape: Quantity, node: Node, field: Field | None) -> Any:
    if isinstance(node, Scalar) and node.value is not None:
        try:
            number = shape.unit.parse(node.value)
        except ValueError as error:
            raise _refused(field, shape, node) from error
        return int(number) if shape.whole else number
    raise _refused(field, shape, node)


def _in_range(shape: Number, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if shape.whole and not float(value).is_integer():
        return False
    least, most = shape.range.least, shape.range.most
    return (least is None or value >= least) and (most is None or value <= most)


def _option(shape: Either, node: Node, field: Field | None) -> Shape:
    if shape.tag and isinstance(node, Table):
        tag = node.entries.get(shape.tag)
        chosen = None if _odd(tag) else option_for(shape, tag.value if isinstance(tag, Scalar) else None)
        if chosen is not None:
            return chosen
    for option in shape.options:
        if isinstance(option, Record) == isinstance(node, Table) and not shape.tag:
            return option
    raise _refused(field, shape, node)


def _odd(tag: Node | None) -> bool:
    return tag is not None and not isinstance(tag, Scalar)


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _refused(field: Field | None, shape: Shape, node: Node) -> Refused:
    found = mismatch.explain(field, shape, node)
    return Refused(problem_at(node.place, found.rule, found.message, why=found.why, remedy=found.remedy))


def absolute(path: str, folder: Path) -> str:
    """A path of the spec as an absolute one, from the folder of the file that states it; a URL stays as it is."""
    return path if "://" in path else os.path.normpath(os.path.join(folder, os.path.expanduser(path)))

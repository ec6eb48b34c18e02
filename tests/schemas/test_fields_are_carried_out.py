"""No field of the spec is silently ignored: something reads it, or a rule refuses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from schemas.shape import Either, Field, ListOf, Record, Shape, TableOf, spec_shape

HOUSE = Path(__file__).parents[2]
# Limits of an objective are read by the names of the metrics, in one loop; the version of the format is a constant.
READ_OTHERWISE = {"Objective", "Spec.api_version"}


def _fields(shape: Shape, seen: set[type]) -> Iterator[tuple[str, Field]]:
    match shape:
        case Record() if shape.cls not in seen:
            seen.add(shape.cls)
            for field in shape.fields.values():
                yield shape.cls.__name__, field
                yield from _fields(field.shape, seen)
        case ListOf() | TableOf():
            yield from _fields(shape.of, seen)
        case Either():
            for option in shape.options:
                yield from _fields(option, seen)
        case _:
            return


def _text(*folders: str) -> str:
    return "\n".join(path.read_text() for folder in folders for path in sorted((HOUSE / folder).rglob("*.py")))


def test_every_field_is_read_by_a_component_or_refused_by_a_rule() -> None:
    code, rules = _text("components", "stack"), _text("schemas/rules")
    # A search is refused as a whole.
    refused = {"Search"}
    ignored = [
        f"{owner}.{field.name}"
        for owner, field in _fields(spec_shape(), set())
        if not re.search(rf"\.{field.name}\b", code)
        and not re.search(rf'(\.{field.name}\b|"{field.key}")', rules)
        and not {owner, f"{owner}.{field.name}"} & (READ_OTHERWISE | refused)
    ]
    assert ignored == []

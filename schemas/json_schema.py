"""The JSON Schema (draft 2020-12) of a spec, generated from its types; `stack.schema.json` is its committed copy.

Made for two readers: editors, which complete and explain from it (descriptions, defaults, one definition a record), and
the checker, which finds every structural error with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, assert_never

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
    spec_shape,
)

DRAFT = "https://json-schema.org/draft/2020-12/schema"
EXTENDS = "Another spec that this one is laid over; relative to this file."

Schema = dict[str, Any]


def json_schema() -> Schema:
    """The schema of a whole spec."""
    definitions: dict[str, Schema] = {}
    root = _record(spec_shape(), definitions)
    root["properties"]["extends"] = {"description": EXTENDS, "type": "string"}
    return {"$schema": DRAFT, "title": "inferstack", **root, "$defs": dict(sorted(definitions.items()))}


def schema_text() -> str:
    """The schema as `stack.schema.json` holds it."""
    return json.dumps(json_schema(), indent=2) + "\n"


def _record(shape: Record, definitions: dict[str, Schema]) -> Schema:
    schema: Schema = {
        "description": shape.doc,
        "type": "object",
        "properties": {field.key: _field(field, definitions) for field in shape.fields.values()},
        "additionalProperties": False,
    }
    if required := [field.key for field in shape.fields.values() if field.required]:
        schema["required"] = required
    return schema


def _field(field: Field, definitions: dict[str, Schema]) -> Schema:
    schema = {"description": field.doc, **_schema(field.shape, definitions)}
    default = _default(field.shape, field.default)
    return schema if default is None else {**schema, "default": default}


def _default(shape: Shape, value: Any) -> Any:
    match shape:
        case Quantity() if value is not None:
            return shape.unit.spell(value)
        case Text() | Choice() | Number() | Flag():
            return value
        case Either() if isinstance(value, int):
            return value
        case _:
            return None


def _schema(shape: Shape, definitions: dict[str, Schema]) -> Schema:
    match shape:
        case Text():
            pattern = {"pattern": shape.pattern.regex} if shape.pattern else {}
            return {"type": "string", **pattern}
        case Choice():
            return {"const": shape.values[0]} if len(shape.values) == 1 else {"enum": list(shape.values)}
        case Number():
            limits = {"minimum": shape.range.least, "maximum": shape.range.most}
            return {"type": "integer" if shape.whole else "number", **_given(limits)}
        case Quantity():
            most = shape.unit.most if shape.unit.bare else 0
            return {"type": ["string", "number"], "pattern": shape.unit.pattern, "minimum": 0, "maximum": most}
        case Flag():
            return {"type": "boolean"}
        case Anything():
            return {}
        case TableOf():
            return {"type": "object", "additionalProperties": _schema(shape.of, definitions)}
        case ListOf():
            item = _schema(shape.of, definitions)
            array = {"type": "array", "items": item}
            return {"anyOf": [item, array]} if shape.single else array
        case Either():
            return {"oneOf" if shape.tag else "anyOf": [_schema(option, definitions) for option in shape.options]}
        case Record():
            return _reference(shape, definitions)
        case _:
            assert_never(shape)


def _reference(shape: Record, definitions: dict[str, Schema]) -> Schema:
    name = shape.cls.__name__
    if name not in definitions:
        definitions[name] = {}
        definitions[name] = _record(shape, definitions)
    reference = {"$ref": f"#/$defs/{name}"}
    if not shape.by_name:
        return reference
    return {"anyOf": [_schema(shape.fields["name"].shape, definitions), reference]}


def _given(limits: Mapping[str, float | None]) -> Schema:
    return {
        key: int(value) if float(value).is_integer() else value for key, value in limits.items() if value is not None
    }

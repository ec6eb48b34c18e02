"""The spec's types, read once: what each place of a spec may hold.

`spec` declares fields as Python types; a `Shape` is the same, ready to walk. The JSON Schema, the builder, the error
messages and the paths of `--set` are all derived from it, so that they cannot disagree. Holds no values and no places.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from schemas.record import record
from schemas.spec import ByName, OneOrMore, Path, Pattern, Range, Spec
from schemas.units import Unit

_UNIT_SUFFIXES = ("_per_s", "_bytes", "_s")


@record
class Text:
    """A text, perhaps of a pattern (`says` describes it), perhaps a path."""

    pattern: Pattern | None = None
    is_path: bool = False


@record
class Choice:
    """One of a few words or numbers."""

    values: tuple[str | int, ...]


@record
class Number:
    """A number within a range; `whole` for integers."""

    whole: bool
    range: Range = Range()


@record
class Quantity:
    """A number with a unit."""

    unit: Unit
    whole: bool


@record
class Flag:
    """True or false."""


@record
class Anything:
    """Whatever YAML can say."""


@record
class TableOf:
    """Keys of the user's own, each with a value of one shape."""

    of: Shape


@record
class ListOf:
    """A list. `named`: its items have unique names; `single`: one item may stand for the list."""

    of: Shape
    named: bool = False
    single: bool = False


@record
class Either:
    """One of several shapes; `tag` is the key that tells records apart."""

    options: tuple[Shape, ...]
    tag: str = ""


@record
class Field:
    """A key of a record. `name` is the attribute that holds it."""

    key: str
    name: str
    doc: str
    shape: Shape
    required: bool
    default: Any


@record
class Record:
    """A table of declared keys. `by_name`: its bare name may stand for it; `placed`: it knows its path (`at`)."""

    cls: type[Any]
    fields: Mapping[str, Field]
    placed: bool
    by_name: bool = False

    @property
    def doc(self) -> str:
        """What the record is, in one sentence."""
        return (self.cls.__doc__ or "").split("\n")[0]


Shape = Text | Choice | Number | Quantity | Flag | Anything | TableOf | ListOf | Either | Record


def spec_shape() -> Record:
    """The shape of a whole spec."""
    return record_of(Spec)


@functools.cache
def record_of(cls: Any) -> Record:
    """The shape of a dataclass of `spec`."""
    hints = typing.get_type_hints(cls, include_extras=True)
    found = {}
    for declared in dataclasses.fields(cls):
        if declared.metadata.get("internal"):
            continue
        shape = _shape(hints[declared.name])
        key = declared.metadata.get("key") or _key(declared.name, shape)
        required = declared.default is dataclasses.MISSING
        default = None if required else declared.default
        found[key] = Field(key, declared.name, declared.metadata["doc"], shape, required, default)
    return Record(cls, found, placed="at" in hints)


def _key(name: str, shape: Shape) -> str:
    """`timeout_s` of a duration is `timeout`; `max_pods` is `maxPods`."""
    if isinstance(shape, Quantity):
        name = next((name.removesuffix(s) for s in _UNIT_SUFFIXES if name.endswith(s)), name)
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _shape(hint: Any, marks: tuple[Any, ...] = ()) -> Shape:
    if get_origin(hint) is Annotated:
        inner, *more = get_args(hint)
        return _shape(inner, (*marks, *more))
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return Choice(arguments)
    if origin in (Union, types.UnionType):
        return _union([a for a in arguments if a is not type(None)])
    if origin is tuple:
        item = _shape(arguments[0])
        named = isinstance(item, Record) and "name" in item.fields
        return ListOf(item, named, single=any(isinstance(m, OneOrMore) for m in marks))
    if origin is not None and issubclass(origin, Mapping):
        return TableOf(_shape(arguments[1]))
    if dataclasses.is_dataclass(hint):
        shape = record_of(cast(type, hint))
        return dataclasses.replace(shape, by_name=True) if any(isinstance(m, ByName) for m in marks) else shape
    return _single(hint, marks)


def _single(hint: Any, marks: tuple[Any, ...]) -> Shape:
    unit = next((m for m in marks if isinstance(m, Unit)), None)
    if unit is not None:
        return Quantity(unit, whole=hint is int)
    if hint is bool:
        return Flag()
    if hint in (int, float):
        return Number(hint is int, next((m for m in marks if isinstance(m, Range)), Range()))
    if hint is str:
        pattern = next((m for m in marks if isinstance(m, Pattern)), None)
        return Text(pattern, is_path=any(isinstance(m, Path) for m in marks))
    return Anything()


def _union(arguments: list[Any]) -> Shape:
    options = tuple(_shape(a) for a in arguments)
    if len(options) == 1:
        return options[0]
    records = [o for o in options if isinstance(o, Record)]
    if len(records) < len(options):
        return Either(options)
    shared = set.intersection(*(set(r.fields) for r in records))
    tags = [key for key in records[0].fields if key in shared and all(_constant(r.fields[key].shape) for r in records)]
    return Either(options, tag=tags[0])


def _constant(shape: Shape) -> bool:
    return isinstance(shape, Choice) and len(shape.values) == 1


def option_for(shape: Either, tag: Any) -> Record | None:
    """The record of a tagged union that a tag's value chooses; without a value, the one whose tag has a default."""
    for option in shape.options:
        if isinstance(option, Record) and shape.tag:
            field = option.fields[shape.tag]
            if isinstance(field.shape, Choice) and (tag in field.shape.values or (tag is None and not field.required)):
                return option
    return None

"""Frozen dataclasses to plain JSON values and back, by their annotations: one codec for whatever is stored.

A float that is no number becomes null and comes back as NaN, so that every text is strict JSON. A field that a file
does not have takes its default; a member that the class does not have is ignored, so that files of other versions stay
readable. Never used for what a person writes: specs have a parser of their own, with places and suggestions.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def encode(value: Any) -> Any:
    """A dataclass, tuple, list or mapping of such, or a plain value, as JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def decode(cls: type[T], data: Any) -> T:
    """The value of type `cls` that `encode` made `data` of.

    Raises:
        ValueError: the data do not fit the type; the message names the place.
    """
    value: T = _decode(cls, data, cls.__name__)
    return value


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    return get_type_hints(cls)


def _decode(hint: Any, data: Any, at: str) -> Any:
    if hint is Any:
        return data
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _union(args, data, at)
    if origin is Literal:
        return _expect(data in args, data, at)
    if origin is tuple:
        return tuple(_decode(args[0], item, f"{at}[{i}]") for i, item in enumerate(_expect(_is_list(data), data, at)))
    if origin is not None and issubclass(origin, Mapping):
        items = _expect(isinstance(data, Mapping), data, at).items()
        return {key: _decode(args[1], item, f"{at}.{key}") for key, item in items}
    if is_dataclass(hint):
        return _object(hint, _expect(isinstance(data, Mapping), data, at), at)
    if hint is float:
        return math.nan if data is None else float(_expect(_is_number(data), data, at))
    if hint is int and isinstance(data, float) and data.is_integer():
        return int(data)
    return _expect(isinstance(data, hint), data, at)


def _object(cls: Any, data: Mapping[str, Any], at: str) -> Any:
    hints, found = _hints(cls), {}
    for f in fields(cls):
        if f.name in data:
            found[f.name] = _decode(hints[f.name], data[f.name], f"{at}.{f.name}")
        elif f.default is MISSING and f.default_factory is MISSING:
            # What carries JSON (Pulumi's wire format) may drop members that are null.
            if type(None) not in get_args(hints[f.name]):
                raise ValueError(f"{at} has no {f.name}")
            found[f.name] = None
    return cls(**found)


def _union(args: tuple[Any, ...], data: Any, at: str) -> Any:
    """Only `X | None` is stored."""
    if data is None and type(None) in args:
        return None
    (hint,) = (arg for arg in args if arg is not type(None))
    return _decode(hint, data, at)


def _expect(fits: bool, data: Any, at: str) -> Any:
    if not fits:
        raise ValueError(f"{at} cannot be {data!r}")
    return data


def _is_list(data: Any) -> bool:
    return isinstance(data, list | tuple)


def _is_number(data: Any) -> bool:
    return isinstance(data, int | float) and not isinstance(data, bool)

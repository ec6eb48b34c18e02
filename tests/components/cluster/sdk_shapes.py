"""Compares properties as registered with what a Pulumi SDK knows of them: names, nesting, kinds, what is required."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any, Union, get_args, get_origin

from pulumi import _types


def mismatches(args: type, value: Any, path: str = "") -> Iterator[str]:
    """Where a value does not fit an SDK's class of arguments; the SDK itself does not check plain dictionaries."""
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is no object of {args.__name__}"
        return
    kinds = _types.input_type_types(args)
    for name, inner in value.items():
        if name not in kinds:
            yield f"{path}.{name}: {args.__name__} has no such property"
        else:
            yield from _mismatch(kinds[name], inner, f"{path}.{name}")
    yield from (f"{path}.{name}: required by {args.__name__}" for name in _required(args) - value.keys())


def _mismatch(kind: Any, value: Any, path: str) -> Iterator[str]:
    kind = _unwrapped(kind)
    origin = get_origin(kind) or kind
    if origin is Union:
        options = [list(_mismatch(option, value, path)) for option in get_args(kind)]
        yield from () if [] in options else options[0]
    elif isinstance(kind, type) and _types.is_input_type(kind):
        yield from mismatches(kind, value, path)
    elif isinstance(origin, type) and issubclass(origin, Sequence) and origin is not str:
        if not isinstance(value, list):
            yield f"{path}: {value!r} is no list"
            return
        for index, inner in enumerate(value):
            yield from _mismatch(get_args(kind)[0], inner, f"{path}[{index}]")
    elif origin in (str, int, bool):
        # Numbers go over the wire as floats.
        fits = isinstance(value, origin) or (origin is int and isinstance(value, float) and value.is_integer())
        if not fits or (origin is not bool and isinstance(value, bool)):
            yield f"{path}: {value!r} is no {origin.__name__}"


def _unwrapped(kind: Any) -> Any:
    """The type inside `Input[...]` and `Optional[...]`."""
    if get_origin(kind) is Union:
        options = [
            o for o in get_args(kind) if o is not type(None) and "Awaitable" not in str(o) and "Output[" not in str(o)
        ]
        return _unwrapped(options[0]) if len(options) == 1 else Union[tuple(options)]  # noqa: UP007
    return kind


def _required(args: type) -> set[str]:
    names = _types.input_type_py_to_pulumi_names(args)
    parameters = inspect.signature(args.__init__).parameters.values()
    return {names[p.name] for p in parameters if p.name in names and p.default is inspect.Parameter.empty}

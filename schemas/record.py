"""Frozen dataclasses that cost nothing to define.

`dataclass(frozen=True)` writes six functions as text and compiles them, two milliseconds a class: with the classes of
the spec more than all the rest of `inferstack validate`. A `record` is the same to its users (`fields`, `replace`,
`asdict`, equality, type checkers), with functions that all of them share instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import Any, TypeVar, cast, dataclass_transform, overload

Class = TypeVar("Class", bound=type[Any])


@overload
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: Class) -> Class: ...
@overload
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(*, kw_only: bool = False) -> Callable[[Class], Class]: ...
def record(cls: Class | None = None, *, kw_only: bool = False) -> Class | Callable[[Class], Class]:
    """Makes a frozen dataclass of a class with annotated fields; defaults are immutable values."""
    return _make(cls, kw_only) if cls is not None else lambda wrapped: _make(wrapped, kw_only)


def _make(cls: Class, kw_only: bool) -> Class:
    made: Any = dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(cls)
    declared: tuple[Field[Any], ...] = fields(made)
    made.__record_names__ = tuple(f.name for f in declared)
    made.__record_defaults__ = {f.name: f.default for f in declared if f.default is not MISSING}
    made.__record_compared__ = tuple(f.name for f in declared if f.compare)
    made.__record_shown__ = tuple(f.name for f in declared if f.repr)
    for function in (_init, _eq, _hash, _repr, _setattr, _delattr):
        setattr(made, f"__{function.__name__.strip('_')}__", function)
    return cast(Class, made)


def _init(self: Any, *values: Any, **named: Any) -> None:
    state = self.__dict__
    state.update(self.__record_defaults__)
    state.update(zip(self.__record_names__, values))  # noqa: B905 (what is too many is told below)
    state.update(named)
    if len(values) > len(self.__record_names__) or state.keys() != self.__dataclass_fields__.keys():
        wrong = sorted(state.keys() ^ self.__dataclass_fields__.keys()) or "too many values"
        raise TypeError(f"{type(self).__name__}: {wrong}")


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple(self.__dict__[name] for name in self.__record_compared__)


def _eq(self: Any, other: object) -> bool:
    if type(other) is not type(self):
        return False
    same: bool = _compared(self) == _compared(other)
    return same


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _repr(self: Any) -> str:
    shown = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self.__record_shown__)
    return f"{type(self).__name__}({shown})"


def _setattr(self: Any, name: str, value: Any) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")

"""Property values of resources: JSON, secrets and unknowns; what is plain, hidden or different in them.

A value is a JSON value in which a `Secret` may stand anywhere, and `UNKNOWN` for what a preview cannot know. Pure: no
function here touches the world or changes what it was given.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from components.cluster.gke_defaults import NOTES, without_notes

Value = Any
Values = dict[str, Any]
Kind = Literal["add", "delete", "update"]

UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"
REFERENCE_SIGNATURE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
PROVIDER_KEY: Final = "__provider"
INTERNAL_KEY: Final = "__internal"  # in a provider resource, where Pulumi keeps what is its own business


@dataclass(frozen=True)
class Secret:
    """A value that is never shown; equal to another secret of an equal value."""

    value: Value

    def __repr__(self) -> str:
        return "Secret(...)"


@dataclass(frozen=True)
class Difference:
    """One place where two trees of values differ; `old` and `new` are None where there is nothing."""

    path: str
    kind: Kind
    old: Value
    new: Value
    secret: bool = False

    @property
    def top(self) -> str:
        """The property that the place belongs to."""
        return self.path.partition(".")[0].partition("[")[0]


_TOO_SHORT_TO_TELL: Final = 3  # a secret of so few characters stands in many words

# Most values are atoms, and a plan looks at a hundred thousand of them: one look at the type settles those.
_ATOMS: Final = frozenset({str, int, float, bool, type(None)})


def plain(value: Value) -> Value:
    """The value as a provider sees it: secrets opened, references to resources reduced to their ids."""
    if type(value) in _ATOMS:
        return value
    match value:
        case Secret():
            return plain(value.value)
        case dict():
            if value.get(SIGNATURE) == REFERENCE_SIGNATURE:
                return value.get("id") or value.get("urn")
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
    return value


def shown(value: Value) -> Value:
    """The value as people see it who may: plain, without the notes of a provider for itself."""
    return without_notes(plain(value))


def all_plain(values: Mapping[str, Value]) -> Values:
    """The properties as a provider sees them."""
    return {key: plain(value) for key, value in values.items()}


def normal(value: Value) -> Value:
    """The value in JSON's own types, tuples as lists.

    Raises:
        TypeError: something in it has no place in JSON.
    """
    match value:
        case None | str() | bool() | int() | float() | Secret():
            return value
        case Mapping():
            return {str(key): normal(item) for key, item in value.items()}
        case list() | tuple():
            return [normal(item) for item in value]
    raise TypeError(f"a property cannot hold a {type(value).__name__}: {value!r:.80}")


def has_unknown(value: Value) -> bool:
    """Whether the value is known in part only."""
    if type(value) in _ATOMS:
        return bool(value == UNKNOWN)
    return any(map(has_unknown, _inside(value)))


def has_secret(value: Value) -> bool:
    """Whether a secret stands anywhere in the value."""
    if type(value) in _ATOMS:
        return False
    return isinstance(value, Secret) or any(map(has_secret, _inside(value)))


def _inside(value: Value) -> Iterable[Value]:
    """The values directly in a value."""
    match value:
        case Secret():
            return (value.value,)
        case dict():
            return value.values()
        case list():
            return value
    return ()


def conceal(values: Values, like: Values, always: tuple[str, ...] = ()) -> Values:
    """`values` with those properties made secret that are secret in `like`, or that are named in `always`."""
    return {
        key: Secret(plain(value)) if key in always or has_secret(like.get(key)) else value
        for key, value in values.items()
    }


def difference(old: Mapping[str, Value], new: Mapping[str, Value]) -> tuple[Difference, ...]:
    """Where two sets of properties differ, in the order of their paths; what is Pulumi's own business is left out."""
    keys = sorted({*old, *new} - {PROVIDER_KEY, INTERNAL_KEY, NOTES})
    return tuple(found for key in keys for found in _between(old.get(key), new.get(key), _step("", key), False))


def hidden(differences: Iterable[Difference], *trees: Values) -> tuple[Difference, ...]:
    """The differences, those marked as secret that touch a place where a secret stands in one of the trees."""
    places = {place for tree in trees if has_secret(tree) for place in _secret_places(tree, "")}
    return tuple(
        replace(found, secret=found.secret or any(_overlap(found.path, place) for place in places))
        for found in differences
    )


def _secret_places(value: Value, path: str) -> Iterator[str]:
    match value:
        case Secret():
            yield path
        case dict():
            for key, item in value.items():
                yield from _secret_places(item, _step(path, key))
        case list():
            for index, item in enumerate(value):
                yield from _secret_places(item, f"{path}[{index}]")


def _overlap(one: str, other: str) -> bool:
    """Whether one path lies at or below the other."""
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and (len(long) == len(short) or long[len(short)] in ".[")


def masked(text: str, values: Values) -> str:
    """The text without any of the secrets that stand in the values, as they are or in Base64."""
    for secret in sorted(set(_secret_texts(values)), key=len, reverse=True):
        for form in (secret, base64.b64encode(secret.encode()).decode()):
            text = text.replace(form, "[secret]")
    return text


def _secret_texts(value: Value, inside: bool = False) -> Iterator[str]:
    if isinstance(value, Secret):
        yield from _secret_texts(value.value, True)
    elif inside and isinstance(value, str) and len(value) > _TOO_SHORT_TO_TELL:
        yield value
        yield from value.splitlines() if "\n" in value else ()
    else:
        for item in _inside(value):
            yield from _secret_texts(item, inside)


def _between(old: Value, new: Value, path: str, secret: bool) -> Iterator[Difference]:
    if old == new:
        return
    if isinstance(old, Secret) or isinstance(new, Secret):
        yield from _between(_opened(old), _opened(new), path, True)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new} - {NOTES}):
            yield from _between(old.get(key), new.get(key), _step(path, key), secret)
    elif isinstance(old, list) and isinstance(new, list) and _comparable(old, new):
        for index in range(max(len(old), len(new))):
            yield from _between(_at(old, index), _at(new, index), f"{path}[{index}]", secret)
    else:
        kind: Kind = "add" if old is None else "delete" if new is None else "update"
        yield Difference(path, kind, shown(old), shown(new), secret or has_secret(old) or has_secret(new))


def _comparable(old: list[Value], new: list[Value]) -> bool:
    """Whether lists are better told item by item: lists of plain numbers and texts read better whole."""
    return any(isinstance(item, dict | list | Secret) for item in (*old, *new))


def _opened(value: Value) -> Value:
    return value.value if isinstance(value, Secret) else value


def _at(items: list[Value], index: int) -> Value:
    return items[index] if index < len(items) else None


def _step(path: str, key: str) -> str:
    if not key or any(sign in key for sign in '.[]"'):
        quoted = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{quoted}"]'
    return f"{path}.{key}" if path else key

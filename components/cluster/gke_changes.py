"""What a change of a GKE resource does, decided without the provider: update, replacement, or nothing at all.

Pure functions over the properties of a resource as Pulumi knows them and the table in `gke_changes.yaml`, for an engine
that plans what it cannot apply. Nothing here knows engines.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

SUBNETWORK: Final = "gcp:compute/subnetwork:Subnetwork"
# The property by which the cloud knows a resource. A name given by the program is taken while the old one stands.
NAMES: Final = ("name", "accountId")


@dataclass(frozen=True)
class Decision:
    """What a change comes to.

    `inputs` are the new properties with what the cloud keeps of the old ones (paths in `sticky`); `replaces` and
    `recreates` are the changed paths that replace the resource, or recreate the nodes of a pool.
    """

    inputs: dict[str, Any]
    replaces: tuple[str, ...] = ()
    sticky: tuple[str, ...] = ()
    recreates: tuple[str, ...] = ()
    delete_before_replace: bool = False


def knows(type_: str) -> bool:
    """Whether the table has a type."""
    return type_ in _table()


def replaces(type_: str, changed: Iterable[str]) -> tuple[str, ...]:
    """Which of these changed paths (`nodeConfig.spot`) replace a resource of this type."""
    return _listed(type_, "replace", changed)


def decide(type_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Decision:
    """What going from the old properties to the new ones does to a resource; a type not in the table is updated."""
    inputs, kept = dict(news), []
    for path in _table().get(type_, {}).get("sticky", ()):
        inputs, was_kept = _keep(inputs, olds, path.split("."))
        kept += [path] * was_kept
    changed = tuple(_changes(dict(olds), inputs))
    replacing = replaces(type_, changed)
    if (
        type_ == SUBNETWORK
        and "ipCidrRange" in changed
        and not _grows(olds.get("ipCidrRange"), news.get("ipCidrRange"))
    ):
        replacing = (*replacing, "ipCidrRange")
    return Decision(
        inputs=inputs,
        replaces=replacing,
        sticky=tuple(kept),
        recreates=_listed(type_, "recreate", changed),
        # Membership has no name of its own, yet the provider always deletes it first.
        delete_before_replace=type_.endswith(":IAMMember") or any(name in news for name in NAMES),
    )


@functools.cache
def _table() -> Mapping[str, Mapping[str, list[str]]]:
    text = (Path(__file__).parent / "gke_changes.yaml").read_text()
    table: Mapping[str, Mapping[str, list[str]]] = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return table


def _listed(type_: str, column: str, changed: Iterable[str]) -> tuple[str, ...]:
    """The changed paths at, in or around a path of a column: adding or removing a block changes all that is in it."""
    listed = [path.split(".") for path in _table().get(type_, {}).get(column, ())]
    return tuple(
        path
        for path in changed
        if any(all(a == b for a, b in zip(path.split("."), known, strict=False)) for known in listed)
    )


def _keep(news: dict[str, Any], olds: Mapping[str, Any], path: list[str]) -> tuple[dict[str, Any], bool]:
    """`news` with the old value at a path that it leaves out, and whether there was one."""
    first, *rest = path
    if first not in olds:
        return news, False
    if not rest:
        if news.get(first) is not None:
            return news, False
        return {**news, first: olds[first]}, olds[first] is not None
    if not isinstance(olds[first], dict) or not isinstance(news.get(first), dict):
        return news, False
    inner, kept = _keep(dict(news[first]), olds[first], rest)
    return {**news, first: inner}, kept


def _changes(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """The innermost paths at which two values differ; lists are compared whole."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _changes(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif old != new:
        yield path


def _grows(old: Any, new: Any) -> bool:
    """Whether a range of addresses contains the one it replaces: only then is it changed in place."""
    try:
        return ipaddress.ip_network(str(old)).subnet_of(ipaddress.ip_network(str(new)))  # type: ignore[arg-type]
    except ValueError:
        return False

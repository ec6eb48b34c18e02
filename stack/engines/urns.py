"""The names of resources: URNs, what they are made of, and the older names a resource may be found under.

`urn:pulumi:STACK::PROJECT::QUALIFIED_TYPE::NAME`, where the qualified type is the parent's qualified type, `$` and the
type; children of the stack itself carry their own type only. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

STACK_TYPE: Final = "pulumi:pulumi:Stack"
PROVIDER_PREFIX: Final = "pulumi:providers:"
DYNAMIC_PACKAGE: Final = "pulumi-python"


@dataclass(frozen=True)
class Alias:
    """Another name that a resource had: a whole URN, or what differs from its present name ('' = the same)."""

    urn: str = ""
    type: str = ""
    name: str = ""
    stack: str = ""
    project: str = ""
    parent: str = ""
    no_parent: bool = False


def make(stack: str, project: str, type_: str, name: str, parent: str = "") -> str:
    """The URN of a resource below `parent` (a URN, or nothing)."""
    above = qualified_type_of(parent) if parent else STACK_TYPE
    qualified = type_ if above == STACK_TYPE else f"{above}${type_}"
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def name_of(urn: str) -> str:
    """The resource's own name."""
    return urn.split("::", 3)[3]


def qualified_type_of(urn: str) -> str:
    """The types from the outermost parent down to the resource, joined by `$`."""
    return urn.split("::", 3)[2]


def type_of(urn: str) -> str:
    """The resource's own type."""
    return qualified_type_of(urn).rpartition("$")[2]


def stack_of(urn: str) -> str:
    """The stack in the URN."""
    return urn.split("::", 1)[0].removeprefix("urn:pulumi:")


def package_of(type_: str) -> str:
    """The package that provides a type: `gcp` for `gcp:compute/network:Network`."""
    return type_.removeprefix(PROVIDER_PREFIX) if type_.startswith(PROVIDER_PREFIX) else type_.partition(":")[0]


def well_formed(urn: str) -> bool:
    """Whether a text has the four parts of a URN."""
    return urn.startswith("urn:pulumi:") and len(urn.split("::", 3)) == 4


def older_names(
    *, stack: str, project: str, type_: str, name: str, parent: str, aliases: Iterable[Alias], parents: Iterable[str]
) -> tuple[str, ...]:
    """The URNs a resource may stand under in an older state, nearest first.

    `parents` are the older URNs of its parent: a child is renamed with it, and where its own name begins with the
    parent's name, that part follows too.
    """
    found: dict[str, None] = {}
    shapes = [(type_, name, parent)]
    for alias in aliases:
        if alias.urn:
            found[alias.urn] = None
            continue
        above = "" if alias.no_parent else alias.parent or parent
        shapes.append((alias.type or type_, alias.name or name, above))
        found[make(alias.stack or stack, alias.project or project, *shapes[-1])] = None
    parent_name = name_of(parent) if parent else ""
    for older in parents:
        for kind, own, above in shapes:
            if above == parent:
                follows = name_of(older) + own[len(parent_name) :] if own.startswith(parent_name) else own
                found[make(stack_of(older), project, kind, follows, older)] = None
    return tuple(found)

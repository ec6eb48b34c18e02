"""Where in the spec a resource's inputs come from, so that a plan can say it: file, line, column and layer. Pure."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from schemas.load import Loaded
from schemas.overlay import Origin

Origins = Callable[[str, str, str], Origin | None]


@dataclass(frozen=True)
class Sources:
    """Which item of the spec a resource comes from, and which of its fields decide which input."""

    at: str
    fields: Mapping[str, tuple[str, ...]]


def origins_of(loaded: Loaded, sources: Mapping[tuple[str, str], Sources]) -> Origins:
    """The origin of each input of each resource, by the last word of its type and its name: `("Model", "digits")`.

    An input is decided by the first stated field among those listed for its path or for the property that holds it,
    else by a field of its own name, else by the item as a whole.
    """
    fields = {source.at: source.fields for source in sources.values()}

    # The instances of a group all come from the same item: what is found for one is so for a thousand.
    @functools.cache
    def decided(at: str, path: str) -> Origin | None:
        steps = [step.partition("[")[0] for step in path.split(".")]
        listed = (*fields[at].get(path, ()), *fields[at].get(steps[0], ()))
        for key in (*listed, camel(path), camel(steps[-1]), camel(steps[0])):
            if found := loaded.tree.origin(f"{at}.{key}"):
                return found
        return loaded.tree.origin(at)

    def origin(type_: str, name: str, path: str) -> Origin | None:
        source = sources.get((type_.rpartition(":")[2], name))
        return decided(source.at, path) if source else None

    return origin


def camel(path: str) -> str:
    """`max_request_bytes` as the spec would spell it: `maxRequestBytes`."""
    first, *rest = path.split("_")
    return first + "".join(word.capitalize() for word in rest)

"""What a change of a Google Cloud resource does, decided without the provider: update, replacement, or nothing at all.

Pure functions over the properties of a resource as Pulumi knows them and the table of `gke_table.py`, for an engine
that plans what it cannot apply. They follow the rules by which the provider's own library compares
(terraform-plugin-sdk v2):

- each argument decides for itself, whatever the block around it says; a block decides about its own coming and going;
- when a block comes or goes, so does every argument in it, and one that replaces then replaces;
- what is sticky and left out is no change, whole blocks included;
- what is not known while planning counts as changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from components.cluster import gke_same
from components.cluster.gke_defaults import NOTES
from components.cluster.gke_table import Argument, arguments_of

# The property by which the cloud knows a resource. A name given by the program is taken while the old one stands.
NAMES: Final[Mapping[str, str]] = {"gcp:serviceaccount/account:Account": "accountId"}
# It has no name of its own, yet the provider always deletes it first; other memberships it does not.
MEMBER: Final = "gcp:projects/iAMMember:IAMMember"
# Neither has a name that could be taken: the provider enables a service that is enabled, and finds a repository by its
# place as well.
MADE_FIRST: Final = ("gcp:projects/service:Service", "gcp:artifactregistry/repository:Repository")
# These are changed by one request together; every other block of a node pool has one of its own.
ONE_REQUEST: Final = frozenset({"machineType", "diskSizeGb", "diskType", "storagePools", "bootDisk"})


@dataclass(frozen=True)
class Changed:
    """A place in the properties that the provider sees changed; `replaces` when it cannot be changed in place."""

    path: str
    argument: Argument
    replaces: bool


@dataclass(frozen=True)
class Decision:
    """What a change comes to.

    `inputs` are the new properties with what the cloud keeps of the old ones (paths in `sticky`).
    """

    inputs: dict[str, Any]
    changed: tuple[Changed, ...] = ()
    sticky: tuple[str, ...] = ()
    delete_before_replace: bool = False

    @property
    def replaces(self) -> tuple[str, ...]:
        """The changed paths that replace the resource."""
        return tuple(found.path for found in self.changed if found.replaces)

    @property
    def recreates(self) -> tuple[str, ...]:
        """The changed paths that recreate every node."""
        return tuple(found.path for found in self.changed if found.argument.nodes == "recreate")

    @property
    def rounds(self) -> int:
        """How many times every node is recreated: once for each request that does it, one after another."""
        return len({_request(path) for path in self.recreates})


def knows(type_: str) -> bool:
    """Whether the table has a type."""
    return arguments_of(type_) is not None


def decide(type_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Decision:
    """What going from the old properties to the new ones does to a resource; a type not in the table is updated.

    Args:
        olds: its properties as they were asked for, or as the cloud told them.
        news: its properties as they shall be; what is not known yet is a text that equals nothing.
    """
    if (root := arguments_of(type_)) is None:
        return Decision(dict(news))
    inputs, kept = _kept(root, olds, news)
    changed = tuple(_inside(root, olds, inputs, "", whole=False))
    return Decision(inputs, changed, tuple(kept), deletes_first(type_, news))


def deletes_first(type_: str, news: Mapping[str, Any]) -> bool:
    """Whether a replacement of such a resource deletes the old one before it makes the new one."""
    return type_ == MEMBER or (type_ not in MADE_FIRST and NAMES.get(type_, "name") in news)


def _kept(
    holder: Argument, olds: Mapping[str, Any], news: Mapping[str, Any], path: str = ""
) -> tuple[dict[str, Any], list[str]]:
    """`news` with the old values that it leaves out and the cloud keeps, and the paths of those."""
    inputs, paths = dict(news), list[str]()
    for name, old in olds.items():
        argument, at = holder.inside.get(name), f"{path}.{name}" if path else name
        if argument is None or old is None:
            continue
        if news.get(name) is None and argument.sticky:
            inputs[name] = old
            paths.append(at)
        elif argument.kind == "block" and isinstance(old, Mapping) and isinstance(news.get(name), Mapping):
            inputs[name], inner = _kept(argument, old, news[name], at)
            paths += inner
    return inputs, paths


def _inside(
    holder: Argument, olds: Mapping[str, Any], news: Mapping[str, Any], path: str, *, whole: bool
) -> Iterator[Changed]:
    """What changed among the arguments of a block; `whole` when the block itself comes or goes."""
    for name in sorted({*olds, *news} - {NOTES}):
        at = f"{path}.{name}" if path else name
        if (argument := holder.inside.get(name)) is not None:
            yield from _between(argument, olds.get(name), news.get(name), at, whole=whole)
        elif name in news and news[name] != olds.get(name):
            yield Changed(at, Argument(name), replaces=False)


def _between(argument: Argument, old: Any, new: Any, path: str, *, whole: bool) -> Iterator[Changed]:
    if new is None and argument.sticky:
        return
    match argument.kind:
        case "block":
            yield from _block(argument, old, new, path)
        case "blocks":
            yield from _blocks(argument, _listed(old), _listed(new), path)
        case "blockset":
            yield from _blockset(argument, _listed(old), _listed(new), path)
        case _:
            if new is None:
                new = argument.default
            if _differs(argument, old, new, whole=whole):
                yield Changed(path, argument, _replaces(argument, old, new))


def _block(argument: Argument, old: Any, new: Any, path: str) -> Iterator[Changed]:
    if isinstance(new, str):  # not known yet: any of it may change
        yield Changed(path, argument, argument.replaces or any(inner.replaces for _, inner in argument.below()))
        return
    if (old is None) == (new is None):
        yield from _inside(argument, old or {}, new or {}, path, whole=False)
    elif not (argument.same == "off" and gke_same.is_off(old or new)):
        yield Changed(path, argument, _replaces(argument, old, new))
        yield from _inside(argument, old or {}, new or {}, path, whole=True)


def _blocks(argument: Argument, olds: list[Any], news: list[Any], path: str) -> Iterator[Changed]:
    if argument.same.startswith("by "):
        name = argument.same.removeprefix("by ")
        olds, news = (sorted(those, key=lambda one: str(_mapping(one).get(name))) for those in (olds, news))
    if len(olds) != len(news):
        yield Changed(path, argument, argument.replaces)
    for index in range(max(len(olds), len(news))):
        old = olds[index] if index < len(olds) else None
        new = news[index] if index < len(news) else None
        at, whole = f"{path}[{index}]", old is None or new is None
        yield from _inside(argument, _mapping(old), _mapping(new), at, whole=whole)


def _blockset(argument: Argument, olds: list[Any], news: list[Any], path: str) -> Iterator[Changed]:
    """Compared whole: another element is one that goes and one that comes.

    The cloud tells every argument of an element, those too that were left out.
    """
    olds, news = ([_stated(one) for one in those] for those in (olds, news))
    if len(olds) != len(news):
        yield Changed(path, argument, argument.replaces)
    for gone in [old for old in olds if old not in news]:
        yield from _inside(argument, _mapping(gone), {}, path, whole=True)
    for come in [new for new in news if new not in olds]:
        yield from _inside(argument, {}, _mapping(come), path, whole=True)


def _differs(argument: Argument, old: Any, new: Any, *, whole: bool) -> bool:
    if argument.kind == "set":
        old, new = gke_same.as_set(old), gke_same.as_set(new)
    if whole:
        return bool(old != new)
    if gke_same.is_nothing(old) and gke_same.is_nothing(new):
        return False
    return bool(old != new) and not gke_same.same(argument.same, old, new)


def _replaces(argument: Argument, old: Any, new: Any) -> bool:
    return argument.replaces or gke_same.replaces_when(argument.replace_when, old, new)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _stated(value: Any) -> dict[str, Any]:
    """An element without what counts as left out; a block counts though it is empty."""
    return {
        name: inner
        for name, inner in _mapping(value).items()
        if name != NOTES and (isinstance(inner, Mapping) or not gke_same.is_nothing(inner))
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _request(path: str) -> str:
    """What a change of a node pool is sent with: its block, or the machine and its disks together."""
    steps = path.replace("[", ".").split(".")
    block = steps[1] if steps[0] == "nodeConfig" and len(steps) > 1 else steps[0]
    return "machine" if block in ONE_REQUEST else block


def replaces(type_: str, changed: Iterable[str]) -> tuple[str, ...]:
    """Which of these changed paths (`nodeConfig.spot`) replace a resource of this type, or may."""
    root = arguments_of(type_)
    return tuple(path for path in changed if root is not None and _path_replaces(root, path.split(".")))


def _path_replaces(holder: Argument, steps: list[str]) -> bool:
    argument = holder.inside.get(steps[0].partition("[")[0])
    if argument is None:
        return False
    if len(steps) == 1 or not argument.is_block:
        return argument.replaces
    return _path_replaces(argument, steps[1:])

"""The arguments of Google Cloud's resources as the provider declares them: a tree for each type, read from a table.

Pure but for reading `gke_changes.csv`, which names its source and explains its columns. Asks no cloud.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, cast

Kind = Literal["block", "blocks", "blockset", "string", "int", "float", "bool", "list", "set", "map"]
Nodes = Literal["", "recreate", "in_place", "resize", "add_or_remove", "none", "unknown"]

CLUSTER: Final = "gcp:container/cluster:Cluster"
POOL: Final = "gcp:container/nodePool:NodePool"


@dataclass(frozen=True)
class Argument:
    """One argument, and those inside it when it is a block; the columns of the table explain the rest."""

    name: str
    replaces: bool = False
    kind: Kind = "string"
    sticky: bool = False
    default: Any = None
    nodes: Nodes = ""
    sent: Literal["", "no", "never"] = ""
    same: str = ""
    replace_when: str = ""
    inside: dict[str, Argument] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_block(self) -> bool:
        """Whether it holds arguments of its own."""
        return self.kind in ("block", "blocks", "blockset")

    def below(self, path: str = "") -> Iterator[tuple[str, Argument]]:
        """Every argument inside it with its path, outer ones first."""
        for name, argument in self.inside.items():
            at = f"{path}.{name}" if path else name
            yield at, argument
            yield from argument.below(at)


def arguments_of(type_: str) -> Argument | None:
    """The arguments of a type, inside one that stands for the resource; None when the table has no such type."""
    return _table().get(type_)


@functools.cache
def _table() -> Mapping[str, Argument]:
    lines = (Path(__file__).parent / "gke_changes.csv").read_text().splitlines()
    roots: dict[str, Argument] = {}
    for row in csv.DictReader(line for line in lines if not line.startswith("#")):
        root = roots.setdefault(row["type"], Argument(row["type"], kind="block"))
        *outer, name = row["path"].split(".")
        holder = root
        for step in outer:
            holder = holder.inside[step]
        holder.inside[name] = _argument(name, row)
    # A cluster takes its pools and its default pool's nodes inline as well: the same arguments.
    cluster, pool = roots[CLUSTER], roots[POOL]
    cluster.inside["nodeConfig"].inside.update(pool.inside["nodeConfig"].inside)
    own = ("cluster", "deletionPolicy", "location", "project")
    cluster.inside["nodePools"].inside.update({name: pool.inside[name] for name in pool.inside if name not in own})
    return roots


def _argument(name: str, row: Mapping[str, str]) -> Argument:
    return Argument(
        name=name,
        replaces=row["change"] == "replace",
        kind=cast(Kind, row["kind"]),
        sticky=row["sticky"] == "sticky",
        default=_default(row["default"], row["kind"]),
        nodes=cast(Nodes, row["nodes"]),
        sent=cast('Literal["", "no", "never"]', row["sent"]),
        same=row["same"],
        replace_when=row["replace_when"],
    )


def _default(text: str, kind: str) -> Any:
    if not text:
        return None
    match kind:
        case "bool":
            return text == "true"
        case "int":
            return int(text)
        case "float":
            return float(text)
        case _:
            return text

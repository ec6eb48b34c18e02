"""Every argument of the table is decided as the table says, and the table says what the provider's sources say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cluster.gke_changes import decide
from components.cluster.gke_table import CLUSTER, POOL, Argument, arguments_of

VALUES: dict[str, tuple[Any, Any]] = {
    "string": ("one", "two"),
    "int": (1, 2),
    "float": (0.5, 0.25),
    "bool": (True, False),
    "list": (["one"], ["two"]),
    "set": (["one"], ["two"]),
    "map": ({"key": "one"}, {"key": "two"}),
}
TYPES = (
    CLUSTER,
    POOL,
    "gcp:artifactregistry/repository:Repository",
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
    "gcp:compute/firewall:Firewall",
    "gcp:compute/network:Network",
    "gcp:compute/router:Router",
    "gcp:compute/routerNat:RouterNat",
    "gcp:compute/subnetwork:Subnetwork",
    "gcp:projects/iAMMember:IAMMember",
    "gcp:projects/service:Service",
    "gcp:serviceaccount/account:Account",
    "gcp:serviceaccount/iAMMember:IAMMember",
    "gcp:storage/bucket:Bucket",
    "gcp:storage/bucketIAMMember:BucketIAMMember",
)


def arguments(type_: str) -> Iterator[tuple[str, Argument]]:
    root = arguments_of(type_)
    assert root is not None
    yield from root.below()


def nested(type_: str, path: str, value: Any) -> dict[str, Any]:
    """Properties with a value at a path, each block on the way as its kind wants it."""
    *outer, name = path.split(".")
    holder = arguments_of(type_)
    kinds = []
    for step in outer:
        assert holder is not None
        holder = holder.inside[step]
        kinds.append((step, holder.kind))
    props = {name: value}
    for step, kind in reversed(kinds):
        props = {step: props if kind == "block" else [props]}
    return props


@pytest.mark.parametrize("type_", TYPES)
def test_another_value_replaces_or_updates_as_the_table_says(type_: str) -> None:
    for path, argument in arguments(type_):
        if argument.is_block:
            continue
        old, new = (nested(type_, path, value) for value in VALUES[argument.kind])
        found = decide(type_, old, new)
        assert bool(found.changed), path
        wanted = argument.replaces or argument.replace_when in ("off", "less", "shrinks")
        assert bool(found.replaces) == wanted, path


@pytest.mark.parametrize("type_", TYPES)
def test_an_argument_that_is_left_out_stays_where_the_table_says_so(type_: str) -> None:
    for path, argument in arguments(type_):
        value = VALUES[argument.kind][0] if not argument.is_block else {} if argument.kind == "block" else [{}]
        old, new = nested(type_, path, value), nested(type_, path, None)
        if argument.sticky:
            assert decide(type_, old, new).changed == (), path
        elif argument.kind == "block":
            assert bool(decide(type_, old, new).changed) == (argument.same != "off"), path


def facts() -> dict[str, Any]:
    named = os.environ.get("INFERSTACK_TEST_GKE_CHANGES")
    if not named:
        pytest.skip("INFERSTACK_TEST_GKE_CHANGES does not name the file of facts that the table was made from")
    found: dict[str, Any] = yaml.load(Path(named).read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return found


def test_the_table_has_every_argument_of_the_facts_it_was_made_from() -> None:
    for resource in facts()["resources"].values():
        type_ = resource["pulumi"]["type"]
        known = {camel(fact.get("py", path)): fact for path, fact in resource["arguments"].items()}
        settable = {path: fact for path, fact in known.items() if fact["change"] != "computed"}
        table = dict(arguments(type_))
        assert settable.keys() - table.keys() == set()
        for path, fact in settable.items():
            kept = bool(fact.get("sticky")) or fact.get("suppress") == "set -> empty"
            assert (table[path].replaces, table[path].sticky) == (fact["change"] == "replace", kept), (type_, path)
            assert table[path].nodes == fact.get("nodes", ""), (type_, path)


def camel(path: str) -> str:
    """`node_config.disk_type` as Pulumi writes it."""
    first = [word.split("_") for word in path.split(".")]
    return ".".join(words[0] + "".join(word.capitalize() for word in words[1:]) for words in first)

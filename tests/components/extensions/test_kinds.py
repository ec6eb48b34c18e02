"""What a plan says of objects whose kind nobody is known to bring."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.extensions import kinds
from components.extensions.planning import ExtensionSet, with_documents
from tests.components.extensions.builders import a_file, an_extension, planned

THING = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: one}\n"
DEFINITION = (
    "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.com}\n"
)


def with_manifests(folder: Path, text: str, *others: str) -> ExtensionSet:
    """Extensions of which one is these manifests."""
    mine = an_extension("mine", manifests=str(a_file(folder, text)))
    return with_documents(planned(*others, mine), folder, download=False)


def test_a_kind_that_nobody_brings_is_told_once(tmp_path: Path) -> None:
    twice = f"{THING}---\n{THING.replace('one', 'two')}"

    (note,) = kinds.notes(with_manifests(tmp_path, twice), known=())

    assert note == (
        "mine: the cluster does not know Thing of example.com, and no manifest here defines it; `up` fails there"
    )


def test_a_kind_that_a_chart_may_bring_is_told_as_such(tmp_path: Path) -> None:
    (note,) = kinds.notes(with_manifests(tmp_path, THING, "cert-manager"), known=())

    assert note.endswith("; unless the chart cert-manager brings it, `up` fails there")


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (THING, ("things.example.com",)),
        (f"{THING}---\n{DEFINITION}", ()),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", ()),
        ("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\n", ()),
    ],
    ids=["there", "in-the-plan", "core", "built-in"],
)
def test_a_kind_that_is_known_is_not_spoken_of(tmp_path: Path, text: str, known: tuple[str, ...]) -> None:
    assert kinds.notes(with_manifests(tmp_path, text), known) == ()

"""What Google Cloud and Kubernetes take as labels, taints, tags and the name of a project.

Their preview says none of it: each is refused only when it is made, by the API or by the nodes themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from schemas.rules.gke import gke_of, pools_of
from schemas.rules.registry import Violation, rule
from schemas.spec import Spec
from schemas.tree import Tree

_WORD: Final = "[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_PREFIX: Final = "[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"
KEY: Final = re.compile(f"({_PREFIX}/)?{_WORD}")
VALUE: Final = re.compile(f"({_WORD})?")
NETWORK_TAG: Final = re.compile("[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
PROJECT: Final = re.compile("([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
LONGEST: Final = 63


def _entry(tree: Tree, table: str, key: str) -> str:
    """The place of a key in a table, or the table where a path cannot say it."""
    return f"{table}.{key}" if "." not in key and tree.has(f"{table}.{key}") else table


@rule("GKE040")
def labels_and_taints_are_written_as_kubernetes_takes_them(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Labels and taints of nodes have keys and values of letters, digits, `-`, `_` and `.`.

    Why: Kubernetes takes up to 63 of them, of which the first and the last are letters or digits; before a key may
        stand a domain and a slash. GKE refuses a pool with others.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, labels: {tier: very gold}}]
    Remedy: Write, for example, `tier: very-gold`, or `example.com/tier: gold`.
    """
    for pool in pools_of(spec):
        for key, value in (pool.labels or {}).items():
            at = _entry(tree, f"{pool.at}.labels", key)
            if not KEY.fullmatch(key):
                yield Violation(at, f"`{key}` is no key of a label", key=True)
            elif not VALUE.fullmatch(value):
                yield Violation(at, f"`{value}` is no value of a label")
        for index, taint in enumerate(pool.taints):
            path = f"{pool.at}.taints.{index}"
            if not KEY.fullmatch(taint.key):
                yield Violation(f"{path}.key", f"`{taint.key}` is no key of a taint", remedy=_written(taint.key))
            elif not VALUE.fullmatch(taint.value):
                yield Violation(f"{path}.value", f"`{taint.value}` is no value of a taint", _written(taint.value))


def _written(text: str) -> str:
    """What may have been meant."""
    near = re.sub("[^A-Za-z0-9._-]+", "-", text).strip("-._")[:LONGEST]
    return f"Write {near}." if near else ""


@rule("GKE041")
def labels_of_the_cloud_are_lower_case(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Labels of the cluster and of machines, as billing shows them, are lower-case.

    Why: Google Cloud takes up to 63 lower-case letters, digits, `_` and `-`; a key begins with a letter. Labels of
        nodes (`labels` of a pool) are Kubernetes' and may have capitals.
    Example:
        cluster: {provider: gke, project: my-project, location: europe-west4-a, labels: {Team: ml}}
    Remedy: Write it with small letters, for example `team: ml`.
    """
    if (cluster := gke_of(spec)) is None:
        return
    tables = [("cluster.labels", cluster.labels or {})]
    tables += [(f"{pool.at}.resourceLabels", pool.resource_labels or {}) for pool in cluster.node_pools]
    for path, labels in tables:
        yield from _of_the_cloud(tree, path, labels)


def _of_the_cloud(tree: Tree, path: str, labels: Mapping[str, str]) -> Iterator[Violation]:
    for key, value in labels.items():
        at = _entry(tree, path, key)
        if not (key[:1].isalpha() and _is_plain(key)):
            yield Violation(at, f"`{key}` is no key of a label of Google Cloud", key=True)
        elif not _is_plain(value):
            yield Violation(at, f"`{value}` is no value of a label of Google Cloud")


def _is_plain(text: str) -> bool:
    """Letters of other alphabets count, as long as they are no capitals."""
    return text == text.lower() and re.fullmatch(rf"[\w-]{{0,{LONGEST}}}", text) is not None


@rule("GKE042")
def network_tags_are_names(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A network tag has lower-case letters, digits and hyphens.

    Why: Compute Engine takes up to 63 of them; the first is a letter, the last no hyphen.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8, networkTags: [A_b]}]
    Remedy: Write, for example, `networkTags: [a-b]`.
    """
    for pool in pools_of(spec):
        for index, tag in enumerate(pool.network_tags):
            if not NETWORK_TAG.fullmatch(tag):
                yield Violation(f"{pool.at}.networkTags.{index}", f"`{tag}` is no network tag")


@rule("GKE043")
def projects_are_named_by_their_id(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A project is named by its id: 6 to 30 lower-case letters, digits and hyphens.

    Why: Its display name and its number are other things; with an id that cannot be, nothing is made.
    Example:
        cluster: {provider: gke, project: My_Project, location: europe-west4-a}
    Remedy: Write the id that `gcloud projects list` shows.
    """
    if (cluster := gke_of(spec)) is None:
        return
    places = [("cluster.project", cluster.project)]
    shared = [(pool.at, pool.reservation.project) for pool in cluster.node_pools if pool.reservation]
    places += [(f"{at}.reservation.project", project) for at, project in shared if project]
    for path, project in places:
        if not PROJECT.fullmatch(project):
            yield Violation(path, f"`{project}` is no id of a project")

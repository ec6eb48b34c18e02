"""All problems of a spec that could not be built: what its structure lacks, and which rules it breaks besides.

Values that do not fit are left out, if they may be, and the rules are applied to the rest; what they find at an item
with a structural problem is not told, for it may follow from what was left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from schemas.build import Refused, build
from schemas.errors import Problem
from schemas.rules import violations
from schemas.structure import Finding, check
from schemas.tree import Items, Node, Table, Tree


def all_problems(tree: Tree, refusal: Problem) -> tuple[Problem, ...]:
    """Every problem of a tree that the builder has refused with `refusal`."""
    findings = check(tree)
    if not findings:  # The schema cannot say everything (sizes are whole bytes): the builder's word stands.
        return (refusal,)
    return (*(finding.problem for finding in findings), *_beside(tree, findings))


def _beside(tree: Tree, findings: Sequence[Finding]) -> tuple[Problem, ...]:
    if any(len(finding.path) < 3 or finding.path[0] == "cluster" for finding in findings):
        return ()  # Too much is missing: what the rules say of the rest would mislead.
    root = _without(tree.root, [finding.path for finding in findings])
    assert isinstance(root, Table)
    try:
        spec = build(Tree(root))
    except Refused as other:
        return (other.problem,) if other.problem.rule == "SPEC013" else ()  # a quantity only the builder can judge
    spoilt = {line for item in {finding.path[:2] for finding in findings} for line in _lines(tree.node(".".join(item)))}
    return tuple(
        problem
        for problem in violations(spec, Tree(root))
        if problem.location and (problem.location.file, problem.location.line) not in spoilt
    )


def _without(node: Node, paths: Iterable[Sequence[str]]) -> Node:
    """The node without what stands at the paths."""
    gone: set[str] = set()
    inner: dict[str, list[Sequence[str]]] = {}
    for label, *rest in paths:
        if rest:
            inner.setdefault(label, []).append(rest)
        else:
            gone.add(label)

    def kept(label: str, child: Node) -> Node:
        return _without(child, inner[label]) if label in inner else child

    match node:
        case Table():
            return replace(node, entries={k: kept(k, child) for k, child in node.entries.items() if k not in gone})
        case Items():
            labelled = zip(node.labels, node.items, strict=True)
            return replace(node, items=tuple(kept(k, child) for k, child in labelled if k not in gone))
        case _:
            return node


def _lines(node: Node | None) -> Iterator[tuple[str, int]]:
    """Every file and line on which a part of the node stands."""
    if node is None:
        return
    yield node.place.layer.name, node.place.line
    parts = node.entries.values() if isinstance(node, Table) else node.items if isinstance(node, Items) else ()
    for part in parts:
        yield from _lines(part)

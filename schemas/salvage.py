"""All problems of a spec that could not be built: what its structure lacks, and which rules it breaks besides.

Values that do not fit are left out, if they may be, and the rules are applied to the rest; what they find at an item
with a structural problem is not told, for it may follow from what was left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from schemas.build import Refused, build
from schemas.errors import Problem
from schemas.rules import violations
from schemas.structure import Finding, check
from schemas.tree import Items, Node, Table, Tree, labels


def all_problems(tree: Tree, refusal: Problem) -> tuple[Problem, ...]:
    """Every problem of a tree that the builder has refused with `refusal`."""
    findings = check(tree)
    if not findings:  # The schema cannot say everything (sizes are whole bytes): the builder's word stands.
        return (refusal,)
    return (*(finding.problem for finding in findings), *_beside(tree, findings))


def _beside(tree: Tree, findings: Sequence[Finding]) -> tuple[Problem, ...]:
    if any(len(finding.path) < 3 or finding.path[0] == "cluster" for finding in findings):
        return ()  # Too much is missing: what the rules say of the rest would mislead.
    root: Node = tree.root
    for finding in findings:
        root = _without(root, finding.path)
    assert isinstance(root, Table)
    try:
        spec = build(Tree(root))
    except Refused:
        return ()
    spoilt = {finding.problem.location.line for finding in findings if finding.problem.location}
    ranges = [_lines(tree, finding.path[:2]) for finding in findings]
    return tuple(
        problem
        for problem in violations(spec, Tree(root))
        if problem.location
        and problem.location.line not in spoilt
        and not any(first <= problem.location.line <= last for first, last in ranges)
    )


def _without(node: Node, path: Sequence[str]) -> Node:
    """The node without what stands at the path."""
    label, *rest = path
    match node:
        case Table() if label in node.entries:
            entries = dict(node.entries)
            if rest:
                entries[label] = _without(entries[label], rest)
            else:
                del entries[label]
            return replace(node, entries=entries)
        case Items() if label in (names := labels(node.items)):
            index = names.index(label)
            inner = (_without(node.items[index], rest),) if rest else ()
            return replace(node, items=(*node.items[:index], *inner, *node.items[index + 1 :]))
        case _:
            return node


def _lines(tree: Tree, path: Sequence[str]) -> tuple[int, int]:
    """The first and last line of what stands at the path."""
    found = tree.node(".".join(path))
    if found is None:
        return 0, 0
    lines = list(_all_lines(found))
    return min(lines), max(lines)


def _all_lines(node: Node) -> list[int]:
    match node:
        case Table():
            inner = [line for child in node.entries.values() for line in _all_lines(child)]
        case Items():
            inner = [line for child in node.items for line in _all_lines(child)]
        case _:
            inner = []
    return [node.place.line, *inner]

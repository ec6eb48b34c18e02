"""A stack file -> a spec: read, merge, check, build, apply the rules; all problems at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path

from schemas.assign import assign_all
from schemas.build import Refused, build
from schemas.errors import Problem, SpecError
from schemas.overlay import merge, read_layers, settle
from schemas.record import record
from schemas.rules import violations
from schemas.shape import spec_shape
from schemas.spec import Spec
from schemas.tree import Node, Table, Tree, problem_at


@record
class Loaded:
    """A spec without problems, and the tree that knows where each of its values was written."""

    spec: Spec
    tree: Tree


def load(path: Path, *, sets: Sequence[str] = (), environ: Mapping[str, str] | None = None) -> Loaded:
    """The spec that a file, what it extends, `--set` texts and `INFERSTACK_...` variables say together.

    Args:
        path: the environment file; problems name it as it is spelled here.
        sets: texts `path=value`, as given to `--set`; the later wins.
        environ: the environment; none by default.

    Raises:
        SpecError: with every problem that was found.
    """
    tree, problems = merged(path, sets=sets, environ=environ)
    try:
        spec = build(tree)
    except Refused as refused:
        from schemas.salvage import all_problems  # imports jsonschema, which takes longer than all else together

        raise SpecError(_in_order(problems + all_problems(tree, refused.problem))) from refused
    problems += violations(spec, tree)
    if problems:
        raise SpecError(_in_order(problems))
    return Loaded(spec, tree)


def merged(
    path: Path, *, sets: Sequence[str] = (), environ: Mapping[str, str] | None = None
) -> tuple[Tree, tuple[Problem, ...]]:
    """The merged tree, unchecked, and what was wrong with merging it (`--set` of an unknown path, say).

    Raises:
        SpecError: a file cannot be read, or there is nothing in it.
    """
    root = reduce(_over, read_layers(path))
    if not root.entries:
        raise SpecError((_nothing(root),))
    root, unmatched = assign_all(root, sets, environ or {}, Path.cwd())
    root, idle = settle(root)
    return Tree(root), unmatched + idle


def _nothing(root: Table) -> Problem:
    return problem_at(
        root.place,
        "SPEC005",
        "the file says nothing: it is neither a spec nor a saved plan",
        why="A spec is a mapping: keys such as `name`, `models` and `serving`, each with its value.",
        remedy="Start it with `apiVersion: inferstack/v1` and `name: my-stack`, or use `inferstack init`.",
    )


def _over(below: Table, above: Table) -> Table:
    node: Node = merge(below, above, spec_shape())
    assert isinstance(node, Table)
    return node


def _in_order(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    def key(problem: Problem) -> tuple[str, int, int, str, str]:
        at = problem.location
        return (at.file, at.line, at.column, problem.rule, problem.message) if at else ("", 0, 0, problem.rule, "")

    return tuple(sorted(dict.fromkeys(problems), key=key))

"""How requests are spread."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.rules.registry import Violation, rule
from schemas.spec import Spec
from schemas.tree import Tree


@rule("TRAFFIC001")
def shares_make_a_whole(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """The shares of a traffic split are 100 together.

    Why: They are percentages of all requests.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}, {name: two, model: digits}]
        traffic: [{name: all, split: {one: 80, two: 30}}]
    Remedy: Change them until they are 100 together; 0 is allowed.
    """
    for traffic in spec.traffic:
        total = sum(traffic.split.values())
        if total != 100:
            yield Violation(f"{traffic.at}.split", f"the shares of `{traffic.name}` are {total} together, not 100")

"""What a rule is: an id that never changes, an explanation, and a function that finds what breaks it.

A rule is written as a function over (spec, tree) with a docstring of four parts: a title of one line, `Why:`,
`Example:` (YAML that breaks it; the tests load each) and `Remedy:`. `inferstack explain ID` prints it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from schemas.errors import Problem
from schemas.record import record
from schemas.spec import Spec
from schemas.tree import Tree


@record
class Violation:
    """What breaks a rule: the path of the value (of its key, with `key`), and what is wrong with it.

    `why` and `remedy` stand in for those of the rule where more can be said.
    """

    path: str
    message: str
    remedy: str = ""
    why: str = ""
    key: bool = False


Check = Callable[[Spec, Tree], Iterator[Violation]]


@record
class Rule:
    """A rule and its explanation. One without `check` is found by the reader, the merger, the checker or placement."""

    id: str
    raw: str
    check: Check | None = None

    @cached_property
    def doc(self) -> str:
        """The whole explanation, without the indentation of the source."""
        return inspect.cleandoc(self.raw)

    @property
    def title(self) -> str:
        """The rule in one line."""
        return self.doc.partition("\n")[0]

    @property
    def text(self) -> str:
        """The explanation below the title."""
        return self.doc.partition("\n")[2].strip()

    def part(self, name: str) -> str:
        """A part of the explanation (`Why`, `Remedy`) as one paragraph; empty when it has none."""
        _, found, rest = self.doc.partition(f"\n{name}:")
        paragraph = rest.split("\n\n")[0].split("\nExample:")[0].split("\nRemedy:")[0]
        return " ".join(paragraph.split()) if found else ""

    @property
    def example(self) -> str:
        """YAML that breaks the rule."""
        _, _, rest = self.doc.partition("\nExample:\n")
        return inspect.cleandoc("\n" + rest.split("\nRemedy:")[0])

    def problems(self, spec: Spec, tree: Tree) -> Iterator[Problem]:
        """All that breaks the rule, placed in the text."""
        for found in self.check(spec, tree) if self.check else ():
            place = tree.key_problem if found.key else tree.problem
            why, remedy = found.why or self.part("Why"), found.remedy or self.part("Remedy")
            yield place(self.id, found.path, found.message, why=why, remedy=remedy)


def rule(rule_id: str) -> Callable[[Check], Rule]:
    """Makes a rule of a function."""

    def make(check: Check) -> Rule:
        return Rule(rule_id, check.__doc__ or "", check)

    return make


def rules_of(module: Any) -> tuple[Rule, ...]:
    """The rules that a module holds, in its order."""
    return tuple(value for value in vars(module).values() if isinstance(value, Rule))

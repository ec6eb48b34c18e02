"""Every rule explains itself, and its own example breaks it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.errors import UsageError
from schemas.rules import all_rules, explain, fit
from schemas.rules.registry import Rule
from tests.schemas.spec_texts import HEAD, a_file, problems, rules

RULES = all_rules()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_says_what_why_and_what_to_do(rule: Rule) -> None:
    assert re.fullmatch("[A-Z]{3,8}[0-9]{3}", rule.id)
    assert rule.title.endswith(".")
    assert len(rule.title) <= 120
    assert rule.part("Why").endswith((".", "%", "server."))
    assert rule.part("Remedy")


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.example], ids=lambda rule: rule.id)
def test_every_example_breaks_its_rule(rule: Rule, tmp_path: Path) -> None:
    head = "" if rule.example.startswith(("apiVersion", "name", "-", "extends")) else HEAD
    found = problems(a_file(tmp_path, f"{head}{rule.example}\n"))
    assert rule.id in rules(found)
    assert all(problem.why and problem.remedy for problem in found)


def test_most_rules_show_an_example() -> None:
    bare = {rule.id for rule in RULES if not rule.example and rule not in fit.RULES}
    assert bare == {"SPEC001", "SPEC002", "LAYER002", "LAYER004", "LAYER005"}


def test_ids_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_an_unknown_id_suggests_a_known_one() -> None:
    assert explain("SPEC010").title.startswith("Keys")
    with pytest.raises(UsageError, match="did you mean `SPEC01"):
        explain("SPC010")

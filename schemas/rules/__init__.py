"""What must hold beyond structure: one module a noun, each rule with an id and an explanation."""

from __future__ import annotations

from schemas.errors import Problem, UsageError
from schemas.rules import (
    benchmarks,
    cluster,
    engine,
    extensions,
    fit,
    gke_cluster,
    gke_kubelet,
    gke_labels,
    gke_machines,
    gke_network,
    gke_places,
    gke_pools,
    kserve,
    load_tests,
    models,
    names,
    notyet,
    numa,
    pods,
    seldon,
    serving,
    stores,
    structural,
    traffic,
    trained,
)
from schemas.rules.registry import Rule, rules_of
from schemas.spec import Spec
from schemas.suggest import did_you_mean
from schemas.tree import Tree

MODULES = (
    names,
    models,
    trained,
    stores,
    numa,
    serving,
    pods,
    kserve,
    seldon,
    traffic,
    benchmarks,
    load_tests,
    cluster,
    engine,
    gke_cluster,
    gke_kubelet,
    gke_labels,
    gke_machines,
    gke_network,
    gke_places,
    gke_pools,
    extensions,
    notyet,
)


def violations(spec: Spec, tree: Tree) -> tuple[Problem, ...]:
    """Everything in the spec that breaks a rule."""
    return tuple(problem for module in MODULES for rule in rules_of(module) for problem in rule.problems(spec, tree))


def all_rules() -> tuple[Rule, ...]:
    """Every rule, by id; those of reading, merging, structure and placement among them."""
    found = [*structural.RULES, *fit.RULES, *(rule for module in MODULES for rule in rules_of(module))]
    return tuple(sorted(found, key=lambda rule: rule.id))


def explain(rule_id: str) -> Rule:
    """The rule with an id.

    Raises:
        UsageError: there is none.
    """
    known = {rule.id: rule for rule in all_rules()}
    if rule_id not in known:
        raise UsageError(
            f"there is no rule {rule_id}{did_you_mean(rule_id, known)}",
            why="ids are those that error messages begin with, such as SPEC010",
            remedy="`inferstack explain` lists all rules",
        )
    return known[rule_id]

"""A plan as JSON for scripts: stable keys, only what changes unless all is asked for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from stack.plan import Change, Plan
from stack.render.plan_words import headline, notes_of

VERSION: Final = 1  # of this form; keys are added, never changed, while it stays


def plan_json(plan: Plan, *, everything: bool = False) -> dict[str, Any]:
    """JSON values; `everything` adds the resources that stay as they are."""
    impact = plan.impact
    return {
        "version": VERSION,
        "project": plan.project,
        "stack": plan.stack,
        "destroy": plan.destroy,
        "empty": plan.empty,
        "summary": headline(plan),
        "counts": dict(plan.counts),
        "changes": [_change(change) for change in plan.changes if everything or change.op != "same"],
        "outputs": [_property(found) for found in plan.outputs],
        "impact": {
            "groups": [{**asdict(group), "interrupted": group.interrupted} for group in impact.groups if group.touched],
            "models": list(impact.models),
            "benchmarks": list(impact.benchmarks),
            "removedBenchmarks": list(impact.removed_benchmarks),
            "pools": [{**asdict(pool), "text": pool.text} for pool in impact.pools],
            "pods": [{**asdict(pods), "interrupted": pods.interrupted} for pods in impact.pods],
            "interrupted": list(impact.interrupted),
        },
        "cost": asdict(plan.cloud.cost) if plan.cloud and plan.cloud.cost else None,
        "notes": list(notes_of(plan)),
        "blocked": [change.blocked for change in plan.blocked],
        "plansOnly": sorted({change.type for change in plan.plans_only}),
        "state": {"lineage": plan.lineage, "serial": plan.serial},
        "digest": plan.digest,
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "op": change.op,
        "urn": change.urn,
        "type": change.type,
        "name": change.name,
        "parent": change.parent,
        "component": change.component,
        "properties": [_property(found) for found in change.properties],
        "reasons": list(change.reasons),
        "deleteFirst": change.delete_first,
        "retained": change.retained,
        "blocked": change.blocked,
        "plansOnly": change.plans_only,
    }


def _property(found: Any) -> dict[str, Any]:
    return {
        "path": found.path,
        "kind": found.kind,
        "old": found.old,
        "new": found.new,
        "secret": found.secret,
        "unknown": found.unknown,
        "forcesReplacement": found.forces_replacement,
        "why": found.why,
        "source": asdict(found.source) if found.source else None,
    }

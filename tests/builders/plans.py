"""Plans for tests of what is said about them."""

from __future__ import annotations

from typing import Any

from stack.plan import BENCHMARKS, INSTANCE, MODEL, SUPERVISOR, Change, Op, Plan, PropertyChange, Source

STACK = "urn:pulumi:digits::inferstack::pulumi:pulumi:Stack::inferstack-digits"
LOCAL = Source("environments/local.yaml:14:7", "file", ("base.yaml:9:5",))


def a_property(path: str, old: Any, new: Any, **fields: Any) -> PropertyChange:
    """A property that changes."""
    return PropertyChange(path, "add" if old is None else "delete" if new is None else "update", old, new, **fields)


def a_change(op: Op, name: str, type_: str = INSTANCE, *, parent: str = STACK, **fields: Any) -> Change:
    """A change of a resource below the stack, or below a group given by its URN."""
    return Change(op, f"urn:pulumi:digits::inferstack::{type_}::{name}", type_, name, parent, **fields)


def a_group(name: str, op: Op = "same") -> Change:
    """A serving group, which is a component."""
    return a_change(op, name, "inferstack:serving:Group", component=True)


def a_plan(*changes: Change, **fields: Any) -> Plan:
    """A plan of the stack `digits`."""
    root = Change("same", STACK, "pulumi:pulumi:Stack", "inferstack-digits", component=True)
    return Plan(project="inferstack", stack="digits", lineage="l", serial=3, changes=(root, *changes), **fields)


def a_rich_plan() -> Plan:
    """Something of everything."""
    latency, many = a_group("digits-latency"), a_group("digits-many", "create")
    forced = {"forces_replacement": True, "why": "it cannot be changed in place"}
    return a_plan(
        a_change("same", "supervisor", SUPERVISOR),
        a_change("create", "digits-int8", MODEL, properties=(a_property("precision", None, "int8", source=LOCAL),)),
        latency,
        a_change(
            "update",
            "digits-latency-0",
            parent=latency.urn,
            properties=(
                a_property("threads", 2, 4, source=LOCAL),
                a_property("cpus", [0, 1], [0, 1, 2, 3], source=Source("--set serving.digits-latency.cores=0-3")),
                a_property("model.digest", "9f86d081884c7d659a2feaa0c55ad015", None, unknown=True),
                a_property("env.TOKEN", None, None, secret=True),
            ),
        ),
        a_change(
            "replace",
            "digits-latency-1",
            parent=latency.urn,
            delete_first=True,
            properties=(a_property("name", "digits-1", "digits-latency-1", **forced),),
        ),
        a_change("same", "digits-latency-2", parent=latency.urn),
        many,
        *(a_change("create", f"digits-many-{index}", parent=many.urn) for index in range(9)),
        a_change("update", "steady", BENCHMARKS[0], properties=(a_property("rerun", None, "20260101T000000Z"),)),
        a_change("delete", "old", BENCHMARKS[0]),
        a_change("delete", "kept", "tests:index:Thing", retained=True),
        a_change("create", "serving", "gcp:container/nodePool:NodePool", plans_only=True),
        a_change("delete", "precious", MODEL, blocked="precious is protected and would be deleted"),
        outputs=(a_property("url", "http://127.0.0.1:8500", None, unknown=True), a_property("groups", 1, 2)),
        notes=("digits-latency: 3 x 2 cores on 1 NUMA node, 2 cores left", "cost: 1.52 USD an hour (+0.38)"),
    )

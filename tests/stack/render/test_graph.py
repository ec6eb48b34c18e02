"""A stack as Mermaid and DOT: resources, the components around them, and what needs what."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import pytest

from stack.plan import Change, Op, Plan
from stack.render.graph import Node, dot, mermaid, of_deployment, of_plan

DYNAMIC = "pulumi-python:dynamic/inferstack"


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:digits::inferstack::{type_}::{name}"


STACK = urn("pulumi:pulumi:Stack", "inferstack-digits")
MODEL = urn(f"{DYNAMIC}:Model", "digits")
SUPERVISOR = urn(f"{DYNAMIC}:Supervisor", "supervisor")
GROUP = urn("inferstack:serving:Group", "digits-throughput")


def a_change(op: Op, type_: str, name: str, *, parent: str = STACK, needs: tuple[str, ...] = ()) -> Change:
    return Change(op, urn(type_, name), type_, name, parent=parent, dependencies=needs)


def a_plan() -> Plan:
    instances = [
        a_change("create", f"{DYNAMIC}:Instance", f"digits-throughput-{i}", parent=GROUP, needs=(MODEL, SUPERVISOR))
        for i in range(2)
    ]
    benchmark = a_change("replace", f"{DYNAMIC}:Benchmark", "layouts", needs=(GROUP, MODEL))
    return Plan(
        project="inferstack",
        stack="digits",
        lineage="",
        serial=0,
        changes=(
            a_change("same", "pulumi:pulumi:Stack", "inferstack-digits", parent=""),
            a_change("same", "pulumi:providers:gcp", "default"),
            a_change("same", f"{DYNAMIC}:Model", "digits"),
            a_change("update", f"{DYNAMIC}:Supervisor", "supervisor"),
            a_change("create", "inferstack:serving:Group", "digits-throughput", needs=(MODEL,)),
            *instances,
            benchmark,
        ),
    )


def test_a_plan_becomes_a_mermaid_flowchart(golden: Callable[[str, str], None]) -> None:
    golden("graph.mmd", mermaid(of_plan(a_plan())))


def test_a_plan_becomes_a_graphviz_digraph(golden: Callable[[str, str], None]) -> None:
    golden("graph.dot", dot(of_plan(a_plan())))


def test_graphviz_reads_the_digraph_where_it_is_installed() -> None:
    if shutil.which("dot") is None:
        pytest.skip("graphviz is not installed: the DOT text is compared with its golden file only")
    drawn = subprocess.run(["dot", "-Tplain"], input=dot(of_plan(a_plan())), text=True, capture_output=True, timeout=20)
    assert drawn.returncode == 0
    assert not drawn.stderr


def test_an_exported_deployment_draws_the_same_resources_as_its_plan() -> None:
    plan = a_plan()
    resources = [
        {"urn": c.urn, "type": c.type, "parent": c.parent, "dependencies": list(c.dependencies)} for c in plan.changes
    ]
    dying = {"urn": MODEL, "type": f"{DYNAMIC}:Model", "delete": True}
    drawn = of_deployment({"version": 3, "deployment": {"resources": [*resources, dying]}})
    assert [(n.urn, n.parent, n.dependencies) for n in drawn] == [
        (n.urn, n.parent, n.dependencies) for n in of_plan(plan)
    ]


def test_an_empty_stack_is_an_empty_drawing() -> None:
    assert mermaid(of_deployment({"version": 3, "deployment": {}})) == "flowchart LR\n"


def test_a_resource_never_points_at_the_component_around_it() -> None:
    inside = Node("b", "inferstack:x:Y", "b", parent="a", dependencies=("a", "b"))
    assert "-->" not in mermaid([Node("a", "inferstack:x:Y", "a", dependencies=("b",)), inside])


def test_names_cannot_break_out_of_their_labels() -> None:
    wild = [Node("a", "inferstack:x:Y", 'a"];\n<b>#1\\')]
    assert "a#quot;]; #lt;b#gt;#35;1\\<br/>" in mermaid(wild)
    assert 'a\\"]; <b>#1\\\\\\nY' in dot(wild)


def test_types_are_named_in_short() -> None:
    kinds = [Node("u", type_, "n").kind for type_ in (f"{DYNAMIC}:Model", "gcp:container/cluster:Cluster")]
    assert kinds == ["Model", "gcp Cluster"]

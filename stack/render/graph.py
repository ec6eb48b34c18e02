"""The resources of a stack and what needs what, as Mermaid or DOT text.

Components become boxes around their members. An arrow points from what is needed to what needs it, which is also the
order of the work. The stack itself and providers are left out: everything would hang on them. Pure, and in the order of
the plan, so that the same plan gives the same text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stack.plan import Change, Plan

STACK: Final = "pulumi:pulumi:Stack"
PROVIDERS: Final = "pulumi:providers:"


@dataclass(frozen=True)
class Node:
    """A resource: `parent` and `dependencies` are URNs; `change` says what a plan would do with it."""

    urn: str
    type: str
    name: str
    parent: str = ""
    dependencies: tuple[str, ...] = ()
    change: str = ""

    @property
    def kind(self) -> str:
        """The type in short: `Model`, `gcp Cluster`."""
        package, _, rest = self.type.partition(":")
        short = rest.rpartition(":")[2] or self.type
        return short if package in ("pulumi-python", "inferstack") else f"{package} {short}"


def of_plan(plan: Plan) -> tuple[Node, ...]:
    """What a plan knows, with a word where something would be done."""
    return tuple(_of_change(change) for change in plan.changes if _shown(change.type))


def of_deployment(exported: Mapping[str, Any]) -> tuple[Node, ...]:
    """What a stack's export (a Pulumi deployment of version 3) holds, without what only awaits its deletion."""
    return tuple(
        Node(
            urn=resource["urn"],
            type=resource["type"],
            name=resource["urn"].split("::", 3)[3],
            parent=resource.get("parent", ""),
            dependencies=tuple(resource.get("dependencies", ())),
        )
        for resource in exported["deployment"].get("resources") or ()
        if _shown(resource["type"]) and not resource.get("delete")
    )


def mermaid(nodes: Sequence[Node]) -> str:
    """A Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html)."""
    drawing = _Drawing.of(nodes)

    def inside(parent: str, indent: str) -> Iterator[str]:
        for node in drawing.members.get(parent, ()):
            name = drawing.ids[node.urn]
            if node.urn in drawing.members:
                yield f'{indent}subgraph {name}["{_mermaid_text(_said(node.name, node))}"]'
                yield from inside(node.urn, indent + "  ")
                yield f"{indent}end"
            else:
                below = _mermaid_text(_said(node.kind, node))
                yield f'{indent}{name}["{_mermaid_text(node.name)}<br/><small>{below}</small>"]'

    edges = (f"  {drawing.ids[needed]} --> {drawing.ids[needing]}" for needed, needing in drawing.edges)
    return "\n".join(["flowchart LR", *inside("", "  "), *edges]) + "\n"


def dot(nodes: Sequence[Node]) -> str:
    """A Graphviz digraph (https://graphviz.org/doc/info/lang.html)."""
    drawing = _Drawing.of(nodes)

    def inside(parent: str, indent: str) -> Iterator[str]:
        for node in drawing.members.get(parent, ()):
            name = drawing.ids[node.urn]
            if node.urn in drawing.members:
                yield f"{indent}subgraph cluster_{name} {{"
                yield f'{indent}  label="{_dot_text(_said(node.name, node))}"'
                yield from inside(node.urn, indent + "  ")
                yield f"{indent}}}"
            else:
                yield f'{indent}{name} [label="{_dot_text(node.name)}\\n{_dot_text(_said(node.kind, node))}"]'

    edges = (f"  {_dot_edge(drawing, needed, needing)}" for needed, needing in drawing.edges)
    return "\n".join(["digraph stack {", *DOT_LOOKS, *inside("", "  "), *edges, "}"]) + "\n"


DOT_LOOKS: Final = (
    "  compound=true rankdir=LR ranksep=0.7 nodesep=0.25",
    '  graph [fontname="Helvetica,Arial,sans-serif" fontsize=12 style=rounded color="#9aa4af" labeljust=l]',
    '  node [fontname="Helvetica,Arial,sans-serif" fontsize=11 shape=box style=rounded color="#56606b"]',
    '  edge [color="#56606b" arrowsize=0.7]',
)


@dataclass(frozen=True)
class _Drawing:
    """What both languages draw: short ids by URN, the members of each component by its URN, and the arrows."""

    ids: Mapping[str, str]
    members: Mapping[str, Sequence[Node]]
    edges: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, nodes: Sequence[Node]) -> _Drawing:
        ids = {node.urn: f"r{i}" for i, node in enumerate(nodes)}
        parents = {node.urn: node.parent if node.parent in ids else "" for node in nodes}
        members: dict[str, list[Node]] = {}
        for node in nodes:
            members.setdefault(parents[node.urn], []).append(node)
        edges = [
            (needed, node.urn)
            for node in nodes
            for needed in dict.fromkeys(node.dependencies)
            if needed in ids and needed not in _above(node.urn, parents) and node.urn not in _above(needed, parents)
        ]
        return cls(ids, members, edges)

    def leaf(self, urn: str) -> str:
        """A resource to tie an arrow to: the first one within, as an arrow cannot end at a box."""
        while urn in self.members:
            urn = self.members[urn][0].urn
        return urn


def _above(urn: str, parents: Mapping[str, str]) -> Iterable[str]:
    """The resource itself and the components around it."""
    while urn:
        yield urn
        urn = parents[urn]


def _of_change(change: Change) -> Node:
    done = change.op if change.changing else ""
    return Node(change.urn, change.type, change.name, change.parent, change.dependencies, done)


def _shown(type_: str) -> bool:
    return type_ != STACK and not type_.startswith(PROVIDERS)


def _said(text: str, node: Node) -> str:
    """A word, no sign, for what a plan does: Mermaid takes a label that begins with `+` or `-` for a list."""
    return f"{text}, {node.change}" if node.change else text


def _dot_edge(drawing: _Drawing, needed: str, needing: str) -> str:
    tail, head = drawing.ids[drawing.leaf(needed)], drawing.ids[drawing.leaf(needing)]
    ends = [f"ltail=cluster_{drawing.ids[needed]}"] if needed in drawing.members else []
    ends += [f"lhead=cluster_{drawing.ids[needing]}"] if needing in drawing.members else []
    return f"{tail} -> {head}" + (f" [{' '.join(ends)}]" if ends else "")


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def _mermaid_text(text: str) -> str:
    """Mermaid's own entities; `#` goes first, as it opens them."""
    for sign, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("\n", " ")):
        text = text.replace(sign, entity)
    return text

"""The merged spec as YAML, each value with where it comes from, and the same as JSON.

What is printed is a spec itself: read again, it says the same. Defaults are left out, since nobody wrote them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from schemas.load import Loaded
from schemas.reader import scalar_value
from schemas.tree import Items, Node, Origin, Removed, Scalar, Table, plain

_COMMENT_COLUMN: Final = 44
_DIM, _END = "\x1b[2m", "\x1b[0m"
_PLAIN = re.compile(r"[A-Za-z0-9_./~+][A-Za-z0-9_./~+%@=-]*(:[A-Za-z0-9_./~+%@=-]+)*( [A-Za-z0-9_./~+%@=-]+)*")


def render_text(loaded: Loaded, colour: bool = False) -> str:
    """The merged spec as YAML; a comment on each line says who set the value, and what it overrides."""
    lines = []
    for text, origin in _lines(loaded.tree.root, 0):
        if origin is None:
            lines.append(text)
            continue
        comment = f"# {_words(origin)}"
        lines.append(f"{text:<{_COMMENT_COLUMN}} {_DIM + comment + _END if colour else comment}")
    return "\n".join(lines) + "\n"


def render_json(loaded: Loaded) -> dict[str, Any]:
    """The merged spec, and the origin of each value by its path."""
    return {
        "spec": plain(loaded.tree.root, nulls=False),
        "origins": {path: _origin_json(node.place.origin) for path, node in _values(loaded.tree.root, "")},
    }


def _words(origin: Origin) -> str:
    return f"{origin.text}, over {_words(origin.overrides)}" if origin.overrides else origin.text


def _origin_json(origin: Origin) -> dict[str, Any]:
    at = origin.location
    return {
        "layer": origin.layer,
        "text": origin.text,
        "file": at.file if at else None,
        "line": at.line if at else None,
        "column": at.column if at else None,
        "overrides": _origin_json(origin.overrides) if origin.overrides else None,
    }


def _values(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    """Every single value with its path."""
    match node:
        case Table():
            for key, child in node.entries.items():
                yield from _values(child, f"{path}.{key}" if path else key)
        case Items():
            for label, child in zip(node.labels, node.items, strict=True):
                yield from _values(child, f"{path}.{label}")
        case _:
            yield path, node


def _lines(node: Node, depth: int) -> Iterator[tuple[str, Origin | None]]:
    """The lines of a table or a list, each with the origin of the value that ends it."""
    indent = "  " * depth
    match node:
        case Table():
            for key, child in node.entries.items():
                yield from _entry(f"{indent}{scalar_text(key)}:", child, depth)
        case Items():
            for child in node.items:
                yield from _item(child, depth)
        case _:
            yield f"{indent}{_inline(node)}", node.place.origin


def _entry(head: str, child: Node, depth: int) -> Iterator[tuple[str, Origin | None]]:
    inline = _inline(child)
    if inline is not None:
        yield f"{head} {inline}", child.place.origin
        return
    yield head, None
    yield from _lines(child, depth + 1)


def _item(child: Node, depth: int) -> Iterator[tuple[str, Origin | None]]:
    indent, inline = "  " * depth, _inline(child)
    if inline is not None:
        yield f"{indent}- {inline}", child.place.origin
        return
    for number, (text, origin) in enumerate(_lines(child, depth + 1)):
        yield (f"{indent}- {text[len(indent) + 2 :]}" if number == 0 else text), origin


def _inline(node: Node) -> str | None:
    """The node on one line; None for what takes several."""
    match node:
        case Scalar(value=str() as value):
            return scalar_text(value)
        case Scalar(value=None):
            return "null"
        case Scalar():
            return node.raw
        case Items() if all(isinstance(item, Scalar) for item in node.items):
            return f"[{', '.join(_inline(item) or '' for item in node.items)}]"
        case Table(entries={}) if not node.entries:
            return "{}"
        case Table() | Items():
            return None
        case Removed():
            return "!remove"


def scalar_text(value: str) -> str:
    """A text as YAML: plain where that reads back as the same text, else in double quotes."""
    if _PLAIN.fullmatch(value) and scalar_value(value) == value and isinstance(scalar_value(value), str):
        return value
    return json.dumps(value)

"""What is wrong with a value that does not have the shape its place wants, in words for people.

One place for these messages: the builder refuses with them, and the checker explains jsonschema's findings with them.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import assert_never

from schemas.record import record
from schemas.shape import Anything, Choice, Either, Field, Flag, ListOf, Number, Quantity, Record, Shape, TableOf, Text
from schemas.spec.fields import MOST
from schemas.suggest import did_you_mean, listed, nearest
from schemas.tree import Items, Node, Removed, Scalar, Table

_YES = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


@record
class Mismatch:
    """Why a value does not fit."""

    rule: str
    message: str
    why: str
    remedy: str


def describe(shape: Shape) -> str:
    """What a place wants: "a duration such as 50ms"."""
    match shape:
        case Text():
            return shape.pattern.says if shape.pattern else "text"
        case Choice():
            return listed((str(v) for v in shape.values), last="or")
        case Number():
            return f"{'a whole number' if shape.whole else 'a number'}{_within(shape)}"
        case Quantity():
            return f"a {shape.unit.name} such as {shape.unit.example}"
        case Flag():
            return "true or false"
        case Anything():
            return "anything"
        case TableOf():
            return "a mapping"
        case ListOf():
            return "a list of mappings" if isinstance(shape.of, Record) else "a list"
        case Either():
            return f"a mapping with `{shape.tag}`" if shape.tag else " or ".join(describe(o) for o in shape.options)
        case Record():
            return f"a mapping with {listed(_main_keys(shape), most=8)}"
        case _:
            assert_never(shape)


def _main_keys(record: Record) -> list[str]:
    required = [f.key for f in record.fields.values() if f.required]
    return required or list(record.fields)


def _within(shape: Number) -> str:
    least, most = shape.range.least, shape.range.most
    if least is not None and most is not None and not _is_limit(most):
        return f" from {least} to {most}"
    return f" of at least {least}" if least is not None and not _is_limit(-least) else ""


def _is_limit(most: float) -> bool:
    """Whether it is what a computer can count to, and no limit that somebody had in mind."""
    return most >= MOST


def kind(node: Node) -> str:
    """What a value is: "text", "a list"."""
    match node:
        case Table():
            return "a mapping"
        case Items():
            return "a list"
        case Removed():
            return "removed"
        case Scalar(value=None):
            return "empty"
        case Scalar(value=bool()):
            return "true or false"
        case Scalar(value=str()):
            return "text"
        case Scalar():
            return "a number"


def explain(field: Field | None, shape: Shape, node: Node, key: str = "") -> Mismatch:
    """Why the node does not fit the shape; `field` is the key it stands under, else `key` is what the user calls it."""
    subject = f"`{field.key if field else key}`" if field or key else "this item"
    why = field.doc if field else shape.doc if isinstance(shape, Record) else ""
    if not isinstance(node, Scalar):
        return _wrong_kind(subject, why, shape, node)
    if node.value is None:
        return Mismatch(
            "SPEC011", f"{subject} is empty", why, f"Write {describe(shape)}, or delete the line for the default."
        )
    match shape:
        case Quantity():
            return _quantity(subject, why, shape, node)
        case Choice():
            return _choice(subject, why, shape, node)
        case Number() if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            most = shape.range.most
            if most is not None and _is_limit(most) and node.value > most:
                message = f"{subject} is {_short(node.raw)}, and can be {most} at most"
                return Mismatch("SPEC015", message, why, "Write a smaller number.")
            message = f"{subject} is {_short(node.raw)}, and must be {describe(shape)}"
            return Mismatch("SPEC015", message, why, f"Write {describe(shape)}.")
        case Number() if re.fullmatch("[-+]?[0-9]{300,}", node.raw):
            message = f"{subject} is a number of {len(node.raw.lstrip('-+')):,} digits, which nothing here can be"
            return Mismatch("SPEC015", message, why, f"Write {describe(shape)}.")
        case Text() if isinstance(node.value, str):
            says = shape.pattern.says if shape.pattern else "text"
            message = f"{subject} is `{_short(node.raw)}`, and must be {says}"
            return Mismatch("SPEC016", message, why, f"Write {_tidied(shape, node.raw) or says}.")
        case Text():
            return _unquoted(subject, why, node)
        case Flag() if isinstance(node.value, str) and node.value.lower() in _YES:
            meant = _YES[node.value.lower()]
            message = f"{subject} is the text `{node.raw}`, and must be true or false"
            said = "In a spec `yes`, `no`, `on` and `off` are plain text (as in YAML 1.2)."
            return Mismatch("SPEC017", message, said, f"Write {meant}.")
        case _:
            return _wrong_kind(subject, why, shape, node)


def _tidied(shape: Text, text: str) -> str:
    """The text in lower case with hyphens, if that is all it takes."""
    tidy = re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")
    return tidy if shape.pattern and re.fullmatch(shape.pattern.regex, tidy) else ""


def _wrong_kind(subject: str, why: str, shape: Shape, node: Node) -> Mismatch:
    remedy = f"Write {describe(shape)}."
    if isinstance(shape, ListOf) and not isinstance(node, Items):
        inside = _items_of(shape, node.raw) if isinstance(node, Scalar) else "..."
        remedy = "Start each item with a hyphen: `- name: ...`." if shape.named else f"Put it in brackets: [{inside}]."
    shown = f"`{_short(node.raw)}`, {kind(node)}" if isinstance(node, Scalar) else kind(node)
    return Mismatch("SPEC012", f"{subject} is {shown}, and must be {describe(shape)}", why, remedy)


def _items_of(shape: ListOf, text: str) -> str:
    """A text as the items of a list in brackets: the words of a command line, each in quotes where YAML wants them."""
    if "," in text:
        return _short(text)
    try:
        words = [text] if isinstance(shape.of, Text) and shape.of.is_path else shlex.split(text)
    except ValueError:
        words = text.split()
    return _short(", ".join(w if re.fullmatch(r"[A-Za-z./_][\w./:+-]*", w) else json.dumps(w) for w in words))


def _quantity(subject: str, why: str, shape: Quantity, node: Scalar) -> Mismatch:
    accepted = f"Write a {shape.unit.name} such as {shape.unit.example}; units are {_units(shape)}."
    if isinstance(node.value, bool) or node.value is None:
        return Mismatch("SPEC012", f"{subject} is {node.raw}, and must be {describe(shape)}", why, accepted)
    try:
        shape.unit.parse(node.value)
    except ValueError as error:
        meant = f"{node.raw}{shape.unit.usual}"
        remedy = f"Write {meant}, if that is what you mean; units are {_units(shape)}."
        bare = isinstance(node.value, int | float) and _is_quantity(shape, meant)
        reason = str(error).split("; units")[0].split(": ")[0]
        return Mismatch("SPEC013", f"{subject}: {reason}", why, remedy if bare else accepted)
    return Mismatch("SPEC013", f"{subject} is `{_short(node.raw)}`, which is no {shape.unit.name}", why, accepted)


def _is_quantity(shape: Quantity, text: str) -> bool:
    try:
        return shape.unit.parse(text) > 0
    except ValueError:
        return False


def _units(shape: Quantity) -> str:
    return ", ".join(suffix for suffix in shape.unit.factors if suffix)


def _choice(subject: str, why: str, shape: Choice, node: Scalar) -> Mismatch:
    words = [str(v) for v in shape.values]
    near = nearest(node.raw, words)
    only = f"must be `{words[0]}`" if len(words) == 1 else f"must be {listed(words, last='or')}"
    remedy = f"Write {near or words[0]}." if near or len(words) == 1 else "Write one of these."
    hint = did_you_mean(node.raw, words) if len(words) > 1 else ""
    return Mismatch("SPEC014", f"{subject} is `{_short(node.raw)}`, and {only}{hint}", why, remedy)


def _unquoted(subject: str, why: str, node: Scalar) -> Mismatch:
    return Mismatch(
        "SPEC018",
        f"{subject} must be text, and `{_short(node.raw)}` without quotes is {kind(node)}",
        f"{why} YAML reads {node.raw} as {kind(node)} unless it is quoted.".strip(),
        f'Put it in quotes: "{_short(node.raw)}".',
    )


def _short(text: str) -> str:
    line = text.split("\n")[0]
    return line if len(line) <= 60 and line == text else f"{line[:57]}..."

"""All structural errors of a spec at once: jsonschema finds them, this module explains them.

Asked only when the builder has refused a spec, since importing jsonschema takes longer than reading and building a good
one. Each finding is explained from the shape of its place (`mismatch.py`), never in jsonschema's own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from schemas import mismatch
from schemas.errors import Problem
from schemas.json_schema import json_schema, schema_text
from schemas.mismatch import describe
from schemas.overlay import child_shape
from schemas.record import record
from schemas.shape import Choice, Either, Field, ListOf, Record, Shape, TableOf, option_for, spec_shape
from schemas.spec import Spec
from schemas.suggest import distance, folded, listed, nearest
from schemas.tree import Items, Node, Scalar, Table, Tree, plain, problem_at

__all__ = ["Finding", "check", "instance", "schema_text"]

# What people call things elsewhere, and what they are called here.
SYNONYMS: Final = {
    "rps": "rate", "qps": "rate", "concurrency": "clients", "users": "clients", "vus": "clients", "time": "duration",
    "url": "source", "uri": "source", "path": "source", "file": "source", "storageuri": "source", "digest": "sha256",
    "type": "platform", "runtime": "platform", "server": "platform", "environment": "env", "dataset": "data",
    "cpus": "cores", "numa": "perNumaNode", "zone": "location", "region": "location", "slo": "objective",
    "dtype": "precision", "base": "extends", "include": "extends", "machine": "machineType", "serve": "serving",
}  # fmt: skip


@record
class Finding:
    """A structural problem and the path (in keys and indices) of what has it."""

    path: tuple[str, ...]
    problem: Problem


@record
class _Spot:
    """A place of the tree: what stands there, what may stand there, and the records around it, outermost first."""

    node: Node
    shape: Shape | None
    field: Field | None
    around: tuple[Record, ...]
    path: tuple[str, ...]


def check(tree: Tree) -> tuple[Finding, ...]:
    """Everything about the tree that the schema does not allow, in the order of the text."""
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(json_schema())
    found: dict[tuple[Any, ...], Finding] = {}
    for error in validator.iter_errors(instance(tree.root, spec_shape())):
        for finding in _explain(tree, error):
            found.setdefault((finding.path, finding.problem.message), finding)
    return tuple(sorted(found.values(), key=_order))


def instance(node: Node, shape: Shape | None) -> Any:
    """The node as the schema sees it: known keys without a value count as absent."""
    match node:
        case Table():
            shapes = {key: child_shape(shape, key) for key in node.entries}
            return {
                key: instance(value, shapes[key])
                for key, value in node.entries.items()
                if shapes[key] is None or not (isinstance(value, Scalar) and value.value is None)
            }
        case Items():
            of = shape.of if isinstance(shape, ListOf) else None
            return [instance(item, of) for item in node.items]
        case _:
            return plain(node)


def _order(finding: Finding) -> tuple[Any, ...]:
    location = finding.problem.location
    return (location.file, location.line, location.column) if location else ("", 0, 0), finding.problem.message


def _explain(tree: Tree, error: Any) -> Iterator[Finding]:
    union = _spot(tree, list(error.absolute_path))
    spot = union if error.validator in ("anyOf", "oneOf") else _resolved(union)
    match error.validator:
        case "anyOf" | "oneOf":
            branch = _branch(spot)
            if branch is None:
                yield _misfit(spot)
            for inner in error.context:
                if inner.schema_path[0] == branch:
                    yield from _explain(tree, inner)
        case "additionalProperties" if isinstance(spot.shape, Record) and isinstance(spot.node, Table):
            for key in spot.node.entries:
                if key not in spot.shape.fields:
                    yield _unknown(spot, spot.shape, key)
        case "required" if isinstance(spot.shape, Record) and isinstance(spot.node, Table):
            yield from _missing(spot, spot.shape, spot.node)
        case _:
            yield _misfit(spot)


def _misfit(spot: _Spot) -> Finding:
    assert spot.shape is not None
    shape = spot.shape
    if isinstance(shape, Either) and shape.tag and isinstance(spot.node, Table):
        return _unknown_tag(spot, shape, spot.node)
    name = "" if not spot.path or spot.path[-1].isdigit() else spot.path[-1]
    found = mismatch.explain(spot.field, shape, spot.node, name)
    return Finding(
        spot.path, problem_at(spot.node.place, found.rule, found.message, why=found.why, remedy=found.remedy)
    )


def _unknown_tag(spot: _Spot, shape: Either, node: Table) -> Finding:
    fields = [option.fields[shape.tag] for option in shape.options if isinstance(option, Record)]
    words = tuple(word for f in fields if isinstance(f.shape, Choice) for word in f.shape.values)
    tag = node.entries[shape.tag]
    found = mismatch.explain(fields[0], Choice(words), tag)
    problem = problem_at(
        tag.place, found.rule, found.message, why=spot.field.doc if spot.field else "", remedy=found.remedy
    )
    return Finding((*spot.path, shape.tag), problem)


# ---------------------------------------------------------------------------------------------- where an error is


def _spot(tree: Tree, path: Sequence[str | int]) -> _Spot:
    spot = _Spot(tree.root, spec_shape(), None, (), ())
    for part in path:
        spot = _inside(_resolved(spot), part)
    return spot


def _resolved(spot: _Spot) -> _Spot:
    """The spot with a union narrowed to the branch that its value takes."""
    shape = spot.shape
    if isinstance(shape, Either):
        branch = _branch(spot)
        shape = shape.options[branch] if branch is not None else shape
    if isinstance(shape, ListOf) and shape.single and isinstance(spot.node, Table):
        shape = shape.of
    return _Spot(spot.node, shape, spot.field, spot.around, spot.path)


def _inside(spot: _Spot, part: str | int) -> _Spot:
    match spot.node, spot.shape:
        case Table(), Record() as record:
            field = record.fields.get(str(part))
            inner = spot.node.entries[str(part)]
            return _Spot(inner, field.shape if field else None, field, (*spot.around, record), (*spot.path, str(part)))
        case Table(), shape:
            of = shape.of if isinstance(shape, TableOf) else None
            return _Spot(spot.node.entries[str(part)], of, None, spot.around, (*spot.path, str(part)))
        case Items(), shape:
            of = shape.of if isinstance(shape, ListOf) else None
            label = spot.node.labels[int(part)]
            return _Spot(spot.node.items[int(part)], of, None, spot.around, (*spot.path, label))
        case _:
            return spot


def _branch(spot: _Spot) -> int | None:
    """Which branch of the place's union the value means; None when it is none of them."""
    match spot.shape:
        case Either(tag="") as shape:
            is_table = isinstance(spot.node, Table)
            return next((i for i, o in enumerate(shape.options) if isinstance(o, Record) == is_table), None)
        case Either() as shape if isinstance(spot.node, Table):
            tag = spot.node.entries.get(shape.tag)
            if tag is not None and not isinstance(tag, Scalar):
                return None
            option = option_for(shape, tag.value if tag else None)
            return shape.options.index(option) if option else None
        case ListOf(single=True):
            return 1 if isinstance(spot.node, Items) else 0 if isinstance(spot.node, Table) else None
        case Record(by_name=True):
            return 1 if isinstance(spot.node, Table) else None
        case _:
            return None


# ---------------------------------------------------------------------------------------------- keys


def _unknown(spot: _Spot, record: Record, key: str) -> Finding:
    assert isinstance(spot.node, Table)
    hint, remedy = _home(spot, record, key)
    problem = problem_at(
        spot.node.keys[key],
        "SPEC010",
        f"unknown key `{key}`{hint}",
        why=record.doc if hint else f"{record.doc} Its keys are {listed(record.fields, most=40)}.",
        remedy=remedy,
    )
    return Finding((*spot.path, key), problem)


def _home(spot: _Spot, record: Record, key: str) -> tuple[str, str]:
    """Where a misplaced or misspelt key belongs: (what the message adds, what to do)."""
    for field in record.fields.values():
        inner = _record_in(field.shape)
        if inner is not None and key in inner.fields and not (isinstance(field.shape, ListOf) and field.shape.named):
            return f"; it belongs under `{field.key}`", f"Move it into `{field.key}`."
    for outer in reversed(spot.around):
        if key in outer.fields:
            beside = next(f.key for f in outer.fields.values() if _contains(f.shape, record))
            return f"; it belongs further out, beside `{beside}`", f"Indent it like `{beside}`."
    for tag, word in _other_branches(record, key):
        remedy = f"Delete it; `cluster: !replace {{{tag}: ...}}` in an overlay leaves out all that the base says."
        return f"; it belongs to {tag} {word}", remedy
    homes = dict.fromkeys(path for path, other in _records(spec_shape(), "") if key in other.fields)
    synonym = SYNONYMS.get(folded(key))
    near = synonym if synonym in record.fields else nearest(key, record.fields)
    # A key of another place may be like one here by chance (`precision`, `apiVersion`); a slip is a letter or two.
    if near and (near == synonym or not homes or distance(folded(key), folded(near)) <= 2):
        return f"; did you mean `{near}`?", f"Write `{near}`."
    if homes:
        return f"; it belongs under {listed(homes, most=3)}", "Move it there, or delete it."
    return "", "Delete it, or see `inferstack schema` for what can be said."


def _other_branches(record: Record, key: str) -> Iterator[tuple[str, str]]:
    """Other branches of the record's tagged union that have the key: ("provider", "gke")."""
    for field in spec_shape().fields.values():
        if isinstance(field.shape, Either) and record.cls in [getattr(o, "cls", None) for o in field.shape.options]:
            for option in field.shape.options:
                if isinstance(option, Record) and key in option.fields:
                    yield field.shape.tag, describe(option.fields[field.shape.tag].shape)


def _missing(spot: _Spot, record: Record, node: Table) -> Iterator[Finding]:
    written = {key for key, value in node.entries.items() if plain(value) is not None}
    unknown = [key for key in written if key not in record.fields]
    meant = {SYNONYMS.get(folded(key)) for key in unknown} | {nearest(key, record.fields) for key in unknown}
    for field in record.fields.values():
        if not field.required or field.key in written or field.key in meant:
            continue
        place = node.keys.get(field.key, node.place)
        empty = field.key in node.entries
        message = f"`{field.key}` is empty" if empty else f"`{field.key}` is missing"
        example = _example(field, record)
        remedy = f"Write {example} after it." if empty else f"Add `{field.key}: {example}`."
        problem = problem_at(place, "SPEC011", message, why=field.doc, remedy=remedy)
        yield Finding((*spot.path, field.key), problem)


def _example(field: Field, record: Record) -> str:
    if isinstance(field.shape, Choice):
        return str(field.shape.values[0])
    if field.key == "name":
        return f"my-{'stack' if record.cls is Spec else record.cls.__name__.lower()}"
    return "[my-serving]" if field.key == "targets" else "..."


def _record_in(shape: Shape) -> Record | None:
    match shape:
        case Record():
            return shape
        case ListOf():
            return _record_in(shape.of)
        case Either(tag=""):
            return next((o for o in shape.options if isinstance(o, Record)), None)
        case _:
            return None


def _contains(shape: Shape, record: Record) -> bool:
    """Whether a record of the class stands somewhere in the shape."""
    if isinstance(shape, Either):
        return any(_contains(option, record) for option in shape.options)
    inner = _record_in(shape)
    return inner is not None and (
        inner.cls is record.cls or any(_contains(f.shape, record) for f in inner.fields.values())
    )


def _records(shape: Shape, path: str) -> Iterator[tuple[str, Record]]:
    """Every record of the spec with its path: ("serving", ...), ("models.convert", ...)."""
    match shape:
        case Record():
            yield path or "the top level", shape
            for field in shape.fields.values():
                yield from _records(field.shape, f"{path}.{field.key}" if path else field.key)
        case ListOf():
            yield from _records(shape.of, path)
        case Either():
            for option in shape.options:
                yield from _records(option, path)
        case _:
            return

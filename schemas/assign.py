"""Single values laid over a spec: `--set path=value`, and `INFERSTACK_...` variables.

A path names keys, names of items (or their index) and keys again: `serving.digits.instances.cores=2`. In the
environment the parts are joined by two underscores and compared without case, hyphens and underscores:
`INFERSTACK_SERVING__DIGITS__INSTANCES__CORES=2`. A value is YAML: a mapping merges, a named list merges by name, `null`
puts the default back, `!remove` takes an item away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from schemas.errors import Problem, SpecError
from schemas.overlay import merge
from schemas.reader import parse_value
from schemas.record import record
from schemas.shape import Anything, Either, ListOf, Record, Shape, TableOf, option_for, spec_shape
from schemas.suggest import did_you_mean, folded, listed, nearest
from schemas.tree import Items, Layer, Node, Place, Scalar, Table, problem_at

PREFIX: Final = "INFERSTACK_"
# Settings of the program itself (exact names, and beginnings of names); they never overlay anything.
SETTINGS: Final = frozenset(f"{PREFIX}{name}" for name in ("STATE_DIR", "SPEC", "PASSPHRASE", "OUT", "RUN"))
RESERVED: Final = ("INFERSTACK_TEST_", "INFERSTACK_PERFORMANCE_", "INFERSTACK_NO_")


@record
class Words:
    """A path that is still to be walked: dotted text from the command line, or parts of a variable's name."""

    rest: tuple[str, ...]
    loose: bool
    done: tuple[str, ...] = ()

    def take(self, known: Iterable[str]) -> tuple[str, Words] | None:
        """The known word that the path goes on with, and the path after it; dotted keys (`p99.9`) may take two."""
        if self.loose:
            for word in known:
                if folded(word) == folded(self.rest[0]):
                    return word, self._after(1, word)
            return None
        for size in range(len(self.rest), 0, -1):
            if (word := ".".join(self.rest[:size])) in set(known):
                return word, self._after(size, word)
        return None

    def take_free(self, *, whole: bool) -> tuple[str, Words]:
        """The next word as it stands, or all that is left as one key (`example.com/zone`)."""
        size = len(self.rest) if whole and not self.loose else 1
        word = ".".join(self.rest[:size])
        return word, self._after(size, word)

    def spelled(self, *parts: str) -> str:
        """A path as this kind of assignment spells it."""
        if not self.loose:
            return ".".join((*self.done, *parts))
        return PREFIX + "__".join(p.upper().replace("-", "_").replace(".", "_") for p in (*self.done, *parts))

    def _after(self, size: int, word: str) -> Words:
        return Words(self.rest[size:], self.loose, (*self.done, word))


class _Unknown(Exception):
    """The path leads nowhere."""

    def __init__(self, message: str, why: str, remedy: str) -> None:
        super().__init__(message)
        self.message, self.why, self.remedy = message, why, remedy


def assign_all(
    root: Table, sets: Sequence[str], environ: Mapping[str, str], folder: Path
) -> tuple[Table, tuple[Problem, ...]]:
    """The tree with every `--set` and then every variable laid over it, and what was wrong with them.

    Args:
        root: the merged files.
        sets: the texts given to `--set`, in order.
        environ: the environment; only `INFERSTACK_...` is looked at.
        folder: what relative paths in the values start from.
    """
    problems: list[Problem] = []
    for text in sets:
        layer = Layer("--set", folder, text=f"--set {text}")
        path, equals, value = text.partition("=")
        if not equals or not all(path.split(".")):
            problems.append(_not_an_assignment(layer))
            continue
        root = _assign_one(root, Words(tuple(path.split(".")), loose=False), value, layer, "LAYER004", problems)
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name.startswith(RESERVED) or name in SETTINGS:
            continue
        layer = Layer("environment", folder, text=f"{name}={environ[name]}")
        words = Words(tuple(name.removeprefix(PREFIX).split("__")), loose=True)
        root = _assign_one(root, words, environ[name], layer, "LAYER005", problems)
    return root, tuple(problems)


def _not_an_assignment(layer: Layer) -> Problem:
    return problem_at(
        Place(layer),
        "LAYER004",
        "`--set` takes a path, an equals sign and a value",
        why="It lays one value over the spec.",
        remedy="For example: --set serving.digits.instances.cores=2",
    )


def _assign_one(root: Table, words: Words, text: str, layer: Layer, rule: str, problems: list[Problem]) -> Table:
    try:
        value = parse_value(text, layer)
        result = _assign(spec_shape(), root, words, value)
    except SpecError as error:
        problems.extend(
            replace(p, rule=rule, remedy=f"Quote it for YAML as well: '\"{text}\"'.") for p in error.problems
        )
        return root
    except _Unknown as error:
        if words.loose:  # an unknown variable may hold anything, a secret too: its value is not shown
            layer = replace(layer, text=layer.text.partition("=")[0])
        problems.append(problem_at(Place(layer), rule, error.message, why=error.why, remedy=error.remedy))
        return root
    assert isinstance(result, Table)
    return result


def _assign(shape: Shape, node: Node | None, words: Words, value: Node) -> Node:
    if not words.rest:
        return value if node is None else merge(node, value, shape)
    match shape:
        case Record():
            return _into_record(shape, node, words, value)
        case Either():
            return _assign(_option(shape, node, words), node, words, value)
        case ListOf():
            return _into_list(shape, node, words, value)
        case TableOf() | Anything():
            of = shape.of if isinstance(shape, TableOf) else shape
            known = tuple(node.entries) if isinstance(node, Table) else ()
            taken = words.take(known) or words.take_free(whole=not isinstance(of, Anything))
            return _into_table(node, *taken, value, lambda child, rest: _assign(of, child, rest, value))
        case _:
            raise _Unknown(
                f"`{words.spelled()}` is a single value; it has no `{words.rest[0]}`",
                "The path goes on where the spec does not.",
                f"Set `{words.spelled()}` itself.",
            )


def _option(shape: Either, node: Node | None, words: Words) -> Shape:
    """The branch of a union that the path means: the one the spec has chosen, else one that knows the key."""
    records = [o for o in shape.options if isinstance(o, Record)]
    tag = node.entries.get(shape.tag) if isinstance(node, Table) else None
    chosen = option_for(shape, tag.value if isinstance(tag, Scalar) else None) if shape.tag else None
    knowing = [r for r in records if words.take(r.fields)]
    if chosen is not None and (chosen in knowing or not knowing):
        return chosen
    return (knowing or records)[0]


def _into_record(shape: Record, node: Node | None, words: Words, value: Node) -> Node:
    taken = words.take(shape.fields)
    if taken is None:
        word, where = words.rest[0], f"`{words.spelled()}`" if words.done else "the spec"
        near = nearest(word, shape.fields)
        hint = f"; did you mean `{words.spelled(near)}`?" if near else ""
        raise _Unknown(
            f"there is no `{word.lower() if words.loose else word}` in {where}{hint}",
            f"Its keys are {listed(shape.fields, most=40)}.",
            _rename(words, near) if near else "Name one of these.",
        )
    key, rest = taken
    return _into_table(node, key, rest, value, lambda child, r: _assign(shape.fields[key].shape, child, r, value))


def _into_table(
    node: Node | None, key: str, rest: Words, value: Node, inner: Callable[[Node | None, Words], Node]
) -> Table:
    table = (
        node
        if isinstance(node, Table)
        else Table({}, {}, value.place if node is None else value.place.over(node.place))
    )
    child = inner(table.entries.get(key), rest)
    return replace(table, entries={**table.entries, key: child}, keys={**table.keys, key: value.place})


def _into_list(shape: ListOf, node: Node | None, words: Words, value: Node) -> Node:
    if shape.single and not isinstance(node, Items):
        after = words.take(("0",)) if isinstance(node, Table) else None
        return _assign(shape.of, node, after[1] if after else words, value)
    items, names = (node.items, node.labels) if isinstance(node, Items) else ((), ())
    taken = words.take(names) or words.take([str(i) for i in range(len(items))])
    if taken is None:
        raise _no_item(words, names, shape)
    label, rest = taken
    index = names.index(label) if label in names else int(label)
    changed = _assign(shape.of, items[index], rest, value)
    place = node.place if node else value.place
    return Items((*items[:index], changed, *items[index + 1 :]), place)


def _no_item(words: Words, names: Sequence[str], shape: ListOf) -> _Unknown:
    word = words.rest[0].lower() if words.loose else words.rest[0]
    near = nearest(word, names)
    where = words.spelled()
    new = f"{where}=[{{name: {word}, ...}}]" if shape.named else f"{where}=[...]"
    new = new if words.loose else f"--set '{new}'"
    return _Unknown(
        f"`{where}` has no item `{word}`{did_you_mean(word, names)}",
        f"It has {listed(names)}." if names else "It is empty.",
        _rename(words, near)
        if near
        else f"Name one of these{' or its index' if names else ''}, or give the list: {new}",
    )


def _rename(words: Words, near: str) -> str:
    path = words.spelled(near, *words.rest[1:])
    return f"Write {path}=..." if words.loose else f"Write --set {path}=..."

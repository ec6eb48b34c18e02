"""YAML text -> nodes that know file, line and column.

Works on the events of PyYAML's C parser, not on its composer: a hundred thousand opening brackets are a message here,
and an overflow of the C stack there. Plain scalars follow YAML 1.2's core schema, so that `no`, `on` and `12:30` stay
the text they look like. Never expands aliases to more than `MAX_VALUES`, never runs a tag; `!remove` and `!replace` are
the only tags (see `overlay.py`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from schemas.errors import Problem, SpecError
from schemas.tree import Items, Layer, Node, Place, Removed, Scalar, Table, name_of, problem_at

MAX_VALUES: Final = 100_000
MAX_DEPTH: Final = 50

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
LINE = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # what YAML's parser counts as one line each
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_BASED = re.compile(r"0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,2})?")
_CONSTANTS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def parse(text: str, layer: Layer) -> Table:
    """The text of a whole file as nodes.

    Raises:
        SpecError: it is not the YAML of one mapping; with every problem found.
    """
    reader = _Reader(text, layer)
    root = reader.document()
    if not reader.problems and not isinstance(root, Table):
        kind = "a list" if isinstance(root, Items) else "a single value"
        place = root.place if root else Place(layer)
        reader.problems.append(
            problem_at(
                place,
                "SPEC005",
                f"the file holds {kind}, not a mapping" if root else "the file is empty",
                why="A spec is a mapping: keys such as `name`, `models` and `serving`, each with its value.",
                remedy="Start it with `apiVersion: inferstack/v1` and `name: my-stack`, or use `inferstack init`.",
            )
        )
    if reader.problems or not isinstance(root, Table):
        raise SpecError(tuple(reader.problems))
    return root


def parse_value(text: str, layer: Layer) -> Node:
    """The text of one value, as `--set` and the environment give it.

    Raises:
        SpecError: it is not YAML.
    """
    reader = _Reader(text, layer)
    root = reader.document()
    if reader.problems:
        raise SpecError(tuple(reader.problems))
    return root or Scalar(None, "", Place(layer))


def scalar_value(text: str) -> str | int | float | bool | None:
    """What a plain scalar means in YAML 1.2; what fits no number or constant is text."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    first = text[0]
    if first.isalpha():
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


class _Reader:
    """Turns one text's events into nodes, once; keeps the problems it can go on after."""

    def __init__(self, text: str, layer: Layer) -> None:
        self.layer = layer
        self.problems: list[Problem] = []
        self._text = text
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._open: set[str] = set()
        self._values = 0
        self._depth = 0

    def document(self) -> Node | None:
        """The text's only document, or None when it is empty or has problems."""
        if bad := _CONTROL.search(self._text):
            before = LINE.split(self._text[: bad.start()])
            self._problem_at(
                len(before),
                len(before[-1]) + 1,
                "SPEC003",
                f"there is a character that text cannot hold: U+{ord(bad[0]):04X}",
                "YAML allows no control characters.",
                "Delete it, or write it as an escape in double quotes.",
            )
            return None
        try:
            return self._document(_events(self._text))
        except yaml.YAMLError as error:
            self.problems.append(self._syntax(error))
        except _StopReading:
            pass
        return None

    def _document(self, events: Iterator[Any]) -> Node | None:
        root: Node | None = None
        for event in events:
            match event:
                case yaml.StreamStartEvent() | yaml.StreamEndEvent() | yaml.DocumentEndEvent():
                    continue
                case yaml.DocumentStartEvent():
                    if root is not None:
                        raise self._stopped(
                            event,
                            "SPEC005",
                            "a second document starts here",
                            "A spec is one YAML document; `---` starts another.",
                            "Delete the line, or keep the documents in files of their own joined by `extends`.",
                        )
                case _:
                    root = self._value(event, events)
        if isinstance(root, Scalar) and root.value is None and not root.raw:
            return None
        return root

    def _value(self, event: Any, events: Iterator[Any]) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        self._values += 1
        before = self._values
        if event.anchor:
            self._open.add(event.anchor)
        node: Node
        match event:
            case yaml.ScalarEvent():
                node = self._scalar(event)
            case yaml.SequenceStartEvent():
                node = self._nested(event, events)
            case _:
                node = self._nested(event, events)
        if event.anchor:
            self._open.discard(event.anchor)
            self._anchors[event.anchor] = node, self._values - before + 1
        if self._values > MAX_VALUES:
            raise self._too_many(event)
        return node

    def _nested(self, event: Any, events: Iterator[Any]) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._stopped(
                event,
                "SPEC006",
                f"values are nested more than {MAX_DEPTH} deep",
                "Nothing in a spec is nested that deep; such files are made to exhaust memory.",
                "Look for brackets that are never closed.",
            )
        node = self._items(event, events) if isinstance(event, yaml.SequenceStartEvent) else self._table(event, events)
        self._depth -= 1
        return self._tagged(node, event)

    def _items(self, start: Any, events: Iterator[Any]) -> Items:
        items = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._value(event, events))
        return Items(tuple(items), self._place(start))

    def _table(self, start: Any, events: Iterator[Any]) -> Table:
        entries: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        merged: list[tuple[Any, Node]] = []
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                raise self._stopped(
                    event,
                    "SPEC003",
                    "a list, a mapping or an alias stands where a key is expected",
                    "Keys are plain words.",
                    "If you meant a template such as {{ name }}: specs have none; use --set or an overlay.",
                )
            key, place = event.value, self._place(event)
            value = self._value(next(events), events)
            if key == "<<" and not event.style:
                merged.append((event, value))
            elif key in entries:
                self.problems.append(_duplicate(key, place, keys[key]))
            else:
                entries[key], keys[key] = value, place
        for event, value in merged:
            self._merge_key(event, value, entries, keys)
        return Table(entries, keys, self._place(start))

    def _merge_key(self, event: Any, value: Node, entries: dict[str, Node], keys: dict[str, Place]) -> None:
        for source in value.items if isinstance(value, Items) else (value,):
            if not isinstance(source, Table):
                raise self._stopped(
                    event,
                    "SPEC003",
                    "`<<` takes a mapping or a list of them",
                    "It copies the keys of a mapping with an anchor into this one.",
                    "Write `<<: *name`, where `&name` marks a mapping above.",
                )
            for key, node in source.entries.items():
                if key not in entries:
                    entries[key], keys[key] = node, source.keys[key]

    def _scalar(self, event: Any) -> Node:
        text = event.value
        tagged = event.tag not in (None, "!")
        value = text if event.style or event.tag == "tag:yaml.org,2002:str" else scalar_value(text)
        node = Scalar(value, text, self._place(event))
        return self._tagged(node, event) if tagged else node

    def _tagged(self, node: Node, event: Any) -> Node:
        """The node as its tag wants it: `!remove` takes away, `!replace` puts itself in the place of all below."""
        match event.tag, node:
            case ((None | "!" | "tag:yaml.org,2002:str" | "tag:yaml.org,2002:seq" | "tag:yaml.org,2002:map"), _):
                return node
            case "!remove", Scalar():
                return Removed(str(node.raw), node.place)
            case "!remove", Table() if name_of(node) and len(node.entries) == 1:
                return Removed(name_of(node) or "", node.place)
            case "!replace", Table():
                return Table(node.entries, node.keys, node.place, replaces=True)
            case "!replace", Items():
                return Items(node.items, node.place, replaces=True)
            case _:
                raise self._stopped(
                    event,
                    "SPEC007",
                    f"the tag {event.tag} means nothing here",
                    "The only tags are `!remove` (take away what a layer below says) and `!replace` (do not merge).",
                    "Delete the tag; write `key: !remove`, `- !remove name` in a list, or `key: !replace {...}`.",
                )

    def _alias(self, event: Any) -> Node:
        name = event.anchor
        if name not in self._anchors:
            inside = name in self._open
            raise self._stopped(
                event,
                "SPEC006",
                f"*{name} stands inside the value it refers to" if inside else f"there is no anchor &{name} above",
                "An alias repeats a whole value that an anchor marked earlier in the same file.",
                "" if inside else f"Mark the value with &{name}, or quote the text if no alias is meant.",
            )
        node, weight = self._anchors[name]
        self._values += weight
        if self._values > MAX_VALUES:
            raise self._too_many(event)
        return node

    def _place(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        line, column = start.line, start.column
        if end.line == line:
            length = end.column - column
        else:
            length = len(self.layer.lines[line].rstrip()) - column if line < len(self.layer.lines) else 1
        return Place(self.layer, line + 1, column + 1, max(1, length))

    # ------------------------------------------------------------------------------------------ problems

    def _stopped(self, event: Any, rule: str, message: str, why: str, remedy: str) -> _StopReading:
        self.problems.append(problem_at(self._place(event), rule, message, why=why, remedy=remedy))
        return _StopReading()

    def _too_many(self, event: Any) -> _StopReading:
        return self._stopped(
            event,
            "SPEC006",
            f"the file holds more than {MAX_VALUES:,} values once its aliases are written out",
            "Aliases that repeat aliases grow without bound (the billion laughs attack).",
            "Repeat less, or generate fewer items.",
        )

    def _problem_at(self, line: int, column: int, rule: str, message: str, why: str, remedy: str) -> None:
        place = Place(self.layer, line, column)
        problem = problem_at(place, rule, message, why=why, remedy=remedy)
        self.problems.append(Problem(**{**vars(problem), "source_line": visible(problem.source_line)}))

    def _syntax(self, error: yaml.YAMLError) -> Problem:
        from schemas.syntax import explain

        mark = getattr(error, "problem_mark", None)
        opened = getattr(error, "context_mark", None)
        found = explain(
            str(getattr(error, "problem", None) or error),
            str(getattr(error, "context", None) or ""),
            self.layer.lines or (self._text,),
            (mark.line, mark.column) if mark else (0, 0),
            (opened.line, opened.column) if opened else None,
        )
        place = Place(self.layer, found.line + 1, found.column + 1)
        return problem_at(place, "SPEC003", found.message, why=found.why, remedy=found.remedy)


class _StopReading(Exception):
    """The text cannot be read further; its problem has been noted."""


def _duplicate(key: str, place: Place, first: Place) -> Problem:
    where = f"line {first.line}" if first.location else f"column {first.column}"
    return problem_at(
        place,
        "SPEC004",
        f"the key `{key}` stands here a second time; the first is on {where}",
        why="Only one of the two could count, and YAML readers differ in which.",
        remedy="Delete one; items of a list each start with a hyphen of their own (`- name: ...`).",
    )


def _events(text: str) -> Iterator[Any]:
    loader: type[Any] = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    reader = loader(text)
    try:
        while reader.check_event():
            yield reader.get_event()
    finally:
        reader.dispose()


def visible(line: str) -> str:
    """The line with what a terminal cannot show replaced, one character for one."""
    return "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line)

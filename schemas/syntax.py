"""What YAML's parser says, in words for people who write a spec.

The parser reports where it gave up; often the slip is earlier (a quote that was never closed), so that the place moves
to where the construct began. Knows texts only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Syntax:
    """A syntax error explained; line and column count from 0."""

    line: int
    column: int
    message: str
    why: str
    remedy: str


def explain(
    problem: str, context: str, lines: Sequence[str], at: tuple[int, int], opened: tuple[int, int] | None
) -> Syntax:
    """The parser's `problem` and `context` for people.

    Args:
        problem: the parser's own words.
        context: what it was reading: "while parsing a flow node".
        lines: the text.
        at: line and column where it gave up, from 0.
        opened: where what it was reading began.
    """
    line, column = at
    text = lines[line] if line < len(lines) else ""
    head = text[:column]
    if "\t" in head or text[column : column + 1] == "\t":
        return Syntax(
            line,
            text.index("\t"),
            "a tab stands where only spaces may indent",
            "YAML forbids tabs in indentation, since nobody can see how wide they are.",
            "Replace it by spaces (two a level); most editors do so with 'convert tabs to spaces'.",
        )
    match problem:
        case "found unexpected end of stream" | "found unexpected document indicator" if opened:
            return Syntax(
                *opened, "this quote is never closed", "The text runs on to the end of the file.", "Close it."
            )
        case "did not find expected ',' or ']'" | "did not find expected ',' or '}'" if opened:
            return Syntax(
                *opened,
                "this bracket is never closed, or a comma is missing after it",
                f"The reader gave up on line {line + 1}.",
                "Check that each [ has its ], each { its }, and that commas stand between the values.",
            )
        case "mapping values are not allowed in this context" if line and _is_bare(lines[line - 1], text):
            before = lines[line - 1]
            return Syntax(
                line - 1,
                len(before) - len(before.lstrip()),
                "a key without its `:`",
                "Each line of a mapping is `key: value`, with a space after the colon.",
                "Add the colon and the space.",
            )
        case "mapping values are not allowed in this context":
            return Syntax(
                line,
                column,
                "a second `:` stands here where none can be",
                "Either a text holds `: ` without quotes, or the line is indented deeper than its neighbours.",
                "Quote the text ('a: b'), or line the key up with the keys around it.",
            )
        case "could not find expected ':'":
            near = opened or at
            return Syntax(
                *near,
                "a key without its `:`",
                "Each line of a mapping is `key: value`, with a space after the colon.",
                "Add the colon and the space, or quote the text if it is none of a mapping.",
            )
        case "did not find expected key" | "did not find expected '-' indicator" | "did not find expected <block end>":
            return Syntax(
                line,
                column,
                "this line does not line up with the ones before it",
                "What belongs together starts in the same column; items of a list start with `- `.",
                "Indent it like its neighbours.",
            )
        case "found character that cannot start any token":
            found = text[column : column + 1]
            return Syntax(
                line,
                column,
                f"no value can start with `{found}`",
                "YAML keeps this character for itself.",
                "Put the text in quotes.",
            )
        case "did not find expected node content" | "did not find expected alphabetic or numeric character":
            return Syntax(
                line,
                column,
                "a value is expected here",
                f"The reader gave up {context}." if context else "",
                "Check the commas and brackets before it; quote a text that starts with & * ! | > % @ or `.",
            )
        case _:
            return Syntax(
                line,
                column,
                f"this is not YAML: {problem}",
                f"The reader gave up {context}." if context else "",
                "Compare the indentation, quotes and brackets with the lines before.",
            )


def _is_bare(before: str, line: str) -> bool:
    """Whether the line before looks like a key that lacks its colon: as deep as this line, and without one."""
    depth = len(before) - len(before.lstrip())
    return bool(before.strip()) and ":" not in before and depth == len(line) - len(line.lstrip())

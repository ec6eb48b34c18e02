"""YAML text: what each text means, and a message for each that means nothing."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import SpecError
from schemas.reader import MAX_VALUES, scalar_value
from schemas.tree import Table, plain
from tests.schemas.spec_texts import a_tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("on", "on"), ("yes", "yes"), ("off", "off"), ("true", True), ("False", False), ("~", None),
        ("null", None), ("12", 12), ("-3", -3), ("0o17", 15), ("0x1F", 31), ("017", 17), ("1.5", 1.5), (".5", 0.5),
        ("1e3", 1000.0), ("12:30:00", "12:30:00"), ("2026-01-01", "2026-01-01"), ("1_000", "1_000"), (".inf", ".inf"),
        ("1e999", "1e999"), ("9" * 20, 10**20 - 1), ("9" * 5000, "9" * 5000), ("0-3", "0-3"), ("50/s", "50/s"),
    ],
)  # fmt: skip
def test_plain_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    assert plain(a_tree(f"key: {text}")) == {"key": value}
    assert scalar_value(text) == value


def test_quoted_scalars_are_text() -> None:
    assert plain(a_tree("a: '1'\nb: \"true\"\nc: |\n  no\nd: !!str 5")) == {
        "a": "1",
        "b": "true",
        "c": "no\n",
        "d": "5",
    }


def test_each_value_knows_line_column_and_length() -> None:
    root = a_tree("name: demo\nserving:\n  - name: one\n    cores: 0-3\n")
    serving = root.entries["serving"]
    cores = serving.items[0].entries["cores"]  # type: ignore[union-attr]
    assert (cores.place.line, cores.place.column, cores.place.length) == (4, 12, 3)
    assert str(cores.place.location) == "spec.yaml:4:12"
    assert root.keys["serving"].line == 2


def test_aliases_and_merge_keys_repeat_values() -> None:
    text = "base: &base {a: 1, b: 2}\none: *base\ntwo:\n  <<: *base\n  b: 3\n"
    assert plain(a_tree(text)) == {"base": {"a": 1, "b": 2}, "one": {"a": 1, "b": 2}, "two": {"b": 3, "a": 1}}


def _laughs(levels: int) -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "rule", "says"),
    [
        ("", "SPEC005", "empty"),
        ("# nothing\n", "SPEC005", "empty"),
        ("- a\n- b\n", "SPEC005", "holds a list"),
        ("just words\n", "SPEC005", "holds a single value"),
        ("a: 1\n---\nb: 2\n", "SPEC005", "second document"),
        ("a: 1\nb: 2\na: 3\n", "SPEC004", "`a` stands here a second time; the first is on line 1"),
        ("a:\n\tb: 1\n", "SPEC003", "a tab"),
        ("a: 'open\nb: 2\n", "SPEC003", "quote is never closed"),
        ("a: [1, 2\nb: 3\n", "SPEC003", "bracket"),
        ("a: b: c\n", "SPEC003", "second `:`"),
        ("a: @b\n", "SPEC003", "no value can start with `@`"),
        ("a: {{ name }}\n", "SPEC003", "where a key is expected"),
        ("a: \x07\n", "SPEC003", "U+0007"),
        ("a: !!python/object/apply:os.system [ls]\n", "SPEC007", "means nothing here"),
        ("a: *nowhere\n", "SPEC006", "no anchor"),
        ("a: &a [*a]\n", "SPEC006", "inside the value"),
        (_laughs(9), "SPEC006", f"more than {MAX_VALUES:,} values"),
        ("a: " + "[" * 100_000, "SPEC006", "nested"),
        ("- " * 5_000 + "x", "SPEC006", "nested"),
        ("<<: 5\n", "SPEC003", "takes a mapping"),
    ],
)
def test_a_text_that_is_no_spec_says_why(text: str, rule: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        a_tree(text)
    problem = caught.value.problems[0]
    assert problem.rule == rule
    assert says in problem.message
    assert problem.location is not None
    assert problem.why


@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"#%@`, \n\t\r\x00\u2028é?<~1.")))
def test_any_text_is_nodes_or_a_spec_error(text: str) -> None:
    with contextlib.suppress(SpecError):
        assert isinstance(a_tree(text), Table)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**17), 10**17)
        | st.text(st.characters(exclude_categories=["C", "Z"])),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
        max_leaves=12,
    )
)
def test_json_is_read_as_itself(value: object) -> None:
    assert plain(a_tree(json.dumps({"value": value}, ensure_ascii=False))) == {"value": value}

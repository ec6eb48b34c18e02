"""Whatever a file holds, loading it gives a spec or a spec error, and never anything else."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import SpecError
from schemas.tree import Tree, plain
from stack.render.problems import render_problems
from stack.render.spec_text import render_json, render_text
from tests.schemas.spec_texts import GOOD, a_file, a_tree, loaded

WORDS = [
    *GOOD.split(),
    "!remove",
    "!replace",
    "&a",
    "*a",
    "extends:",
    "<<:",
    "gke",
    "provider:",
    "int8",
    "\n  - ",
    "{}",
]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200) | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_any_file_is_a_spec_or_a_spec_error(tmp_path_factory: pytest.TempPathFactory, content: str | bytes) -> None:
    text = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    with contextlib.suppress(SpecError):
        loaded(a_file(tmp_path_factory.getbasetemp(), text, "anything.yaml"))


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False))
def test_any_slip_of_the_pen_is_told_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, chance: random.Random
) -> None:
    text = list(GOOD)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text))
        text[at] = chance.choice(["", " ", "\n", ":", "x", "-", "{", "]", '"', "0", text[at] * 2])
    try:
        loaded(a_file(tmp_path_factory.getbasetemp(), "".join(text), "slip.yaml"))
    except SpecError as error:
        assert render_problems(error.problems)  # noqa: PT017 (either outcome is right)


def test_what_is_rendered_reads_back_as_the_same_spec(tmp_path: pytest.TempPathFactory) -> None:
    path = a_file(tmp_path, GOOD + "extensions: []\ntraffic: []\n")  # type: ignore[arg-type]
    once = loaded(path)
    path.write_text(render_text(once))
    assert loaded(path).spec == once.spec


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=12),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
        max_leaves=10,
    )
)
def test_any_value_is_rendered_as_yaml_that_says_the_same(value: object) -> None:
    from json import dumps

    from schemas.load import Loaded
    from schemas.spec import Spec

    try:
        root = a_tree(dumps({"extensions": [{"values": value}]}))
    except SpecError:
        return  # a control character
    spec = Loaded(Spec(api_version="inferstack/v1", name="demo"), Tree(root))
    assert plain(a_tree(render_text(spec))) == plain(root)
    assert dumps(render_json(spec))

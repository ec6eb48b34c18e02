"""Layers: what wins, what merges by name, what is taken away, and who set what."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.overlay import merge, settle
from schemas.shape import spec_shape
from schemas.tree import Items, Layer, Node, Place, Removed, Scalar, Table, Tree, plain
from tests.schemas.spec_texts import GOOD, HEAD, a_file, loaded, problems, rules

HERE = Place(Layer("layer", Path("/")))


def test_the_later_layer_wins_and_keeps_what_it_overrides(tmp_path: Path) -> None:
    a_file(tmp_path, GOOD, "base.yaml")
    path = a_file(tmp_path, "extends: base.yaml\nserving:\n  - {name: one, layout: throughput}\n", "dev.yaml")
    tree = loaded(path, "serving.one.layout=latency", environ={"INFERSTACK_SERVING__ONE__LAYOUT": "throughput"}).tree
    origin = tree.origin("serving.one.layout")
    texts = []
    while origin is not None:
        texts.append(origin.text.replace(f"{tmp_path}/", ""))
        origin = origin.overrides
    assert texts == [
        "INFERSTACK_SERVING__ONE__LAYOUT=throughput",
        "--set serving.one.layout=latency",
        "dev.yaml:3:25",
        "base.yaml:5:40",
    ]


def test_extending_is_transitive_and_relative_to_each_file(tmp_path: Path) -> None:
    a_file(tmp_path, f"{HEAD}models: [{{name: digits, source: m/digits.onnx}}]\n", "shared/base.yaml")
    a_file(tmp_path, "extends: ../shared/base.yaml\n", "mid/mid.yaml")
    path = a_file(tmp_path, "extends: mid/mid.yaml\nname: top\n", "top.yaml")
    spec = loaded(path).spec
    assert spec.name == "top"
    assert spec.models[0].source == str(tmp_path / "shared/m/digits.onnx")


def test_named_things_merge_by_name_and_other_lists_are_replaced(tmp_path: Path) -> None:
    a_file(tmp_path, GOOD, "base.yaml")
    overlay = "extends: base.yaml\nserving: [{name: two, threads: 2}]\nbenchmarks: [{name: steady, targets: [two]}]\n"
    spec = loaded(a_file(tmp_path, overlay)).spec
    assert [(group.name, group.layout, group.threads) for group in spec.serving] == [
        ("one", "latency", None),
        ("two", "throughput", 2),
    ]
    assert spec.benchmarks[0].targets == ("two",)
    assert spec.benchmarks[0].load[0].rate_per_s == 50


def test_items_and_keys_are_removed_by_a_tag(tmp_path: Path) -> None:
    a_file(tmp_path, GOOD, "base.yaml")
    overlay = """extends: base.yaml
serving:
  - !remove two
  - {name: one, layout: !remove , instances: {count: 1}}
benchmarks: !remove
"""
    spec = loaded(a_file(tmp_path, overlay)).spec
    assert [group.name for group in spec.serving] == ["one"]
    assert spec.serving[0].layout is None
    assert spec.benchmarks == ()


def test_removing_what_is_not_there_is_a_problem_with_a_suggestion(tmp_path: Path) -> None:
    a_file(tmp_path, GOOD, "base.yaml")
    found = problems(a_file(tmp_path, "extends: base.yaml\nserving: [!remove too]\ntraffic: !remove\n"))
    assert rules(found) == ["LAYER003", "LAYER003"]
    assert "did you mean `two`?" in found[0].message


@pytest.mark.parametrize("listed", ["[!remove two]", "[one, !remove two]"])
def test_nothing_is_removed_from_a_list_of_plain_values_and_nothing_follows_from_the_try(
    tmp_path: Path, listed: str
) -> None:
    a_file(tmp_path, GOOD, "base.yaml")
    overlay = f"extends: base.yaml\nbenchmarks: [{{name: steady, targets: {listed}}}]\n"
    (found,) = problems(a_file(tmp_path, overlay))
    assert (found.rule, found.message) == ("LAYER003", "`!remove two` takes nothing out of this list")
    assert "replaced whole" in found.why
    assert found.remedy == "Write the list that you want: [one]."


def test_null_puts_the_default_back(tmp_path: Path) -> None:
    a_file(tmp_path, GOOD, "base.yaml")
    spec = loaded(a_file(tmp_path, "extends: base.yaml\nbenchmarks:\nserving: [{name: one, layout: ~}]\n")).spec
    assert spec.benchmarks == ()
    assert spec.serving[0].layout is None


def test_an_empty_list_and_a_replacing_one_do_not_merge(tmp_path: Path) -> None:
    a_file(tmp_path, GOOD, "base.yaml")
    overlay = "extends: base.yaml\nbenchmarks: []\nserving: !replace [{name: three, model: digits}]\n"
    spec = loaded(a_file(tmp_path, overlay)).spec
    assert spec.benchmarks == ()
    assert [group.name for group in spec.serving] == ["three"]


def test_a_bare_extension_merges_with_one_that_says_more(tmp_path: Path) -> None:
    a_file(tmp_path, f"{HEAD}cluster: {{provider: kubernetes}}\nextensions: [kserve, mlflow]\n", "base.yaml")
    spec = loaded(a_file(tmp_path, "extends: base.yaml\nextensions: [{name: kserve, version: 0.20.0}]\n")).spec
    assert [(e.name, e.version) for e in spec.extensions] == [("kserve", "0.20.0"), ("mlflow", None)]


# ---------------------------------------------------------------------------------------------- properties

_names = st.sampled_from(["a", "b", "c"])
_scalars = st.builds(lambda v: Scalar(v, str(v), HERE), st.none() | st.integers(0, 3) | st.text("xy", max_size=2))
_removed = st.just(Removed("", HERE))


def _table(entries: dict[str, Node], replaces: bool = False) -> Table:
    return Table(entries, dict.fromkeys(entries, HERE), HERE, replaces)


def _named(entries: dict[str, Node]) -> Items:
    def item(name: str, node: Node) -> Node:
        if isinstance(node, Removed):
            return Removed(name, HERE)
        assert isinstance(node, Table)
        return _table({"name": Scalar(name, name, HERE), **node.entries}, node.replaces)

    return Items(tuple(item(name, node) for name, node in entries.items()), HERE)


_item = st.builds(
    _table, st.dictionaries(st.sampled_from(["model", "threads"]), _scalars | _removed, max_size=2), st.booleans()
)
_layers = st.builds(
    _table,
    st.fixed_dictionaries(
        {},
        optional={
            "name": _scalars,
            "serving": st.builds(_named, st.dictionaries(_names, _item | _removed, max_size=3)) | _removed | _scalars,
            "cluster": st.builds(_table, st.dictionaries(_names, _scalars | _removed, max_size=3), st.booleans()),
        },
    ),
)


def _merged(below: Node, above: Node) -> Table:
    result = merge(below, above, spec_shape())
    assert isinstance(result, Table)
    return result


@given(_layers, _layers, _layers)
def test_merging_is_associative(one: Table, two: Table, three: Table) -> None:
    left = settle(_merged(_merged(one, two), three))[0]
    right = settle(_merged(one, _merged(two, three)))[0]
    assert plain(left) == plain(right)


@given(_layers)
def test_a_layer_over_itself_changes_nothing(layer: Table) -> None:
    assert plain(settle(_merged(layer, layer))[0]) == plain(settle(layer)[0])


@given(_layers)
def test_an_empty_layer_changes_nothing(layer: Table) -> None:
    assert plain(settle(_merged(layer, _table({})))[0]) == plain(settle(layer)[0])
    assert plain(settle(_merged(_table({}), layer))[0]) == plain(settle(layer)[0])


@given(_layers, _layers)
def test_every_value_of_the_merged_tree_has_an_origin(one: Table, two: Table) -> None:
    tree = Tree(settle(_merged(one, two))[0])
    for key in tree.root.entries:
        assert tree.origin(key) is not None

"""How a plan reads in a terminal."""

from __future__ import annotations

from collections.abc import Callable

from stack.plan import BENCHMARKS
from stack.render.plan_text import render_plan
from stack.render.plan_words import change_text, short_type, value_text
from tests.builders.plans import a_change, a_group, a_plan, a_property, a_rich_plan

Golden = Callable[[str, str], None]


def test_a_plan_with_everything_reads_well(golden: Golden) -> None:
    golden("plan.txt", render_plan(a_rich_plan()))


def test_details_show_what_is_created_too(golden: Golden) -> None:
    golden("plan_details.txt", render_plan(a_rich_plan(), details=True))


def test_no_changes_are_said_in_so_many_words() -> None:
    plan = a_plan(a_change("same", "a"), a_change("same", "b"))
    assert render_plan(plan) == "No changes: 2 resources are as the spec says.\n"


def test_bookkeeping_alone_is_told() -> None:
    plan = a_plan(a_change("same", "a"), bookkeeping=True)
    assert render_plan(plan).startswith("No changes: 1 resource is as the spec says. Only the state's own records")


def test_destroying_nothing_is_said() -> None:
    assert render_plan(a_plan(destroy=True)) == "Nothing to destroy: the stack digits has no resources.\n"


def test_colours_are_only_added() -> None:
    import re

    plan = a_rich_plan()
    coloured = render_plan(plan, colour=True)
    assert "\x1b[32m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == render_plan(plan)


def test_an_interrupted_group_is_announced_loudly() -> None:
    group = a_group("g")
    plan = a_plan(group, a_change("update", "g-0", parent=group.urn), a_change("update", "g-1", parent=group.urn))
    assert "restarts g-0, g-1; INTERRUPTED: no instance answers meanwhile" in render_plan(plan)


def test_a_group_that_goes_is_gone_for_good() -> None:
    assert "stops g-0; INTERRUPTED: no instance answers for good" in render_plan(a_plan(a_change("delete", "g-0")))


def test_a_benchmark_runs_or_is_dropped() -> None:
    text = render_plan(a_plan(a_change("replace", "one", BENCHMARKS[0]), a_change("delete", "two", BENCHMARKS[0])))
    assert "one  the benchmark runs" in text
    assert "two  the benchmark is dropped; its results stay" in text


def test_types_are_named_as_people_say_them() -> None:
    assert short_type("pulumi-python:dynamic/inferstack:Instance") == "Instance"
    assert short_type("inferstack:serving:Group") == "Group"
    assert short_type("gcp:container/nodePool:NodePool") == "gcp NodePool"
    assert short_type("kubernetes:apps/v1:Deployment") == "apps/v1 Deployment"
    assert short_type("pulumi:providers:gcp") == "gcp provider"


def test_values_stay_on_one_line() -> None:
    assert value_text("a\nb") == '"a\\nb"'
    assert value_text("") == '""'
    assert value_text({"a": [1, None]}) == '{"a": [1, null]}'
    assert len(value_text("x" * 500)) <= 60


def test_a_secret_is_never_shown() -> None:
    for old, new in ((None, "x"), ("x", None), ("x", "y")):
        found = a_property("token", old, new, secret=True)
        assert "x" not in change_text(found).replace("secret", "")

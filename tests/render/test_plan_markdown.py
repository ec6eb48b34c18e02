"""A plan as a comment on a pull request."""

from __future__ import annotations

from collections.abc import Callable

from stack.render.plan_markdown import LIMIT, plan_markdown
from tests.builders.plans import a_change, a_plan, a_property, a_rich_plan


def test_a_comment_reads_well(golden: Callable[[str, str], None]) -> None:
    golden("plan.md", plan_markdown(a_rich_plan()))


def test_a_large_plan_fits_and_says_what_is_left_out() -> None:
    changes = (a_change("update", f"r{i}", properties=(a_property("x", i, "y" * 50),)) for i in range(3000))
    text = plan_markdown(a_plan(*changes))
    assert len(text) <= LIMIT
    assert "of 3000 resources are left out: the text would be too long." in text
    assert text.count("```") == 2


def test_any_limit_is_kept() -> None:
    assert all(len(plan_markdown(a_rich_plan(), limit=limit)) <= limit for limit in (50, 500, 900, 2000))


def test_a_value_cannot_end_the_block() -> None:
    plan = a_plan(a_change("update", "a", properties=(a_property("x", "```\n# hello", "b"),)))
    assert plan_markdown(plan).count("```") == 2


def test_no_changes_need_no_block() -> None:
    assert plan_markdown(a_plan(a_change("same", "a"))) == "### No changes: 1 resource is as the spec says.\n"

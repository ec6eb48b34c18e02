"""What `refresh` found reads well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stack.engines.events import Failed, Subject
from stack.engines.refreshing import Drift, Drifted
from stack.plan import INSTANCE, MODEL
from stack.render.drift_text import drift_json, render_drift
from tests.builders.plans import a_property


def a_drift() -> Drift:
    """One resource gone, one changed, one that cannot be read."""
    dead = Subject("urn:digits-0", INSTANCE, "digits-0")
    return Drift(
        gone=(Subject("urn:digits", MODEL, "digits"),),
        changed=(Drifted(dead, (a_property("running", True, False), a_property("cpus", [0], [0, 1]))),),
        failed=(Failed("read", Subject("urn:many-0", INSTANCE, "many-0"), "permission denied"),),
        checked=4,
    )


def test_drift_says_what_is_gone_changed_or_unreadable(golden: Callable[[str, str], None]) -> None:
    golden("drift.txt", render_drift(a_drift(), dry_run=False))


def test_a_dry_run_says_that_the_state_was_left() -> None:
    assert "The state was left as it was." in render_drift(a_drift(), dry_run=True)


def test_no_drift_is_one_line() -> None:
    assert render_drift(Drift(checked=1), dry_run=False) == "No drift: 1 resource as the state says.\n"


def test_what_cannot_be_read_is_not_taken_for_right() -> None:
    failed = replace(a_drift(), gone=(), changed=())
    last = render_drift(failed, dry_run=True).splitlines()[-1]
    assert last == "No drift: 3 resources as the state says. 1 resource cannot be read."


def test_json_of_drift_holds_old_and_new_values() -> None:
    found = drift_json(a_drift())
    assert found["drift"] is True
    assert found["changed"][0]["properties"][0] == {"path": "running", "old": True, "new": False}
    assert [one["name"] for one in found["gone"]] == ["digits"]
    assert found["failed"][0]["message"] == "permission denied"

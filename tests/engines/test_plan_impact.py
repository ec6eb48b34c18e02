"""What changes mean for those who use a stack."""

from __future__ import annotations

from stack.plan import BENCHMARKS, MODEL, SUPERVISOR, GroupImpact, impact_of
from tests.builders.plans import a_change, a_group


def test_instances_start_restart_stop_or_stay() -> None:
    group = a_group("g")
    ops = ("create", "update", "replace", "delete", "same")
    changes = [a_change(op, f"g-{op}", parent=group.urn) for op in ops]  # type: ignore[arg-type]

    (found,) = impact_of([group, *changes]).groups

    assert found == GroupImpact("g", ("g-create",), ("g-update", "g-replace"), ("g-delete",), ("g-same",))
    assert not found.interrupted


def test_a_group_is_interrupted_when_all_its_instances_restart() -> None:
    changes = [a_change("update", "g-0"), a_change("create", "g-1")]
    assert impact_of(changes).interrupted == ("g",)


def test_a_new_group_interrupts_nobody() -> None:
    assert impact_of([a_change("create", "g-0")]).interrupted == ()


def test_replacing_the_supervisor_shakes_every_instance() -> None:
    impact = impact_of([a_change("replace", "s", SUPERVISOR), a_change("same", "g-0"), a_change("same", "h-0")])
    assert impact.interrupted == ("g", "h")
    assert impact.groups[0].restarts == ("g-0",)


def test_models_and_benchmarks_are_told() -> None:
    changes = [
        a_change("create", "m", MODEL),
        a_change("update", "one", BENCHMARKS[0]),
        a_change("delete", "two", BENCHMARKS[0]),
        a_change("same", "three", BENCHMARKS[0]),
    ]
    impact = impact_of(changes)
    assert (impact.models, impact.benchmarks, impact.removed_benchmarks) == (("m",), ("one",), ("two",))


def test_nothing_means_nothing() -> None:
    impact = impact_of([])
    assert (impact.groups, impact.interrupted) == ((), ())

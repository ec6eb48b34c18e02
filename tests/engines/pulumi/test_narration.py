"""What Pulumi tells while it works becomes our events, and at the end says what was done and what was not."""

from __future__ import annotations

from collections.abc import Iterable

from pulumi.automation.events import EngineEvent

from stack.engines.events import Event, Failed, Finished, NotReached, Progress, Said, Skipped, Started, Subject
from stack.engines.pulumi.narration import Narration
from stack.plan import Change, Op, Plan
from tests.builders.pulumi_events import FILE, a_step, a_urn, begins, ends, fails, says


def a_plan(**ops: Op) -> Plan:
    """A plan of files and what shall become of each."""
    changes = tuple(Change(op, a_urn(name), FILE, name) for name, op in ops.items())
    return Plan("project", "test", "", 0, changes)


def heard(plan: Plan, events: Iterable[EngineEvent]) -> tuple[Narration, list[Event]]:
    """What is made of the events; the clock tells a second more every time."""
    told: list[Event] = []
    narration = Narration(told.append, plan, clock=iter(range(1000)).__next__)
    for event in events:
        narration.hear(event)
    return narration, told


def a_file(name: str) -> Subject:
    return Subject(a_urn(name), FILE, name)


def test_an_operation_is_told_when_it_begins_and_when_it_ends_with_its_seconds() -> None:
    step = a_step("create", "a")

    narration, told = heard(a_plan(a="create"), [begins(step), ends(step)])

    assert told == [Started("create", a_file("a")), Finished("create", a_file("a"), 1.0)]
    assert narration.done == told[1:]


def test_a_replacement_of_three_steps_is_told_as_one_operation() -> None:
    work = [a_step(op, "a", logical=False) for op in ("create-replacement", "delete-replaced")]
    logical = a_step("replace", "a")
    events = [event for step in (work[0], logical, work[1]) for event in (begins(step), ends(step))]

    narration, told = heard(a_plan(a="replace"), events)

    assert [type(event) for event in told] == [Started, Finished, Progress]
    assert narration.missing(interrupted=False) == ((), ())


def test_components_providers_and_what_stays_are_not_told() -> None:
    group = a_step("create", "g", "tests:index:Group")
    group["new"] = {**group["new"], "custom": False}
    steps = [group, a_step("create", "p", "pulumi:providers:kubernetes"), a_step("same", "a"), a_step("refresh", "a")]

    _, told = heard(a_plan(), [event for step in steps for event in (begins(step), ends(step))])

    assert told == []


def test_what_a_provider_says_meanwhile_is_progress_and_what_it_warns_of_is_said() -> None:
    _, told = heard(
        a_plan(a="create"),
        [
            says("[1/2] waiting for pods", name="a", ephemeral=True),
            says("this is deprecated", name="a", severity="warning"),
            says("details", name="a", severity="debug"),
            says("  \n"),
        ],
    )

    assert told == [
        Progress(a_file("a"), "[1/2] waiting for pods"),
        Said("warning", "this is deprecated", a_urn("a")),
    ]


def test_a_failure_carries_what_was_said_of_it_and_what_to_do() -> None:
    step = a_step("create", "a")
    error = says('error: configmaps "a" already exists\nmore about it', name="a", severity="error")

    narration, told = heard(a_plan(a="create"), [begins(step), error, fails(step)])

    failed = narration.failed[0]
    assert isinstance(told[-1], Failed)
    assert (failed.message, failed.why) == ('configmaps "a" already exists', "more about it")
    assert "pulumi import" in failed.remedy


def test_what_is_refused_before_it_begins_has_failed_too() -> None:
    made = a_step("create", "a")
    refused = says("error: chart cannot be fetched", name="b", severity="error")

    narration, told = heard(a_plan(a="create", b="create", c="create"), [begins(made), ends(made), refused])
    narration.close()

    (failed,) = narration.failed
    assert (failed.op, failed.subject, failed.message) == ("create", a_file("b"), "chart cannot be fetched")
    assert told[-1] == failed
    assert narration.missing(interrupted=False) == ((Skipped("create", a_file("c"), a_file("b")),), ())


def test_what_one_failure_kept_from_being_tried_is_skipped_because_of_it() -> None:
    step = a_step("create", "a")

    narration, _ = heard(a_plan(a="create", b="create"), [begins(step), fails(step)])

    assert narration.missing(interrupted=False) == ((Skipped("create", a_file("b"), a_file("a")),), ())


def test_after_several_failures_or_a_stop_nobody_says_because_of_what() -> None:
    steps = [a_step("create", "a"), a_step("create", "b")]

    narration, _ = heard(a_plan(a="create", b="create", c="delete"), [fails(step) for step in steps])

    left = (NotReached("delete", a_file("c")),)
    assert narration.missing(interrupted=False) == ((), left)
    assert narration.missing(interrupted=True) == ((), left)


def test_a_listener_that_fails_is_not_asked_again_and_its_error_is_kept() -> None:
    asked: list[Event] = []

    def listener(event: Event) -> None:
        asked.append(event)
        raise OSError("the terminal is gone")

    narration = Narration(listener, a_plan(a="create"))
    for event in (begins(a_step("create", "a")), ends(a_step("create", "a"))):
        narration.hear(event)

    assert len(asked) == 1
    assert isinstance(narration.listener_error, OSError)
    assert len(narration.done) == 1

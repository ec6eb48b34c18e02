"""What `up` says at its end reads well, whatever became of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stack.engines.events import Failed, Finished, NotReached, Outcome, Skipped, Subject
from stack.plan import BENCHMARKS, INSTANCE, MODEL
from stack.render.outcome_text import outcome_json, render_outcome
from tests.builders.plans import a_change, a_plan

Golden = Callable[[str, str], None]


def a_subject(name: str, type_: str = INSTANCE) -> Subject:
    return Subject(f"urn:pulumi:digits::inferstack::{type_}::{name}", type_, name)


MODEL_DONE = Finished("create", a_subject("digits", MODEL), 1.25)
ENDPOINTS = {"endpoints": {"latency": ["http://127.0.0.1:20001"], "many": ["http://127.0.0.1:20002", None]}}


def partly(**fields: object) -> Outcome:
    """One made, one failed, one skipped because of it, one not reached."""
    failed = Failed(
        "create",
        a_subject("latency-0"),
        "latency-0 does not answer",
        why="it ended with code 1; the last lines of its log:\nRuntimeError: out of memory",
        remedy="give it more memory\nor fewer streams",
    )
    members: dict[str, object] = {
        "plan": a_plan(a_change("create", "latency-0")),
        "done": (MODEL_DONE,),
        "failed": (failed,),
        "skipped": (Skipped("create", a_subject("steady", BENCHMARKS[0]), a_subject("latency-0")),),
        "not_reached": (NotReached("update", a_subject("many-0"), why="0 of 1 available: the image is not there"),),
        "seconds": 3.2,
        "outputs": ENDPOINTS,
        **fields,
    }
    return Outcome(**members)  # type: ignore[arg-type]  # the members fit, each by its name


def test_a_whole_outcome_names_the_endpoints_and_counts(golden: Golden) -> None:
    done = (MODEL_DONE, Finished("update", a_subject("many-0"), 0.5), Finished("same", a_subject("many-1"), 0.0))
    golden("outcome.txt", render_outcome(Outcome(a_plan(), done=done, seconds=2.0, outputs=ENDPOINTS)))


def test_a_partial_outcome_says_what_failed_what_was_skipped_and_why(golden: Golden) -> None:
    golden("outcome-partly.txt", render_outcome(partly()))


def test_providers_are_not_counted_as_plans_do_not_count_them() -> None:
    provider = Finished("create", a_subject("cluster", "pulumi:providers:kubernetes"), 0.1)
    assert "1 created." in render_outcome(Outcome(a_plan(), done=(MODEL_DONE, provider), outputs=ENDPOINTS))


def test_warnings_stand_before_the_endpoints() -> None:
    outcome = Outcome(a_plan(), done=(MODEL_DONE,), outputs=ENDPOINTS)
    text = render_outcome(outcome, ["digits: pin it"])
    assert text.startswith("warning  digits: pin it\n\n")
    assert outcome_json(outcome, ["digits: pin it"])["warnings"] == ["digits: pin it"]


def test_colour_marks_words_and_changes_none() -> None:
    coloured = render_outcome(partly(), colour=True)
    assert "\x1b[31mfailed\x1b[0m" in coloured
    for code in ("\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == render_outcome(partly())


def test_json_holds_every_operation_with_its_reason() -> None:
    found = outcome_json(partly())
    assert (found["changes"], found["complete"], found["interrupted"]) == (True, False, False)
    assert [one["op"] for one in found["done"]] == ["create"]
    assert found["failed"][0]["remedy"].startswith("give it more memory")
    assert found["skipped"][0]["because"].endswith("latency-0")
    assert found["notReached"][0]["urn"].endswith("many-0")
    assert found["outputs"] == ENDPOINTS


def test_json_of_bookkeeping_alone_is_no_change() -> None:
    assert outcome_json(Outcome(a_plan()))["changes"] is False


@pytest.mark.parametrize(("fields", "code"), [({}, 7), ({"interrupted": True}, 130)])
def test_an_outcome_with_something_left_ends_with_its_own_code(fields: dict[str, object], code: int) -> None:
    error = partly(**fields).error
    assert error is not None
    assert error.exit_code == code

"""What happens when something fails or is stopped: siblings go on, dependents wait, the next `up` goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.errors import PartlyAppliedError, StoppedError
from stack.engines.events import Event, Failed, Progress, Skipped, Started
from tests.fakes import File, a_program, an_engine, digest, files_in, logged, until


def test_a_failure_does_not_stop_siblings_and_skips_dependents(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    told: list[Event] = []
    files = {
        "bad": File(props={"fail": ["create"]}),
        "good": File(),
        "child": File(uses="bad"),
        "grandchild": File(needs=["child"]),
        "other": File(needs=["good"]),
    }

    outcome = engine.up(a_program(out, files), on_event=told.append)

    assert files_in(out) == {"good": "text", "other": "text"}
    assert [(f.subject.name, f.message) for f in outcome.failed] == [("bad", "RuntimeError: cannot create bad")]
    assert {(s.subject.name, s.because.name) for s in outcome.skipped} == {("child", "bad"), ("grandchild", "bad")}
    assert isinstance(outcome.error, PartlyAppliedError)
    assert outcome.error.exit_code == 7
    assert len([event for event in told if isinstance(event, Failed | Skipped)]) == 3


def test_after_a_failure_the_next_up_does_only_the_rest(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"bad": File(props={"fail": ["create"]}), "good": File(), "child": File(uses="bad")}))

    outcome = engine.up(a_program(out, {"bad": File(), "good": File(), "child": File(uses="bad")}))

    assert outcome.error is None
    assert sorted(logged(out)) == ["create bad", "create bad", "create child", "create good"]


def test_nothing_is_deleted_while_something_fails(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"old": File()}))

    outcome = engine.up(a_program(out, {"bad": File(props={"fail": ["create"]})}))

    assert [left.subject.name for left in outcome.not_reached] == ["old"]
    assert files_in(out) == {"old": "text"}


def test_outputs_that_a_failure_leaves_unknown_keep_what_they_were(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File("one"), "b": File("one")}, exports=["a", "b"]))

    engine.up(a_program(out, {"a": File("two", props={"fail": ["update"]}), "b": File("two")}, exports=["a", "b"]))

    assert engine.outputs() == {"a": digest("one"), "b": digest("two")}


def test_a_failed_update_is_tried_again_even_if_the_program_goes_back(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File("one")}))
    engine.up(a_program(out, {"a": File("two", props={"fail": ["update"]})}))

    plan = engine.preview(a_program(out, {"a": File("one")}))
    outcome = engine.up(a_program(out, {"a": File("one")}))

    (change,) = plan.changing
    assert (change.op, change.reasons) == ("update", ("the last run did not finish changing this",))
    assert outcome.error is None
    assert engine.preview(a_program(out, {"a": File("one")})).empty


def test_a_failed_delete_keeps_what_it_needs(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    files = {"a": File(), "b": File(needs=["a"], props={"fail": ["delete"]}), "c": File()}
    engine.up(a_program(out, files))

    outcome = engine.destroy()

    assert files_in(out) == {"a": "text", "b": "text"}
    assert [failed.subject.name for failed in outcome.failed] == ["b"]
    assert {(s.subject.name, s.because.name) for s in outcome.skipped} >= {("a", "b")}
    assert (tmp_path / "state" / "checkpoint.json").exists()


def test_a_failed_create_that_is_dropped_from_the_program_is_cleaned_up(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File(props={"fail": ["create"]}), "b": File()}))
    (out / "a").write_text("half made")

    plan = engine.preview(a_program(out, {"b": File()}))
    outcome = engine.up(a_program(out, {"b": File()}))

    assert {change.name: change.op for change in plan.changing} == {"a": "delete"}
    assert outcome.error is None
    assert files_in(out) == {"b": "text"}
    assert "pending_operations" not in engine.export()["deployment"]


def test_an_interrupted_create_of_something_else_is_cleaned_up_first(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File(props={"name": "first", "fail": ["create"]})}))
    (out / "first").write_text("half made")

    engine.up(a_program(out, {"a": File(props={"name": "second"})}))

    assert files_in(out) == {"second": "text"}


def test_stop_lets_running_work_end_and_begins_no_more(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    files = {"a": File(props={"wait": "create"}), "b": File(needs=["a"]), "c": File(uses="b")}

    def stop_at_first(event: Event) -> None:
        if isinstance(event, Progress) and event.text == "create a":
            engine.stop()
            (out / "go").touch()

    outcome = engine.up(a_program(out, files), on_event=stop_at_first)

    assert [done.subject.name for done in outcome.done] == ["a"]
    assert sorted(left.subject.name for left in outcome.not_reached) == ["b", "c"]
    assert outcome.interrupted
    assert isinstance(outcome.error, StoppedError)
    assert engine.up(a_program(out, files)).error is None
    assert sorted(files_in(out)) == ["a", "b", "c"]


def test_stop_during_destroy_keeps_the_rest_in_the_state(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path, parallel=1), tmp_path / "out"
    engine.up(a_program(out, {"a": File(), "b": File(needs=["a"]), "c": File(needs=["b"])}))

    def stop_at_first(event: Event) -> None:
        if isinstance(event, Started):
            engine.stop()

    outcome = engine.destroy(on_event=stop_at_first)

    assert outcome.interrupted
    assert [left.subject.name for left in outcome.not_reached] == ["b", "a"]
    assert engine.destroy().error is None
    assert files_in(out) == {}


INTERRUPTED = """
import sys
from pathlib import Path
from tests.fakes import File, a_program, an_engine
place = Path(sys.argv[1])
files = {"a": File(props={"wait": "create"}), "b": File(needs=["a"])}
outcome = an_engine(place).up(a_program(place / "out", files))
print(sorted(done.subject.name for done in outcome.done), outcome.error.exit_code, flush=True)
import os
os._exit(outcome.error.exit_code)
"""


def interrupted(tmp_path: Path, act: Callable[[subprocess.Popen[str]], None]) -> tuple[str, int]:
    """Run an `up` that waits, do something to it; what it says and its exit code."""
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        until(lambda: logged(tmp_path / "out") == ["create a"])
        act(process)
        said, _ = process.communicate(timeout=30)
    return said, process.returncode


def test_ctrl_c_waits_for_what_is_under_way(tmp_path: Path) -> None:
    def once(process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGINT)
        threading.Timer(0.3, (tmp_path / "out" / "go").touch).start()

    assert interrupted(tmp_path, once) == ("['a'] 130\n", 130)
    assert files_in(tmp_path / "out") == {"a": "text"}


def test_a_second_ctrl_c_gives_up_what_is_under_way(tmp_path: Path) -> None:
    def twice(process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.send_signal(signal.SIGINT)

    assert interrupted(tmp_path, twice) == ("[] 130\n", 130)
    (tmp_path / "out" / "go").touch()
    outcome = an_engine(tmp_path).up(a_program(tmp_path / "out", {"a": File(), "b": File(needs=["a"])}))
    assert outcome.error is None
    assert os.path.exists(tmp_path / "out" / "b")

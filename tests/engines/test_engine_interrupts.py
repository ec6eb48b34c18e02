"""Ctrl-C while the engine works in its thread: each one counts, whenever it comes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from schemas.errors import StoppedError
from stack.engines.running import in_thread


@pytest.fixture(autouse=True)
def _ctrl_c_raises() -> Iterator[None]:
    """Ctrl-C as in a terminal, also where the tests were started by something that ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_a_ctrl_c_while_the_one_before_is_answered_counts_as_the_next() -> None:
    enough = threading.Event()
    answered = []

    def answer(times: int) -> None:
        if times < 3:
            ctrl_c()
        else:
            enough.set()
        answered.append(times)

    def work() -> str:
        ctrl_c()
        return "done" if enough.wait(10) else "left alone"

    assert in_thread(work, answer) == "done"
    assert answered == [1, 2, 3]


def test_work_that_is_given_up_is_left_to_its_thread() -> None:
    end = threading.Event()

    def work() -> None:
        ctrl_c()
        end.wait(10)

    with pytest.raises(StoppedError, match="still under way"):
        in_thread(work, lambda times: 0.01)
    end.set()


def test_an_error_of_the_work_is_raised_where_it_is_awaited() -> None:
    def work() -> None:
        raise TimeoutError("the work's own")

    with pytest.raises(TimeoutError, match="the work's own"):
        in_thread(work, lambda times: None)


def test_a_ctrl_c_as_the_work_ends_is_answered_and_the_work_is_not_lost() -> None:
    answered: list[int] = []

    def work() -> str:
        ctrl_c()
        return "done"

    assert in_thread(work, answered.append) == "done"
    assert answered == [1]


def test_ctrl_c_raises_again_when_the_work_is_done() -> None:
    in_thread(lambda: None, lambda times: None)
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()

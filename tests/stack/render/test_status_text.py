from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from components.serving.predict import Prediction
from components.serving.status import InstanceStatus, StackStatus
from stack.render.prediction_text import predictions_json, render_predictions
from stack.render.status_text import duration, healthy, render_status, status_json

READY = InstanceStatus(
    name="digits-latency-0",
    group="digits-latency",
    platform="openvino",
    model="digits",
    digest="53f93cf17904" + "0" * 52,
    state="ready",
    pid=4711,
    uptime_s=42.5,
    restarts=0,
    cpus_wanted=(0, 1, 2),
    cpus=(0, 1, 2),
    memory_node=0,
    memory_bytes=98_000_000,
    requests=12_345,
    url="http://127.0.0.1:25594",
    grpc="127.0.0.1:26156",
    log="/state/run/logs/digits-latency-0.log",
    wrong=(),
)
FAILED = replace(
    READY, name="digits-kserve-0", platform="kserve", digest="", state="failed", pid=None, uptime_s=None, restarts=6,
    cpus=None, memory_bytes=None, requests=None, grpc=None, wrong=("it does not run (fatal)",),
)  # fmt: skip


def a_prediction(values: list[list[float]], *, label: int | None = None, dtype: str = "float32") -> Prediction:
    return Prediction(0, "digits-0", np.array(values, dtype), 0.00123, label)


def test_the_status_of_a_stack_reads_as_it_was_reviewed(golden: Callable[[str, str], None]) -> None:
    golden("status.txt", render_status(StackStatus(99, (READY, FAILED))))


def test_a_stack_whose_supervisor_is_dead_says_so() -> None:
    assert render_status(StackStatus(None, (FAILED,))).endswith("0 of 1 instance ready; the supervisor does not run\n")


def test_a_stack_that_serves_nothing_tells_what_to_do() -> None:
    assert render_status(StackStatus(None, ())) == "Nothing is served; `inferstack up` starts what a spec says.\n"


def test_colour_changes_nothing_but_the_state() -> None:
    plain = render_status(StackStatus(99, (READY,)))
    coloured = render_status(StackStatus(99, (READY,)), colour=True)
    assert coloured.replace("\x1b[32m", "").replace("\x1b[0m", "") == plain
    assert coloured != plain


def test_a_stack_is_healthy_when_every_instance_is_ready() -> None:
    assert healthy(StackStatus(99, (READY,)))
    assert not healthy(StackStatus(99, (READY, FAILED)))


def test_the_status_for_scripts_is_plain_json() -> None:
    assert status_json(StackStatus(99, (READY,)))["instances"][0]["cpus"] == (0, 1, 2)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (185, "3 min"), (7200, "2 h"), (1e6, "11 d")]
)
def test_a_time_is_told_to_its_largest_unit(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_predictions_read_as_they_were_reviewed(golden: Callable[[str, str], None]) -> None:
    predictions = [
        a_prediction([[0.01, 0.02, 0.95, 0.02]], label=2),
        a_prediction([[0.9, 0.1]], label=1),
        a_prediction([[3.5, -1.25, 0.0]]),
        a_prediction([[7]], dtype="int64"),
        a_prediction([[float(n) for n in range(20)]]),
    ]
    golden("predictions.txt", render_predictions(predictions))


def test_predictions_for_scripts_hold_all_values_and_the_class() -> None:
    (one,) = predictions_json([a_prediction([[0.25, 0.75]], label=1)])
    assert one == {
        "row": 0, "instance": "digits-0", "time_s": 0.00123, "label": 1, "class": 1, "output": [[0.25, 0.75]],
    }  # fmt: skip

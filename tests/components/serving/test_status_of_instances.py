from __future__ import annotations

import io
import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from components.benchmarks.load.arguments import ModelInput
from components.serving import predict, status, supervision, supervision_logs, supervisor
from components.serving.supervision_logs import Log
from schemas.errors import UsageError
from tests.components.serving.serving_builders import (
    StubPlatform,
    a_model,
    a_stack,
    an_instance,
    eventually,
    usable_cpus,
)

X = (ModelInput("x", "FP32", (-1, 4)),)


def test_a_ready_instance_tells_where_it_runs_and_since_when(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        supervision.deploy(an_instance(state), platform=StubPlatform())
        found = status.read(state / "run")
        (one,) = found.instances
        assert found.supervisor
        assert (one.name, one.state, one.restarts, one.wrong) == ("digits-0", "ready", 0, ())
        assert one.cpus in (None, (usable_cpus()[0],))
        assert one.uptime_s is not None
        assert one.uptime_s < 60


def test_restarts_are_counted(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        supervision.deploy(an_instance(state), platform=StubPlatform())
        os.kill(status.read(state / "run").instances[0].pid or 0, signal.SIGKILL)
        eventually(lambda: status.read(state / "run").instances[0].restarts == 1)
        eventually(lambda: status.read(state / "run").instances[0].state == "ready")


def test_instances_that_outlive_their_supervisor_are_told_as_running_without_one(tmp_path: Path) -> None:
    path, digest = a_model(tmp_path)
    with a_stack(tmp_path) as state:
        instance = an_instance(state, platform="openvino", model_path=path, model_digest=digest)
        ports = supervision.deploy(instance).ports
        before = status.read(state / "run")
        os.kill(before.supervisor or 0, signal.SIGKILL)
        eventually(lambda: supervisor.find(state / "run") is None)
        found = status.read(state / "run")
        (one,) = found.instances
        assert found.supervisor is None
        assert (one.state, one.pid) == ("wrong", before.instances[0].pid)
        assert one.wrong == (f"process {one.pid} runs, but nobody supervises it: `inferstack up` starts it anew",)
        assert supervision.look(instance, ports).wrong == one.wrong


def test_instances_that_end_with_their_supervisor_are_missing(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        supervision.deploy(an_instance(state), platform=StubPlatform())
        found = status.read(state / "run")
        os.kill(found.supervisor or 0, signal.SIGKILL)
        os.kill(found.instances[0].pid or 0, signal.SIGKILL)
        eventually(lambda: status.read(state / "run").instances[0].state == "missing")


def test_a_folder_where_nothing_ever_ran_has_an_empty_status(tmp_path: Path) -> None:
    assert status.read(tmp_path / "run") == status.StackStatus(None, ())


def test_logs_are_found_by_instance_and_by_group(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for name in ("digits-0", "digits-1", "supervisord"):
        (tmp_path / "logs" / f"{name}.log").write_text(f"one\ntwo of {name}\n")
    groups = {"digits": ["digits-0", "digits-1"]}
    assert [log.name for log in supervision_logs.find(tmp_path, "digits", groups)] == ["digits-0", "digits-1"]
    (log,) = supervision_logs.find(tmp_path, "digits-1", groups)
    assert supervision_logs.tail(log, 1) == ("two of digits-1",)
    with pytest.raises(UsageError) as unknown:
        supervision_logs.find(tmp_path, "digit-1", groups)
    assert "did you mean digits-1" in unknown.value.remedy


def test_a_followed_log_goes_on_after_its_rotation(tmp_path: Path) -> None:
    path = tmp_path / "digits-0.log"
    path.write_text("before\n")
    looks = iter(range(100))

    def wait(_seconds: float) -> bool:
        match next(looks):
            case 0:
                with path.open("a") as file:
                    file.write("first\nhal")
            case 1:
                with path.open("a") as file:
                    file.write("f\n")
                path.rename(tmp_path / "digits-0.log.1")
                path.write_text("rotated\n")
            case look:
                return look > 3
        return False

    lines = list(supervision_logs.follow([Log("digits-0", path)], wait))
    assert lines == [("digits-0", "first"), ("digits-0", "half"), ("digits-0", "rotated")]


def test_following_ends_when_the_event_is_set(tmp_path: Path) -> None:
    stopped = threading.Event()
    stopped.set()
    assert list(supervision_logs.follow([Log("x", tmp_path / "none.log")], stopped.wait)) == []


def test_rows_are_predicted_by_the_instances_in_turn(tmp_path: Path) -> None:
    path, digest = a_model(tmp_path)
    data = tmp_path / "data.npz"
    np.savez(data, x=np.eye(4, dtype=np.float32)[:3] * 9, y=np.arange(3))
    with a_stack(tmp_path) as state:
        for index in range(2):
            changes = {"platform": "openvino", "model_path": path, "model_digest": digest}
            supervision.deploy(an_instance(state, name=f"digits-{index}", **changes))
        targets = predict.endpoints(state / "run", "digits")
        rows = predict.read_data(str(data), io.StringIO(), predict.inputs_of(targets[0]))
        for protocol in ("v1", "v2", "v2-binary"):
            found = predict.predict(targets, rows, protocol, range(3))
            assert [one.instance for one in found] == ["digits-0", "digits-1", "digits-0"]
            assert [one.values.argmax() for one in found] == [one.label for one in found] == [0, 1, 2]
        with pytest.raises(UsageError, match="there is no row 3"):
            predict.predict(targets, rows, "v2", [3])
        with pytest.raises(UsageError) as unknown:
            predict.endpoints(state / "run", "digit")
        assert "did you mean digits" in unknown.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "[[1, 2, 3, 4]]",
        "[1, 2, 3, 4]",
        '{"x": [[1, 2, 3, 4]]}',
        '{"instances": [[1, 2, 3, 4]]}',
        '{"instances": [{"x": [1, 2, 3, 4]}]}',
        '{"inputs": {"x": [[1, 2, 3, 4]]}}',
        '{"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}]}',
    ],
)
def test_data_is_taken_in_any_form_that_people_write(text: str) -> None:
    for given, standard_input in ((text, ""), ("-", text)):
        data = predict.read_data(given, io.StringIO(standard_input), X)
        assert data.columns[0].values.tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize(
    "text", ["[[1, 2]]", "{bad", "[]", '[["a", "b", "c", "d"]]', "[[1], [2, 3]]", "none.npz", "{}"]
)
def test_data_that_does_not_fit_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        predict.read_data(text, io.StringIO(), X)


def test_a_protocol_that_the_platform_does_not_speak_is_refused_before_anything_is_sent() -> None:
    nobody = predict.Endpoint("one-0", "digits", "http://127.0.0.1:1", None, "mlserver")
    rows = predict.read_data("[1, 2, 3, 4]", io.StringIO(), X)
    with pytest.raises(UsageError, match=r"mlserver \(one-0\) does not speak v2-binary, but `v2` and `grpc`"):
        predict.predict([nobody], rows, "v2-binary", [0])

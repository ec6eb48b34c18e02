"""How a serving process comes up, and what it says when it cannot."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.models.digest import ir_digest
from components.serving.server.metrics import BUCKETS_US, Histogram, Metrics
from components.serving.server.schedule import choose
from tests.builders.programs import free_port
from tests.components.serving.server.server_builders import (
    ROOT,
    a_doubling_model,
    arguments,
    launch,
    serving,
)


def refusal(folder: Path, args: dict[str, Any]) -> tuple[int, str]:
    """The exit code and the words of a process that does not come up."""
    process = launch(folder, args)
    try:
        output, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert output == ""
    assert "Traceback" not in errors
    return process.returncode, errors


def test_the_first_line_says_what_came_up(tmp_path: Path) -> None:
    model = a_doubling_model(tmp_path / "model.xml")
    digest = ir_digest(model)
    args = {"model": {"name": "m", "path": str(model), "digest": digest}}
    with serving(tmp_path, model, grpc_port=free_port(), **args) as server:
        said = server.started
        assert (said["event"], said["name"], said["model"], said["digest"]) == ("started", "test-0", "m", digest)
        assert (said["rest_port"], said["grpc_port"]) == (server.rest_port, server.grpc_port)
        assert (said["scheduling"], said["threads"], said["streams"]) == ("inline", 1, 1)
        assert 0 < said["inference_ms"] < 1


def test_files_other_than_asked_for_are_not_served(tmp_path: Path) -> None:
    model = a_doubling_model(tmp_path / "model.xml")
    args = arguments(model, model={"name": "m", "path": str(model), "digest": "0" * 64})
    code, words = refusal(tmp_path, args)
    assert code == 4
    assert "is not the model that was asked for" in words
    assert ir_digest(model) in words
    assert "0" * 64 in words


def test_a_model_that_is_none_says_so(tmp_path: Path) -> None:
    missing = arguments(tmp_path / "none.xml")
    assert "none.xml cannot be read" in refusal(tmp_path, missing)[1]
    (tmp_path / "bad.xml").write_text("<nonsense/>")
    (tmp_path / "bad.bin").write_bytes(b"")
    code, words = refusal(tmp_path, arguments(tmp_path / "bad.xml"))
    assert code == 4
    assert "OpenVINO cannot use" in words


@pytest.mark.parametrize("which", ["rest_port", "grpc_port"])
def test_a_taken_port_is_named(tmp_path: Path, which: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, words = refusal(tmp_path, arguments(a_doubling_model(tmp_path / "model.xml"), **{which: port}))
    assert code == 4
    assert f"cannot listen on 127.0.0.1:{port}" in words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": None}, "'name' is None, which has the wrong type"),
        ({"rest_port": "80"}, "'rest_port' is '80', which has the wrong type"),
        ({"threads": 0}, "'threads' is 0, it must be 1 or more"),
        ({"scheduling": "fast"}, "'scheduling' is 'fast', it must be one of auto, inline, queue"),
        ({"model": 3}, "'model' is 3"),
        ({"model": {"name": "m"}}, "model: 'path' is missing"),
    ],
)
def test_wrong_arguments_are_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    file = tmp_path / "args.json"
    file.write_text(json.dumps(arguments(tmp_path / "model.xml") | change))
    said = subprocess.run(
        [sys.executable, "-m", "components.serving.server", str(file)], cwd=ROOT, capture_output=True, text=True
    )
    assert said.returncode == 3
    assert words in said.stderr
    assert "Traceback" not in said.stderr


def test_the_process_imports_neither_pulumi_nor_the_command_line_nor_grpc() -> None:
    script = (
        "import sys, components.serving.server.__main__\n"
        "assert not {'pulumi', 'click', 'rich', 'grpc', 'google'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_inline_suits_one_stream_below_a_millisecond() -> None:
    assert choose("auto", 0.0005, 1) == "inline"
    assert choose("auto", 0.0005, 2) == "queue"
    assert choose("auto", 0.005, 1) == "queue"
    assert choose("auto", float("nan"), 1) == "queue"
    assert choose("inline", 0.005, 1) == "inline"
    assert choose("queue", 0.0005, 1) == "queue"


def test_buckets_are_cumulative_and_end_with_all() -> None:
    histogram = Histogram()
    for time_us in (1, 10, 11, 10**12):
        histogram.observe(time_us)
    lines = list(histogram.lines("h", 'a="b"'))
    assert lines[0] == 'h_bucket{a="b",le="10"} 2'
    assert lines[1] == 'h_bucket{a="b",le="18"} 3'
    assert lines[len(BUCKETS_US)] == 'h_bucket{a="b",le="+Inf"} 4'
    assert lines[-2:] == ['h_sum{a="b"} 1000000000022', 'h_count{a="b"} 4']


def test_label_values_are_escaped() -> None:
    text = Metrics('a"b\\c\nd', "1", {"ovms_streams": ("Streams.", lambda: 2)}).text()
    assert 'ovms_streams{name="a\\"b\\\\c\\nd",version="1"} 2' in text.splitlines()


def test_metrics_count_what_was_done_under_the_names_of_ovms(tmp_path: Path) -> None:
    with serving(tmp_path, a_doubling_model(tmp_path / "model.xml"), grpc_port=free_port()) as server:
        for _ in range(3):
            server.predict({"instances": [[1, 2, 3, 4]]})
        server.predict({})
        server.infer({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]})
        server.get("/v2/models/m")
        counted = 'ovms_requests_{}{{api="{}",interface="REST",method="{}",name="m",version="1"}}'
        assert server.metric(counted.format("success", "TensorFlowServing", "Predict")) == 3
        assert server.metric(counted.format("fail", "TensorFlowServing", "Predict")) == 1
        assert server.metric(counted.format("success", "KServe", "ModelInfer")) == 1
        assert server.metric(counted.format("success", "KServe", "ModelMetadata")) == 1
        assert server.metric('ovms_request_time_us_count{interface="REST",name="m",version="1"}') == 4
        assert server.metric('ovms_inference_time_us_count{name="m",version="1"}') == 4
        assert server.metric('ovms_wait_for_infer_req_time_us_count{name="m",version="1"}') == 4
        assert server.metric('ovms_inference_time_us_sum{name="m",version="1"}') > 0
        for gauge, value in (("streams", 1), ("current_requests", 0), ("infer_req_queue_size", 1)):
            assert server.metric(f'ovms_{gauge}{{name="m",version="1"}}') == value
        assert server.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")

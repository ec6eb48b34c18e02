"""Real models in every readable format become IR that OpenVINO runs, with the accuracy measured before and after."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.models import child
from components.models.convert import Arguments, convert
from schemas.errors import InferstackError, PreflightError
from tests.components.models import model_builders as build


def arguments(source: Path, out: Path, **changes: Any) -> Arguments:
    stated = {
        "source": source, "out": out, "result": out / "result.json", "precision": "fp32", "calibration": None,
        "samples": 50, "evaluation": None, "input_shape": {},
    }  # fmt: skip
    return Arguments(**{**stated, **changes})


def predicted(out: Path, rows: np.ndarray) -> np.ndarray:
    import openvino as ov

    compiled = ov.Core().compile_model(str(out / "model.xml"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.concatenate([compiled(row[None])[0].copy() for row in rows])


BUILDERS: dict[str, Callable[[Path], Path]] = {
    "net.onnx": build.an_onnx,
    "net.xml": build.an_ir,
    "net.pb": build.a_frozen_graph,
    "saved": build.a_saved_model,
    "net.tflite": build.a_tflite,
}


@pytest.mark.parametrize("name", BUILDERS)
def test_model_of_every_format_still_computes_the_same(tmp_path: Path, name: str) -> None:
    result = convert(arguments(BUILDERS[name](tmp_path / name), tmp_path / "out"))
    rows = build.rows(5)
    np.testing.assert_allclose(predicted(tmp_path / "out", rows), rows @ build.WEIGHTS, rtol=1e-5)
    assert result["precision"] == "fp32"
    assert result["inputs"][0]["shape"][1:] == [build.FEATURES]


def test_fp16_halves_the_weights(tmp_path: Path) -> None:
    weights = np.ones((build.FEATURES, build.CLASSES), np.float32)
    source = build.an_onnx(tmp_path / "net.onnx", weights=np.tile(weights, (1, 1000)))
    for precision in ("fp32", "fp16"):
        assert convert(arguments(source, tmp_path / precision, precision=precision))["precision"] == precision
    full, half = ((tmp_path / precision / "model.bin").stat().st_size for precision in ("fp32", "fp16"))
    assert half < 0.51 * full


def test_source_stored_in_fp16_is_not_called_fp32(tmp_path: Path) -> None:
    result = convert(arguments(build.an_ir(tmp_path / "net.xml", half=True), tmp_path / "out"))
    assert result["precision"] == "fp16"
    assert result["warnings"] == ["fp32 was asked for; the source's weights are fp16 and stay so"]


def test_accuracy_is_the_share_of_right_labels(tmp_path: Path) -> None:
    data = build.a_data_set(tmp_path / "data.npz", count=100, wrong=10)
    result = convert(arguments(build.an_onnx(tmp_path / "net.onnx"), tmp_path / "out", evaluation=data))
    assert (result["accuracy"], result["accuracy_before"]) == (0.9, None)


@pytest.mark.parametrize("batch", [1, 7])
def test_accuracy_of_a_model_with_fixed_batch_counts_each_row_once(tmp_path: Path, batch: int) -> None:
    data = build.a_data_set(tmp_path / "data.npz", count=100, wrong=10)
    source = build.an_onnx(tmp_path / "net.onnx", batch=batch)
    assert convert(arguments(source, tmp_path / "out", evaluation=data))["accuracy"] == 0.9


def test_int8_is_calibrated_and_measured_before_and_after(tmp_path: Path) -> None:
    import openvino as ov

    data = build.a_data_set(tmp_path / "data.npz", count=100, wrong=10)
    source = build.an_onnx(tmp_path / "net.onnx")
    result = convert(arguments(source, tmp_path / "out", precision="int8", calibration=data, evaluation=data))
    assert result["precision"] == "int8"
    assert result["accuracy_before"] == 0.9
    assert result["accuracy"] == pytest.approx(0.9, abs=0.05)
    operators = {node.get_type_name() for node in ov.Core().read_model(str(tmp_path / "out" / "model.xml")).get_ops()}
    assert "FakeQuantize" in operators
    again = convert(arguments(tmp_path / "out" / "model.xml", tmp_path / "again", precision="int8", calibration=data))
    assert again["warnings"] == ["the source is quantized already; it is kept as it is"]


def test_int8_without_samples_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="int8 needs calibration samples"):
        convert(arguments(build.an_onnx(tmp_path / "net.onnx"), tmp_path / "out", precision="int8"))


def test_input_shape_is_fixed_by_name(tmp_path: Path) -> None:
    source = build.an_onnx(tmp_path / "net.onnx")
    result = convert(arguments(source, tmp_path / "out", input_shape={"pixels": (2, 4)}))
    assert result["inputs"] == [{"name": "pixels", "shape": [2, 4], "type": "f32"}]


@pytest.mark.parametrize(
    ("shape", "says"), [({"pixel": (1, 4)}, "has no input 'pixel'"), ({"pixels": (1, 5)}, "cannot take pixels")]
)
def test_impossible_input_shape_names_the_inputs(tmp_path: Path, shape: dict[str, Any], says: str) -> None:
    with pytest.raises(InferstackError, match=says) as caught:
        convert(arguments(build.an_onnx(tmp_path / "net.onnx"), tmp_path / "out", input_shape=shape))
    assert "pixels [-1, 4]" in caught.value.why + caught.value.remedy


def test_nameless_tensors_get_names(tmp_path: Path) -> None:
    result = convert(arguments(build.an_ir(tmp_path / "net.xml", named=False), tmp_path / "out"))
    assert [port["name"] for port in result["inputs"] + result["outputs"]] == ["input", "output"]


def test_broken_model_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"\x08\x07 this is no model")
    with pytest.raises(InferstackError, match="cannot be read as ONNX") as caught:
        convert(arguments(tmp_path / "net.onnx", tmp_path / "out"))
    assert caught.value.why


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"other": build.rows(3), "y": np.zeros(3)}, "no array for the input 'pixels'"),
        ({"pixels": build.rows(3)[:, :2], "y": np.zeros(3)}, "does not fit the model"),
        ({"pixels": build.rows(3)}, "has no labels"),
        ({"pixels": build.rows(3), "y": np.zeros((3, 2, 5))}, "labels .* do not fit"),
        ({"pixels": build.rows(3), "y": np.zeros(2)}, "no equal number of rows"),
        ({"pixels": build.rows(0), "y": np.zeros(0)}, "no equal number of rows"),
        ({"pixels": np.array([{}] * 3, object), "y": np.zeros(3)}, "cannot be read as a data set"),
    ],
)
def test_unfit_data_says_what_is_wrong_with_it(tmp_path: Path, arrays: dict[str, np.ndarray], says: str) -> None:
    data = build.a_data_set(tmp_path / "data.npz", **arrays)
    with pytest.raises(PreflightError, match=says):
        convert(arguments(build.an_onnx(tmp_path / "net.onnx"), tmp_path / "out", evaluation=data))


def test_one_hot_labels_count_as_classes(tmp_path: Path) -> None:
    rows = build.rows(10)
    data = build.a_data_set(tmp_path / "data.npz", pixels=rows, y=np.eye(build.CLASSES)[build.labels(rows)])
    source = build.an_onnx(tmp_path / "net.onnx")
    assert convert(arguments(source, tmp_path / "out", evaluation=data))["accuracy"] == 1.0


def test_program_writes_its_result_or_its_error(tmp_path: Path) -> None:
    command, env = child.own_program("components.models.convert")
    written = {"source": str(tmp_path / "net.h5"), "out": str(tmp_path / "out"), "precision": "fp32"}
    path = tmp_path / "arguments.json"
    path.write_text(json.dumps({**written, "result": str(tmp_path / "result.json")}))
    (tmp_path / "net.h5").write_bytes(b"\x89HDF")
    ended = subprocess.run([*command, str(path)], env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == PreflightError.exit_code
    assert ended.stderr.startswith("net.h5 cannot be converted")
    assert "model.export" in json.loads((tmp_path / "result.json").read_text())["error"]["remedy"]

"""Data sets, the requests made of them, and the answers read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.benchmarks.load import answers, bodies, dataset
from components.benchmarks.load.arguments import ModelInput
from components.benchmarks.load.dataset import Column
from schemas.errors import UsageError
from tests.components.benchmarks.load_builders import some_arguments

IMAGE = ModelInput("image", "FP32", (-1, 2, 2))
MASK = ModelInput("mask", "INT64", (-1, 2))


def saved(folder: Path, **arrays: Any) -> Path:
    path = folder / "set.npz"
    np.savez(path, **arrays)
    return path


def test_arrays_are_found_by_the_names_of_inputs(tmp_path: Path) -> None:
    path = saved(tmp_path, mask=np.ones((3, 2)), image=np.zeros((3, 2, 2), "u1"), y=np.arange(3))
    found = dataset.read(path, (IMAGE, MASK))
    assert [c.name for c in found.columns] == ["image", "mask"]
    assert [c.values.dtype.name for c in found.columns] == ["float32", "int64"]
    assert found.labels is not None


def test_x_stands_for_the_only_input_and_takes_the_shape_of_its_rows(tmp_path: Path) -> None:
    found = dataset.read(saved(tmp_path, x=np.arange(12.0).reshape(3, 4)), (IMAGE,))
    assert found.columns[0].values.shape == (3, 2, 2)
    assert found.labels is None


def test_without_metadata_arrays_are_taken_as_they_are_named(tmp_path: Path) -> None:
    found = dataset.read(saved(tmp_path, a=np.zeros((2, 3), "f4"), y=np.array([0, 1])), ())
    assert (found.columns[0].name, found.columns[0].datatype) == ("a", "FP32")


def test_labels_that_are_no_classes_are_left_alone(tmp_path: Path) -> None:
    assert dataset.read(saved(tmp_path, x=np.zeros((2, 4)), y=np.array([0.5, 1.5])), (IMAGE,)).labels is None


@pytest.mark.parametrize(
    ("arrays", "inputs", "words"),
    [
        ({"other": np.zeros((2, 4)), "b": np.zeros(2)}, (IMAGE,), "no array for input image"),
        ({"x": np.zeros((2, 4))}, (IMAGE, MASK), "no array for input image"),
        ({"x": np.zeros((2, 5))}, (IMAGE,), "does not fit the model"),
        ({"x": np.float32(1)}, (IMAGE,), "does not fit the model"),
        ({"x": np.zeros((2, 4)), "y": np.arange(3)}, (IMAGE,), "same number of rows"),
        ({"x": np.zeros((0, 4))}, (IMAGE,), "same number of rows"),
        ({"y": np.arange(3)}, (), "same number of rows"),
        ({"x": np.array(["a", "b"])}, (ModelInput("t", "FP8", (-1,)),), "no values can be sent to input t"),
        ({"x": np.array([1, 2])}, (ModelInput("t", "BYTES", (-1,)),), "does not fit the model"),
        ({"x": np.array([1e39, 2])}, (ModelInput("t", "BF16", (-1,)),), "does not fit the model"),
        ({"x": np.array(["a", "b"])}, (ModelInput("t", "FP32", (-1,)),), "does not fit the model"),
        ({"x": np.array([object()])}, (IMAGE,), "cannot be read as a data set"),
    ],
)
def test_data_that_does_not_fit_is_told_in_words(
    tmp_path: Path, arrays: dict[str, Any], inputs: tuple[ModelInput, ...], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        dataset.read(saved(tmp_path, **arrays), inputs)


def test_a_missing_file_and_a_file_that_is_no_archive_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no data file"):
        dataset.read(tmp_path / "absent.npz", (IMAGE,))
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(UsageError, match="cannot be read as a data set"):
        dataset.read(tmp_path / "one.npy", (IMAGE,))


def test_random_rows_need_a_model_that_tells_its_shape() -> None:
    assert dataset.synthetic((IMAGE,), 1).rows == dataset.SYNTHETIC_ROWS
    for inputs in ((), (ModelInput("text", "FP32", (-1, -1)),)):
        with pytest.raises(UsageError, match="needs `data`"):
            dataset.synthetic(inputs, 1)


@given(st.integers(1, 200), st.integers(1, 50), st.integers(0, 99))
def test_batches_are_full_and_use_every_row_before_any_twice(rows: int, batch: int, seed: int) -> None:
    found = dataset.batches(rows, batch, seed)
    assert found.shape[1] == batch
    assert sorted(found.ravel()[:rows].tolist()) == list(range(rows))


def test_a_model_of_fixed_batch_is_not_asked_in_another(tmp_path: Path) -> None:
    fixed = ModelInput("x", "FP32", (1, 4))
    arguments = some_arguments(tmp_path, [1], inputs=(fixed,), load_batch=2)
    data = dataset.read(Path(arguments.data or ""), arguments.inputs)
    with pytest.raises(UsageError, match="cannot be asked in such batches"):
        bodies.prepare(arguments, data, dataset.batches(data.rows, 2, 1))


def test_v1_has_a_row_or_an_object_of_inputs_for_each_instance() -> None:
    one, two = Column("a", "FP32", np.ones((2, 1), "f4")), Column("b", "INT32", np.zeros((2, 2), "i4"))
    assert json.loads(bodies.v1_body([one])) == {"instances": [[1.0], [1.0]]}
    assert json.loads(bodies.v1_body([one, two]))["instances"][1] == {"a": [1.0], "b": [0, 0]}


def test_v2_says_name_shape_type_and_flat_data() -> None:
    body = json.loads(bodies.v2_body([Column("a", "BOOL", np.array([[True], [False]]))]))
    assert body == {"inputs": [{"name": "a", "shape": [2, 1], "datatype": "BOOL", "data": [True, False]}]}


def test_v2_binary_puts_the_values_after_its_header() -> None:
    values = np.arange(4, dtype=">f4").reshape(2, 2)
    header, raw = bodies.v2_binary_body([Column("a", "FP32", values)])
    assert json.loads(header)["inputs"][0]["parameters"] == {"binary_data_size": 16}
    assert np.frombuffer(raw, "<f4").tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("datatype", "values", "why"),
    [
        ("FP16", np.ones((1, 2), "f2"), "no form for input a of type FP16"),
        ("BF16", np.ones((1, 2), "u2"), "no form for input a of type BF16"),
        ("FP32", np.array([[1, np.nan]], "f4"), "no NaN"),
        ("FP64", np.array([[1, -np.inf]]), "no infinity"),
        ("BYTES", np.array([[b"a", b"\xff"]], object), "bytes that are none"),
    ],
)
@pytest.mark.parametrize("body", [bodies.v1_body, bodies.v2_body])
def test_what_json_has_no_form_for_needs_a_binary_protocol(
    body: Callable[[list[Column]], bytes], datatype: str, values: Any, why: str
) -> None:
    column = Column("a", datatype, values)
    with pytest.raises(UsageError, match="cannot carry") as refused:
        body([column])
    assert why in refused.value.why
    assert "--protocol grpc" in refused.value.remedy
    assert bodies.v2_binary_body([column])[1]


def test_texts_are_data_too_and_random_ones_are_made() -> None:
    text = ModelInput("text", "BYTES", (-1,))
    found = dataset.fit("here", {"text": np.array(["a", "ü"])}, (text,)).columns
    assert json.loads(bodies.v2_body(found))["inputs"][0]["data"] == ["a", "ü"]
    assert bodies.v2_binary_body(found)[1] == b"\1\0\0\0a\2\0\0\0\xc3\xbc"
    assert dataset.fit("here", {"t": np.array([b"a"])}, ()).columns[0].datatype == "BYTES"
    assert dataset.synthetic((text,), 1).columns[0].values[0].startswith(b"0.")


@pytest.mark.parametrize(
    ("protocol", "body", "labels"),
    [
        ("v1", {"predictions": [[0.1, 0.9], [0.8, 0.2]]}, [1, 0]),
        ("v1", {"predictions": [{"p": [0, 0, 1], "q": 1}, {"p": [1, 0, 0], "q": 0}]}, [2, 0]),
        ("v1", {"outputs": {"p": [[0, 1], [1, 0]]}}, [1, 0]),
        ("v1", {"predictions": [7, 3]}, [7, 3]),
        ("v1", {"predictions": [0.7, 0.3]}, [1, 0]),
        ("v2", {"outputs": [{"shape": [2, 2], "datatype": "FP32", "data": [0, 1, 1, 0]}]}, [1, 0]),
        ("v2", {"outputs": [{"shape": [2], "datatype": "INT64", "data": [4, 2]}]}, [4, 2]),
        ("v2-binary", {"outputs": [{"shape": [2, 2], "datatype": "FP32", "data": [[0, 1], [1, 0]]}]}, [1, 0]),
    ],
)
def test_predictions_are_read_from_every_form_of_answer(protocol: Any, body: Any, labels: list[int]) -> None:
    assert answers.predictions(protocol, b"http/1.1 200 ok", json.dumps(body).encode(), 2).tolist() == labels


@pytest.mark.parametrize("protocol", ["v1", "v2", "v2-binary"])
@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{}", b"7", b'{"predictions": []}', b'{"outputs": []}', b'{"predictions": 5}',
        b'{"outputs": [{"shape": [3], "datatype": "FP32", "data": [1, 2]}]}',
        b'{"outputs": [{"shape": [1, 2], "datatype": "FP32", "data": [1, 2]}]}',
        b'{"predictions": [[1, 2], [3]]}',
    ],
)  # fmt: skip
def test_a_malformed_answer_is_a_value_error(protocol: Any, body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        answers.predictions(protocol, b"", body, 2)

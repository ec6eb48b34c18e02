"""Rows of a data set reach a model as it takes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.models.samples import Port, Samples, read_samples
from schemas.errors import PreflightError

F32 = np.dtype(np.float32)


def samples(tmp_path: Path, shape: tuple[int, ...], *, dtype: np.dtype = F32) -> Samples:
    np.savez(tmp_path / "data.npz", x=np.arange(10).reshape(5, 2))
    return read_samples(tmp_path / "data.npz", [Port("input", shape, dtype)])


def batches(found: Samples, most: int = 2) -> list[tuple[int, list[object]]]:
    return [(count, batch["input"].tolist()) for count, batch in found.batches(most)]


def test_dynamic_batch_takes_rows_as_they_come(tmp_path: Path) -> None:
    assert batches(samples(tmp_path, (-1, 2))) == [
        (2, [[0, 1], [2, 3]]), (2, [[4, 5], [6, 7]]), (1, [[8, 9]]),
    ]  # fmt: skip


def test_fixed_batch_is_filled_up_with_copies_that_do_not_count(tmp_path: Path) -> None:
    assert batches(samples(tmp_path, (3, 2)))[-1] == (2, [[6, 7], [8, 9], [8, 9]])


def test_model_without_batch_axis_takes_one_row_bare(tmp_path: Path) -> None:
    assert batches(samples(tmp_path, (2,)))[0] == (1, [0, 1])


def test_rows_are_turned_into_the_type_of_the_input(tmp_path: Path) -> None:
    _, batch = next(samples(tmp_path, (-1, 2), dtype=np.dtype(np.uint8)).batches())
    assert batch["input"].dtype == np.uint8


def test_only_as_many_rows_are_given_as_asked(tmp_path: Path) -> None:
    assert sum(count for count, _ in samples(tmp_path, (-1, 2)).batches(2, rows=3)) == 3


def test_several_inputs_take_the_arrays_of_their_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", a=np.zeros((3, 1)), b=np.ones((3, 4)), y=np.arange(3))
    found = read_samples(tmp_path / "data.npz", [Port("b", (-1, 4), F32), Port("a", (-1, 1), F32)])
    _, batch = next(found.batches())
    assert {name: array.shape for name, array in batch.items()} == {"a": (3, 1), "b": (3, 4)}
    assert found.labels is not None


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": np.array([["a", "b"]])}, "'x' of .* holds no numbers"),
        ({"x": np.zeros((1, 2)), "y": np.array(["cat"])}, "'y' of .* holds no numbers"),
        ({"x": np.array([[0.0, np.nan]])}, "no number or infinite"),
        ({"x": np.array([[0.0, np.inf]], np.float16)}, "no number or infinite"),
    ],
)
def test_what_a_model_cannot_reckon_with_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray], says: str) -> None:
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(PreflightError, match=says):
        read_samples(tmp_path / "data.npz", [Port("input", (-1, 2), F32)])


@pytest.mark.parametrize("content", [b"x,y\n1,2\n", b"", b"\x80\x04pickled"])
def test_a_file_that_is_no_data_set_is_refused_without_advice_to_trust_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.npz").write_bytes(content)
    with pytest.raises(PreflightError, match="cannot be read as a data set") as caught:
        read_samples(tmp_path / "data.npz", [Port("input", (-1, 2), F32)])
    assert "neither that of a .npz" in caught.value.why

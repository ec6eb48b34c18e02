"""The data set of a benchmark: rows for each input of the model, and labels where there are any.

An `.npz` holds an array for each input under the input's name, or `x` for the only input; `y` holds whole-number
labels. The first axis counts rows. Rows are taken in an order that the seed decides, and taken again when they run out.

What numpy has no type for is kept as the server keeps it: BF16 as its 16 bits, BYTES as Python's `bytes`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.benchmarks.load.arguments import ModelInput
from components.serving.server.refusal import Refusal
from components.serving.server.tensors import DATATYPES, from_values
from schemas.errors import UsageError

Array = NDArray[Any]

NUMPY_TYPES: Mapping[str, str] = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
}
"""Datatypes of the protocol with numpy's names for them, where it has one."""

SYNTHETIC_ROWS = 64


@dataclass(frozen=True)
class Column:
    """The rows of one input, in the type and row shape that the model wants."""

    name: str
    datatype: str
    values: Array


@dataclass(frozen=True)
class Dataset:
    """Rows for each input in the model's order; labels are absent where accuracy cannot be told."""

    columns: tuple[Column, ...]
    labels: Array | None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.columns[0].values)


def read(path: Path, inputs: Sequence[ModelInput]) -> Dataset:
    """The data set of a file, fitted to the model's inputs.

    Raises:
        UsageError: the file cannot be read or does not fit the model; the message says what was expected.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise UsageError(f"there is no data file {path}") from error
    except (OSError, ValueError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        why = f"an .npz of plain numeric arrays is expected ({error})"
        raise UsageError(f"{path} cannot be read as a data set", why=why) from error
    return fit(str(path), arrays, inputs)


def fit(origin: str, given: Mapping[str, Array], inputs: Sequence[ModelInput]) -> Dataset:
    """Named arrays as a data set fitted to the model's inputs; `origin` says in errors where they come from.

    Raises:
        UsageError: they do not fit the model; the message says what was expected.
    """
    arrays = dict(given)
    labels = arrays.pop("y", None)
    found = inputs or tuple(_as_named(name, array) for name, array in arrays.items())
    columns = tuple(_column(origin, wanted, arrays, only=len(found) == 1) for wanted in found)
    _check_lengths(origin, columns, labels)
    is_label = labels is not None and labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer)
    return Dataset(columns, labels if is_label else None)


def synthetic(inputs: Sequence[ModelInput], seed: int) -> Dataset:
    """Random rows for a model whose benchmark names no data; there is nothing to be accurate about.

    Raises:
        UsageError: the model's inputs are not known, or an axis other than the first has no fixed length.
    """
    if not inputs:
        raise UsageError("the benchmark needs `data`", why="the server does not tell what inputs its model has")
    random = np.random.default_rng(seed)
    columns = []
    for wanted in inputs:
        if -1 in wanted.shape[1:]:
            why = f"input {wanted.name} of the model has the shape {list(wanted.shape)}"
            raise UsageError("the benchmark needs `data`", why=why)
        values = random.uniform(0, 1, (SYNTHETIC_ROWS, *wanted.shape[1:]))
        # A text is such a number, written with three digits.
        given = values.astype("U5") if wanted.datatype == "BYTES" else values
        columns.append(Column(wanted.name, wanted.datatype, _converted(wanted, given)))
    return Dataset(tuple(columns), None)


def batches(rows: int, batch: int, seed: int) -> NDArray[np.intp]:
    """Row numbers of each request, `(requests, batch)`: each row once, in an order of the seed."""
    order = np.random.default_rng(seed).permutation(rows)
    count = -(-rows // batch)
    # The last request is filled up from the beginning.
    return np.resize(order, (count, batch))


def _as_named(name: str, array: Array) -> ModelInput:
    datatypes = {numpy_name: datatype for datatype, numpy_name in NUMPY_TYPES.items()}
    if array.dtype.kind in "SU":
        return ModelInput(name, "BYTES", (-1, *array.shape[1:]))
    return ModelInput(name, datatypes.get(array.dtype.name, array.dtype.name), (-1, *array.shape[1:]))


def _column(origin: str, wanted: ModelInput, arrays: Mapping[str, Array], *, only: bool) -> Column:
    array = arrays.get(wanted.name, arrays.get("x") if only else None)
    if array is None:
        there = ", ".join(arrays) or "none"
        remedy = f"name an array {wanted.name}" + (" or x" if only else "")
        raise UsageError(
            f"{origin} has no array for input {wanted.name}", why=f"its arrays are: {there}", remedy=remedy
        )
    row_shape = wanted.shape[1:]
    if array.ndim == 0 or not _fits(array, row_shape):
        why = f"the array has the shape {list(array.shape)}, the model takes {list(wanted.shape)} (-1: any)"
        raise UsageError(f"{origin}: the array for input {wanted.name} does not fit the model", why=why)
    if -1 not in row_shape:
        array = array.reshape((len(array), *row_shape))
    try:
        return Column(wanted.name, wanted.datatype, _converted(wanted, array))
    except (Refusal, ValueError, TypeError) as error:
        message = f"{origin}: the array for input {wanted.name} does not fit the model"
        raise UsageError(message, why=f"the model takes {wanted.datatype} ({error})") from error


def _fits(array: Array, row_shape: tuple[int, ...]) -> bool:
    """The same axes where one is dynamic; else as many values a row, in whatever shape."""
    if -1 in row_shape:
        lengths = zip(row_shape, array.shape[1:], strict=False)
        return array.ndim == len(row_shape) + 1 and all(want in (-1, got) for want, got in lengths)
    return int(np.prod(array.shape[1:])) == int(np.prod(row_shape))


def _converted(wanted: ModelInput, array: Array) -> Array:
    """The array in the type that the model wants.

    Raises:
        UsageError: there is no such type.
        Refusal, ValueError, TypeError: the type cannot hold the values.
    """
    match wanted.datatype:
        case "BYTES":
            return from_values(DATATYPES["BYTES"], array.tolist(), array.shape, "the array")
        case "BF16":
            return from_values(DATATYPES["BF16"], array, array.shape, "the array")
        case known if known in NUMPY_TYPES:
            return np.ascontiguousarray(array, dtype=NUMPY_TYPES[known])
        case unknown:
            why = f"it has the type {unknown}; known are {', '.join(DATATYPES)}"
            raise UsageError(f"no values can be sent to input {wanted.name} of the model", why=why)


def _check_lengths(origin: str, columns: Sequence[Column], labels: Array | None) -> None:
    lengths = {column.name: len(column.values) for column in columns}
    if labels is not None and labels.ndim:
        lengths["y"] = len(labels)
    if not columns or len(set(lengths.values())) != 1 or 0 in lengths.values():
        why = ", ".join(f"{name} has {length}" for name, length in lengths.items()) or "it has none"
        raise UsageError(f"{origin} needs the same number of rows, at least one, in every array", why=why)

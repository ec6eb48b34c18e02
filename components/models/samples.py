"""Data sets for calibration and accuracy: `.npz` files with an array for each input, and labels `y`.

The first axis of each array counts the rows. A model with one input may call its array `x`. Arrays are read without
pickles, which could run code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from schemas.errors import PreflightError

Array = NDArray[Any]
LABELS = "y"
MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY")  # how .npz files begin, and .npy
ANY_BATCH = 64


@dataclass(frozen=True)
class Port:
    """An input of a model: its name, its shape (-1 where it is dynamic) and its numpy type."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Samples:
    """Rows for a model: an array for each input, all with the same number of rows, and labels where there are some."""

    ports: tuple[Port, ...]
    arrays: tuple[Array, ...]
    labels: Array | None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.arrays[0])

    def batches(self, most: int = ANY_BATCH, rows: int | None = None) -> Iterator[tuple[int, dict[str, Array]]]:
        """The rows as a model takes them: (how many of them count, one array for each input).

        A model with a fixed batch gets full ones, the last filled up with copies; a dynamic batch has `most` rows.
        """
        rows = self.rows if rows is None else min(rows, self.rows)
        size = self._batch(most)
        for begin in range(0, rows, size):
            count = min(size, rows - begin)
            index = np.minimum(np.arange(begin, begin + (count if self._dynamic else size)), rows - 1)
            yield count, {p.name: _fit(a[index], p) for p, a in zip(self.ports, self.arrays, strict=True)}

    @property
    def _dynamic(self) -> bool:
        return all(len(p.shape) == a.ndim and p.shape[0] < 0 for p, a in zip(self.ports, self.arrays, strict=True))

    def _batch(self, most: int) -> int:
        if self._dynamic:
            return most
        sizes = {p.shape[0] for p, a in zip(self.ports, self.arrays, strict=True) if len(p.shape) == a.ndim}
        return max(1, *sizes) if sizes else 1


def read_samples(path: Path, ports: Sequence[Port]) -> Samples:
    """The rows of an `.npz` file for a model with these inputs.

    Raises:
        PreflightError: it cannot be read, lacks an input, or its arrays do not fit; with names and shapes.
    """
    arrays = _arrays(path)
    found = ", ".join(f"{name} {list(array.shape)}" for name, array in arrays.items())
    chosen: list[Array] = []
    for port in ports:
        name = port.name if port.name in arrays else "x" if len(ports) == 1 and "x" in arrays else None
        if name is None:
            raise PreflightError(
                f"{path} has no array for the input {port.name!r}", why=f"it holds {found}",
                remedy=f"np.savez({path.name!r}, **{{{port.name!r}: rows, 'y': labels}})",
            )  # fmt: skip
        if not _fits(arrays[name].shape, port.shape):
            raise PreflightError(
                f"the array {name!r} of {path} does not fit the model",
                why=f"it has the shape {list(arrays[name].shape)}, and the input {port.name!r} has {list(port.shape)}",
                remedy="one row for each sample along the first axis; the other axes as the model takes them",
            )
        chosen.append(_numbers(arrays[name], name, path))
    labels = _numbers(arrays[LABELS], LABELS, path) if LABELS in arrays else None
    if len({len(array) for array in (*chosen, *([] if labels is None else [labels]))}) != 1 or not len(chosen[0]):
        raise PreflightError(f"the arrays of {path} have no equal number of rows, or none", why=f"it holds {found}")
    return Samples(tuple(ports), tuple(chosen), labels)


def _arrays(path: Path) -> Mapping[str, Array]:
    try:
        with path.open("rb") as begun:
            if not begun.read(6).startswith(MAGIC):
                raise ValueError("its content is neither that of a .npz nor of a .npy file")
        with np.load(path, allow_pickle=False) as file:
            if isinstance(file, np.ndarray):
                return {"x": file}
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, BadZipFile, EOFError) as error:
        raise PreflightError(
            f"{path} cannot be read as a data set", why=str(error),
            remedy="write it with numpy.savez, with arrays of numbers only",
        ) from error  # fmt: skip


def _numbers(array: Array, name: str, path: Path) -> Array:
    """The array, if a model can reckon with all that is in it."""
    if array.dtype.kind not in "biuf":
        raise PreflightError(
            f"the array {name!r} of {path} holds no numbers", why=f"its type is {array.dtype}",
            remedy="turn it into numbers before numpy.savez: labels into the index of each row's class",
        )  # fmt: skip
    if not np.isfinite(array).all():
        raise PreflightError(
            f"the array {name!r} of {path} holds values that are no number or infinite",
            why=f"{np.count_nonzero(~np.isfinite(array))} of {array.size} are", remedy="leave their rows out",
        )  # fmt: skip
    return array


def _fits(array: tuple[int, ...], port: tuple[int, ...]) -> bool:
    """Whether rows of an array of this shape are what the input takes: with its batch axis, or without one."""
    if len(array) == len(port):
        wanted = port[1:]
    elif len(array) == len(port) + 1:
        wanted = port
    else:
        return False
    return all(want < 0 or want == have for want, have in zip(wanted, array[1:], strict=True))


def _fit(rows: Array, port: Port) -> Array:
    """Rows as the input takes them; a model without batch axis takes one row, bare."""
    bare = rows.ndim == len(port.shape) + 1
    return np.ascontiguousarray(rows[0] if bare else rows, dtype=port.dtype)

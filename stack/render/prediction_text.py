"""What `inferstack predict` prints: a line a row, with the likeliest classes where the output looks like classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from components.serving.predict import Array, Prediction

LIKELIEST = 3
SHOWN_VALUES = 8


def render_predictions(predictions: Sequence[Prediction]) -> str:
    """The predictions as text, a line each. Ends with a newline."""
    return "".join(f"{_line(prediction)}\n" for prediction in predictions)


def predictions_json(predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """The predictions as plain JSON values, outputs whole."""
    return [
        {
            "row": one.row, "instance": one.instance, "time_s": round(one.time_s, 6), "label": one.label,
            "class": _class(one.values), "output": one.values.tolist(),
        }
        for one in predictions
    ]  # fmt: skip


def _line(prediction: Prediction) -> str:
    label = ""
    if prediction.label is not None and (found := _class(prediction.values)) is not None:
        label = f"  label {prediction.label}" + ("" if found == prediction.label else " (wrong)")
    where = f"{prediction.instance}, {prediction.time_s * 1000:.2f} ms"
    return f"row {prediction.row}: {_answer(prediction.values)}{label}  ({where})"


def _answer(values: Array) -> str:
    """The likeliest classes with their probabilities, or the values themselves."""
    flat = values.ravel()
    if not _are_probabilities(flat):
        shown = ", ".join(f"{value:g}" if flat.dtype.kind == "f" else str(value) for value in flat[:SHOWN_VALUES])
        more = f", ... ({flat.size} values)" if flat.size > SHOWN_VALUES else ""
        largest = f"class {_class(values)}, " if _class(values) is not None else ""
        return f"{largest}output [{shown}{more}]"
    first, *others = np.argsort(-flat, kind="stable")[:LIKELIEST]
    rest = ", ".join(f"{index}: {flat[index]:.1%}" for index in others)
    return f"class {first}: {flat[first]:.1%}" + (f"  ({rest})" if rest else "")


def _are_probabilities(flat: Array) -> bool:
    if flat.dtype.kind != "f" or flat.size < 2:
        return False
    return bool((flat >= 0).all() and abs(float(flat.sum()) - 1) < 1e-2)


def _class(values: Array) -> int | None:
    """The index of the largest value of one row of scores; None for anything else."""
    scores = values.ndim == 2 and values.shape[0] == 1 and values.shape[1] > 1 and values.dtype.kind in "fiu"
    return int(values.ravel().argmax()) if scores else None

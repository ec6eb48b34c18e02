"""The table of `inferstack models`: what stands in the model store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from components.models.store import StoredModel
from schemas.words import counted

HEADINGS = ("model", "precision", "size", "accuracy", "digest", "made", "source")
RIGHT = frozenset({"size"})
EMPTY = "The model store is empty; `inferstack up` fills it."


def render_models(models: Sequence[StoredModel], *, home: Path | None = None) -> str:
    """The models as a table, one a line; sources under `home` are shown relative to it.

    What there is to know about some stands below. Ends with a newline.
    """
    if not models:
        return EMPTY + "\n"
    rows = [HEADINGS, *(_row(model, home) for model in models)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    total = sum(model.bytes for model in models)
    count = f"{counted(len(models), 'model')}, {size(total)}"
    warnings = [f"{model.name}: {warning}" for model in models for warning in model.warnings]
    return "\n".join([*(_line(row, widths) for row in rows), "", *warnings, count]) + "\n"


def models_json(models: Iterable[StoredModel]) -> list[dict[str, Any]]:
    """The models as plain JSON values, with whole digests and paths."""
    return [
        {
            "name": model.name, "precision": model.precision, "bytes": model.bytes, "accuracy": model.accuracy,
            "accuracy_before": model.accuracy_before, "digest": model.digest, "key": model.key,
            "source": model.source, "made": model.made, "path": str(model.path), "warnings": list(model.warnings),
        }
        for model in models
    ]  # fmt: skip


def size(count: int) -> str:
    """A number of bytes with three digits: `1.29 MB`."""
    if count < 1000:
        return f"{count} B"
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.3g} {unit}"


def _row(model: StoredModel, home: Path | None) -> tuple[str, ...]:
    return (
        model.name, model.precision, size(model.bytes), _accuracy(model), model.digest[:12], model.made[:10],
        _source(model.source, home),
    )  # fmt: skip


def _accuracy(model: StoredModel) -> str:
    if model.accuracy is None:
        return "-"
    after = f"{model.accuracy:.1%}"
    return after if model.accuracy_before is None else f"{after} (was {model.accuracy_before:.1%})"


def _source(source: str, home: Path | None) -> str:
    path = Path(source)
    return str(path.relative_to(home)) if home and path.is_absolute() and path.is_relative_to(home) else source


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        text.rjust(width) if heading in RIGHT else text.ljust(width)
        for heading, text, width in zip(HEADINGS, row, widths, strict=True)
    ]
    return "  ".join(cells).rstrip()

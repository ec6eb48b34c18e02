"""Stored results: a folder a benchmark, a folder a run, made at once and never changed.

A run's folder holds `result.json` and one `.npz` of raw samples a measurement. It is built beside its final place and
renamed, so that a reader never sees half a result, whatever happens to the writer.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from components import codec
from components.benchmarks import samples
from components.benchmarks.result import FILE, Measurement, Result
from components.benchmarks.samples import Samples
from schemas.errors import UsageError

VERSION = 1


@dataclass(frozen=True)
class StoredResult:
    """A result and the folder that holds it and its samples."""

    result: Result
    folder: Path

    def samples(self, measurement: Measurement) -> Samples | None:
        """The raw samples of one of the result's measurements, read now; None where the tool told no single times."""
        return samples.read(self.folder / measurement.samples) if measurement.samples else None


def new_id(started: datetime, content: str) -> str:
    """A name for a run that sorts by time: UTC time and a short digest of what was measured."""
    digest = hashlib.sha256(content.encode()).hexdigest()[:8]
    return f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest}"


def save(root: Path, result: Result, fill: Callable[[Path], None]) -> StoredResult:
    """Store a result under `root/<benchmark>/<id>`; `fill` puts the samples into the folder it is given."""
    folder = root / result.benchmark / result.id
    partial = folder.with_name(f".{result.id}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        fill(partial)
        with (partial / FILE).open("w") as file:
            json.dump(codec.encode(result), file, indent=1, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return StoredResult(result, folder)


def load(folder: Path) -> StoredResult:
    """The result in a folder.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    path = folder / FILE
    try:
        data = json.loads(path.read_text())
        found = data.get("version") if isinstance(data, dict) else None
        if found != VERSION:
            raise UsageError(
                f"{path} has version {found}",
                why=f"this inferstack reads version {VERSION}",
                remedy="measure again with `inferstack bench --rerun`",
            )
        return StoredResult(codec.decode(Result, data), folder)
    except (OSError, ValueError) as error:
        raise UsageError(f"no result can be read from {folder}", why=str(error)) from error


def list_results(root: Path, benchmark: str | None = None) -> tuple[StoredResult, ...]:
    """All stored results of one benchmark, or of all, oldest first.

    Raises:
        UsageError: one cannot be read.
    """
    found = sorted(root.glob(f"{benchmark or '*'}/[!.]*/{FILE}"), key=lambda path: (path.parent.name, path))
    return tuple(load(path.parent) for path in found)


def latest(root: Path, benchmark: str) -> StoredResult | None:
    """The newest stored result of a benchmark."""
    found = sorted(root.glob(f"{benchmark}/[!.]*/{FILE}"))
    return load(found[-1].parent) if found else None


def find(root: Path, reference: str) -> StoredResult:
    """The result that a person means: a benchmark's name (its newest result), an id, the beginning of one, or a folder.

    Raises:
        UsageError: nothing fits, or more than one run does.
    """
    if (Path(reference) / FILE).exists():
        return load(Path(reference))
    if newest := latest(root, reference):
        return newest
    fitting = [path.parent for path in sorted(root.glob(f"*/[!.]*/{FILE}")) if path.parent.name.startswith(reference)]
    match fitting:
        case [folder]:
            return load(folder)
        case []:
            known = ", ".join(sorted({path.parts[-3] for path in root.glob(f"*/[!.]*/{FILE}")})) or "none yet"
            raise UsageError(f"no result {reference!r}", why=f"benchmarks with results: {known}")
        case _:
            names = ", ".join(f"{folder.parent.name}/{folder.name}" for folder in fitting)
            raise UsageError(f"{reference!r} fits more than one result", why=names, remedy="give more of the id")

"""The model store: converted models by the digest of what they were made from and how.

`models/KEY/NAME/1/model.xml` and `model.bin` are laid out as OpenVINO Model Server reads them; what
they are says `models/KEY/manifest.json`. KEY covers the name, the source's content, every choice of the
conversion, the data it was measured on and the versions of the converters, so that nothing is converted twice and
nothing stale is taken for new.

A model is verified against the digest in its manifest whenever it is used; one that was altered is made again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from components.models import child
from components.models.digest import ir_digest, value_digest
from components.models.material import Obtained
from components.models.once import finished, made_once, sweep
from components.progress import say
from schemas.errors import InferstackError, PreflightError

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Conversion:
    """A conversion: what of, in which way, measured on what. Paths only say where things are, digests say what."""

    name: str
    source: Obtained
    origin: str
    precision: str
    calibration: Obtained | None = None
    samples: int = 300
    evaluation: Obtained | None = None
    input_shape: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def key(self) -> str:
        """The digest that stands for the converted model, with the converters that are installed now."""
        quantized = self.precision == "int8"
        return value_digest({
            "name": self.name, "source": self.source.digest, "precision": self.precision,
            "calibration": [self.calibration.digest, self.samples] if quantized and self.calibration else None,
            "evaluation": self.evaluation.digest if self.evaluation else None,
            "shape": {name: list(shape) for name, shape in self.input_shape.items()},
            "openvino": _version("openvino"), "nncf": _version("nncf") if quantized else None,
        })  # fmt: skip

    @property
    def warnings(self) -> tuple[str, ...]:
        """What there is to know about the things it is made of."""
        used = (self.source, self.calibration, self.evaluation)
        return tuple(warning for thing in used if thing for warning in thing.warnings)


@dataclass(frozen=True)
class StoredModel:
    """A converted model as it stands in the store."""

    key: str
    name: str
    path: Path
    digest: str
    precision: str
    bytes: int
    accuracy: float | None
    accuracy_before: float | None
    source: str
    made: str
    warnings: tuple[str, ...]


def converted(conversion: Conversion, models: Path) -> StoredModel:
    """The model that a conversion makes: from the store `models`, or by converting now, in a process of its own.

    Raises:
        PreflightError, InferstackError: what the conversion says; nothing is left in the store then.
    """
    models.mkdir(parents=True, exist_ok=True)
    sweep(models)

    def make(folder: Path, lock: int) -> None:
        say(f"converting to {conversion.precision}")
        _convert(conversion, folder, lock)

    folder = made_once(models, conversion.key(), make, valid=is_intact, what=f"model {conversion.name}")
    return _stored(folder)


def check_drop(stored: StoredModel, limit: float) -> None:
    """Whether a conversion kept the accuracy that it must; both are shares of one.

    Raises:
        InferstackError: it did not; with both figures.
    """
    check_accuracy(stored.name, stored.precision, stored.accuracy_before, stored.accuracy, limit)


def check_accuracy(name: str, precision: str, before: float | None, after: float | None, limit: float) -> None:
    """The same by figures; those that were not measured (None) allow anything.

    Raises:
        InferstackError: it costs more than `limit`.
    """
    if before is None or after is None or before - after <= limit + 1e-9:
        return
    raise InferstackError(
        f"{precision} costs model {name} too much accuracy: {before - after:.2%} where {limit:.2%} is allowed",
        why=f"before: {before:.2%}, after: {after:.2%}",
        remedy="calibrate with more samples or more typical ones, use fp16, or raise `maxAccuracyDrop`",
    )


def list_models(models: Path) -> tuple[StoredModel, ...]:
    """All finished models of a store, by name and precision; without verifying them."""
    stored = [_stored(folder) for folder in finished(models) if (folder / MANIFEST).is_file()]
    return tuple(sorted(stored, key=lambda model: (model.name, model.precision, model.key)))


def is_intact(folder: Path) -> bool:
    """Whether the model in a folder of the store still has the digest that was recorded."""
    try:
        model = _stored(folder)
        return ir_digest(model.path) == model.digest
    except (OSError, ValueError, KeyError):
        return False


def purge(store: Path) -> int:
    """Remove all models, trainings and downloads of a store; returns the bytes freed."""
    folders = [folder for name in ("models", "trained", "downloads") if (folder := store / name).is_dir()]
    freed = sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
    for folder in folders:
        shutil.rmtree(folder)
    return freed


def _convert(conversion: Conversion, folder: Path, lock: int) -> None:
    """Run the conversion program and write the manifest of what it made."""
    out, arguments, result = folder / conversion.name / "1", folder / "arguments.json", folder / "result.json"
    log = folder / "conversion.log"
    arguments.write_text(json.dumps({
        "source": str(conversion.source.path), "out": str(out), "result": str(result),
        "precision": conversion.precision,
        "calibration": _path(conversion.calibration), "samples": conversion.samples,
        "evaluation": _path(conversion.evaluation),
        "input_shape": {name: list(shape) for name, shape in conversion.input_shape.items()},
    }))  # fmt: skip
    command, env = child.own_program("components.models.convert")
    ended = child.run(
        [*command, str(arguments)], folder=folder, env=env, log=log, timeout_s=None, lock=lock,
        what="converting",
    )  # fmt: skip
    made = json.loads(result.read_text()) if result.exists() else {}
    if error := made.get("error"):
        kind = PreflightError if ended.code == PreflightError.exit_code else InferstackError
        raise kind(f"model {conversion.name}: {error['message']}", why=error["why"], remedy=error["remedy"])
    if ended.code or not made:
        raise InferstackError(
            f"converting {conversion.name} ended with exit code {ended.code}", why="\n".join(ended.last_lines),
            remedy="137 is the system's way of saying that memory ran out" if ended.code == 137 else "",
        )  # fmt: skip
    xml = out / "model.xml"
    manifest = made | {
        "name": conversion.name, "digest": ir_digest(xml), "source": conversion.origin,
        "source_digest": conversion.source.digest, "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "bytes": xml.stat().st_size + xml.with_suffix(".bin").stat().st_size, "openvino": _version("openvino"),
    }  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))
    for used in (arguments, result, log):
        used.unlink()


def _stored(folder: Path) -> StoredModel:
    value: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    return StoredModel(
        key=folder.name, name=value["name"], path=folder / value["name"] / "1" / "model.xml", digest=value["digest"],
        precision=value["precision"], bytes=value["bytes"], accuracy=value["accuracy"],
        accuracy_before=value["accuracy_before"], source=value["source"], made=value["made"],
        warnings=tuple(value["warnings"]),
    )  # fmt: skip


def _path(thing: Obtained | None) -> str | None:
    return str(thing.path) if thing else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

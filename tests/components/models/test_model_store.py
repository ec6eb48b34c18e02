"""The store keeps what was converted, and nothing half-made or altered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.models.digest import ir_digest
from components.models.formats import model_digest
from components.models.material import Obtained
from components.models.once import finished
from components.models.store import Conversion, StoredModel, converted, list_models, purge
from schemas.errors import InferstackError
from tests.components.models import model_builders as build
from tests.components.models.processes import kill, python, until


def a_conversion(source: Path, **changes: object) -> Conversion:
    obtained = Obtained(source, model_digest(source))
    stated = {"name": "net", "source": obtained, "origin": str(source), "precision": "fp32"}
    return Conversion(**{**stated, **changes})  # type: ignore[arg-type]


def test_model_stands_where_model_server_looks_for_it(tmp_path: Path) -> None:
    stored = converted(a_conversion(build.an_onnx(tmp_path / "net.onnx")), tmp_path / "models")
    assert stored.path == tmp_path / "models" / stored.key / "net" / "1" / "model.xml"
    assert stored.digest == ir_digest(stored.path)
    assert stored.bytes == sum(path.stat().st_size for path in stored.path.parent.iterdir())
    assert sorted(path.name for path in stored.path.parents[2].iterdir()) == ["manifest.json", "net"]


def test_same_conversion_is_not_done_twice_and_an_altered_one_is(tmp_path: Path) -> None:
    conversion = a_conversion(build.an_onnx(tmp_path / "net.onnx"))
    first = converted(conversion, tmp_path / "models")
    written = first.path.stat().st_mtime_ns
    assert converted(conversion, tmp_path / "models") == first
    assert first.path.stat().st_mtime_ns == written
    first.path.with_suffix(".bin").write_bytes(b"altered")
    again = converted(conversion, tmp_path / "models")
    assert again.digest == ir_digest(again.path)


def test_key_covers_every_choice_and_no_place(tmp_path: Path) -> None:
    source = build.an_onnx(tmp_path / "net.onnx")
    data = Obtained(build.a_data_set(tmp_path / "data.npz"), "d" * 64)
    choices = [
        a_conversion(source),
        a_conversion(source, name="other"),
        a_conversion(source, precision="fp16"),
        a_conversion(source, precision="int8", calibration=data),
        a_conversion(source, precision="int8", calibration=data, samples=10),
        a_conversion(source, evaluation=data),
        a_conversion(source, input_shape={"pixels": (1, 4)}),
    ]
    assert len({choice.key() for choice in choices}) == len(choices)
    moved = build.an_onnx(tmp_path / "elsewhere" / "net.onnx")
    assert a_conversion(moved).key() == a_conversion(source).key()


def test_failed_conversion_says_which_model_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"no model")
    with pytest.raises(InferstackError, match=r"model net: .* cannot be read as ONNX"):
        converted(a_conversion(tmp_path / "net.onnx"), tmp_path / "models")
    assert finished(tmp_path / "models") == ()


STARTS_A_CONVERSION = """
import sys
from pathlib import Path
from tests.components.models.test_model_store import a_conversion
from components.models.store import converted
converted(a_conversion(Path(sys.argv[1])), Path(sys.argv[2]))
"""


def test_killed_conversion_leaves_nothing_half_and_the_next_one_succeeds(tmp_path: Path) -> None:
    source, models = build.an_onnx(tmp_path / "net.onnx"), tmp_path / "models"
    process = python(STARTS_A_CONVERSION, source, models)
    until(lambda: bool(list(models.glob("*.making/conversion.log"))), "the conversion begins")
    kill(process)
    assert list_models(models) == ()
    stored = converted(a_conversion(source), models)
    assert list_models(models) == (stored,)
    assert not list(models.glob("*.making"))


def test_two_processes_convert_one_model_once(tmp_path: Path) -> None:
    source, models = build.an_onnx(tmp_path / "net.onnx"), tmp_path / "models"
    processes = [python(STARTS_A_CONVERSION, source, models) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert len(list_models(models)) == 1


def a_manifest(models: Path, name: str, precision: str) -> None:
    folder = models / f"{name}{precision}"
    folder.mkdir(parents=True)
    manifest = {
        "name": name, "precision": precision, "digest": "d" * 64, "bytes": 5_000_000, "accuracy": 0.98,
        "accuracy_before": None, "source": "net.onnx", "made": "2026-01-02T03:04:05+00:00", "warnings": [],
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_models_are_listed_by_name_and_precision(tmp_path: Path) -> None:
    for name, precision in (("b", "fp32"), ("a", "int8"), ("a", "fp16")):
        a_manifest(tmp_path, name, precision)
    (tmp_path / "half.making").mkdir()
    listed: tuple[StoredModel, ...] = list_models(tmp_path)
    assert [(model.name, model.precision) for model in listed] == [("a", "fp16"), ("a", "int8"), ("b", "fp32")]
    assert list_models(tmp_path / "nowhere") == ()


def test_purge_empties_the_store_and_says_how_much_it_freed(tmp_path: Path) -> None:
    a_manifest(tmp_path / "models", "a", "fp32")
    (tmp_path / "results").mkdir()
    assert purge(tmp_path) > 0
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    assert purge(tmp_path) == 0

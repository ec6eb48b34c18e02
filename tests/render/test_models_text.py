"""The store as a table that a person reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from components.models.store import StoredModel
from stack.render.models_text import models_json, render_models, size

HOME = Path("/home/ada/project")


def a_model(
    name: str, precision: str, count: int, accuracy: float | None, before: float | None, source: str
) -> StoredModel:
    path = HOME / ".inferstack/store/models" / name / "1/model.xml"
    digest = "0123456789abcdef" * 4
    return StoredModel(
        "k" * 64, name, path, digest, precision, count, accuracy, before, source, "2026-05-06T07:08:09+00:00", ()
    )


MODELS = (
    a_model("digits", "fp32", 5_013_548, 0.9866, None, "train://digits/model.xml"),
    a_model("digits-int8", "int8", 1_285_354, 0.9843, 0.9866, "train://digits/model.xml"),
    a_model("resnet50", "fp16", 51_200_000, None, None, f"{HOME}/models/resnet50.onnx"),
    a_model("tiny", "fp32", 812, None, None, "https://example.com/tiny.onnx"),
)


def test_models_are_a_table_that_can_be_read(golden: Callable[[str, str], None]) -> None:
    golden("models.txt", render_models(MODELS, home=HOME))


def test_warnings_of_models_stand_below_the_table() -> None:
    model = replace(MODELS[0], warnings=("the source is quantized already",))
    assert "\ndigits: the source is quantized already\n1 model" in render_models([model])


def test_empty_store_says_what_fills_it() -> None:
    assert render_models(()) == "The model store is empty; `inferstack up` fills it.\n"


def test_json_has_whole_digests_and_paths() -> None:
    [first, *_] = json.loads(json.dumps(models_json(MODELS)))
    assert len(first["digest"]) == 64
    assert first["path"].startswith("/")


def test_sizes_have_three_digits() -> None:
    assert [size(n) for n in (0, 999, 1000, 999_499, 999_600, 12_345_678)] == [
        "0 B", "999 B", "1 kB", "999 kB", "1 MB", "12.3 MB",
    ]  # fmt: skip

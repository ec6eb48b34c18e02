"""A model's errands in pods, as real processes: what they leave in the store and what they say."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components import codec
from components.models.digest import file_digest
from components.models.order import Conversion, Data, Order, Original, Place
from tests.components.models.model_builders import a_data_set, an_onnx
from tests.components.models.test_depot import KEPT, a_model
from tests.components.models.web_store import WebStore, web_store

ROOT = Path(__file__).parents[3]


def errand(name: str, order: Order | str, given: bytes = b"") -> tuple[int, dict[str, Any]]:
    """The exit code and the answer of an errand."""
    text = order if isinstance(order, str) else json.dumps(codec.encode(order))
    command = [sys.executable, "-m", "components.models.pod", name, text]
    done = subprocess.run(command, cwd=ROOT, input=given, capture_output=True, timeout=120, check=False)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done.returncode, json.loads(done.stdout)


def an_order(tmp_path: Path, **changes: Any) -> Order:
    order = Order("digits", "k1", Place(folder=str(tmp_path / "volume")), folder=str(tmp_path / "pod"))
    return replace(order, **changes)


def an_original(store: WebStore, tmp_path: Path, *, sha256: str | None = None) -> Original:
    """A classifier that the web server has."""
    source = an_onnx(tmp_path / "source" / "digits.onnx")
    store.files["/digits.onnx"] = source.read_bytes()
    return Original(f"{store.url}/digits.onnx", "https://example.com/digits.onnx", sha256 or file_digest(source))


def a_tar(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(folder, arcname=".")
    return buffer.getvalue()


def test_a_conversion_leaves_a_model_that_is_fit_to_be_served(tmp_path: Path) -> None:
    with web_store() as store:
        data = a_data_set(tmp_path / "holdout.npz", wrong=6)
        conversion = Conversion(an_original(store, tmp_path), "fp16", evaluation=Data(file=str(data)))
        place = Place(url=f"{store.url}/models")
        code, answer = errand("convert", an_order(tmp_path, store=place, conversion=conversion))
        assert (code, answer["precision"], answer["accuracy"]) == (0, "fp16", pytest.approx(0.9))
        assert store.below("models/k1") == KEPT
        code, fetched = errand("fetch", an_order(tmp_path, store=place, digest=answer["digest"]))
        assert (code, fetched) == (0, {"digest": answer["digest"]})


def test_a_source_with_another_digest_is_not_converted(tmp_path: Path) -> None:
    with web_store() as store:
        conversion = Conversion(an_original(store, tmp_path, sha256="0" * 64), "fp32")
        code, answer = errand("convert", an_order(tmp_path, conversion=conversion))
    assert code == 4
    assert "another digest" in answer["error"]["message"]
    assert not (tmp_path / "volume" / "k1").exists()


def test_what_the_store_has_already_is_not_made_again(tmp_path: Path) -> None:
    with web_store() as store:
        order = an_order(tmp_path, conversion=Conversion(an_original(store, tmp_path), "fp32"))
        assert errand("convert", order)[0] == 0
        store.files.clear()
        assert errand("convert", replace(order, folder=str(tmp_path / "another"))) == errand("convert", order)


def test_int8_that_costs_too_much_accuracy_fails_with_both_figures(tmp_path: Path) -> None:
    # Calibrated on zeros, the activations of real rows are cut off.
    calibration = a_data_set(tmp_path / "zeros.npz", pixels=np.zeros((8, 4), np.float32))
    evaluation = a_data_set(tmp_path / "holdout.npz")
    with web_store() as store:
        conversion = Conversion(
            an_original(store, tmp_path), "int8", calibration=Data(file=str(calibration)),
            evaluation=Data(file=str(evaluation)), max_accuracy_drop=0.001,
        )  # fmt: skip
        code, answer = errand("convert", an_order(tmp_path, conversion=conversion))
    assert code == 1
    assert "too much accuracy" in answer["error"]["message"]
    assert "before: 100.00%" in answer["error"]["why"]
    assert not (tmp_path / "volume" / "k1").exists()


def test_a_stricter_limit_judges_what_the_store_has_already(tmp_path: Path) -> None:
    calibration = a_data_set(tmp_path / "zeros.npz", pixels=np.zeros((8, 4), np.float32))
    evaluation = a_data_set(tmp_path / "holdout.npz")
    with web_store() as store:
        made = Conversion(
            an_original(store, tmp_path), "int8", calibration=Data(file=str(calibration)),
            evaluation=Data(file=str(evaluation)),
        )  # fmt: skip
        assert errand("convert", an_order(tmp_path, conversion=made))[0] == 0
        code, answer = errand("convert", an_order(tmp_path, conversion=replace(made, max_accuracy_drop=0.001)))
    assert (code, "too much accuracy" in answer["error"]["message"]) == (1, True)


def test_a_mounted_model_is_checked_where_it_is(tmp_path: Path) -> None:
    kept = a_model(tmp_path).rename(tmp_path / "k1")
    order = an_order(tmp_path, store=Place(folder=str(tmp_path)))
    assert errand("check", order)[0] == 0
    (kept / "digits" / "1" / "model.xml").write_text("other")
    code, answer = errand("check", order)
    assert code == 4
    assert "not those that were recorded" in answer["error"]["message"]


def test_a_model_that_is_received_is_in_the_store(tmp_path: Path) -> None:
    tar = a_tar(a_model(tmp_path))
    code, answer = errand("receive", an_order(tmp_path, received_bytes=len(tar)), tar)
    assert (code, answer["key"]) == (0, "k1")
    assert errand("check", an_order(tmp_path, digest=answer["digest"]))[0] == 0


@pytest.mark.parametrize("length", [0, 1000, 3000])
def test_a_model_that_does_not_arrive_whole_is_not_kept(tmp_path: Path, length: int) -> None:
    tar = a_tar(a_model(tmp_path))[:length]
    code, answer = errand("receive", an_order(tmp_path, received_bytes=len(tar) + 10240), tar)
    assert code != 0
    assert answer["error"]["message"]
    assert not (tmp_path / "volume" / "k1").exists()


def test_a_received_model_is_the_one_that_was_announced(tmp_path: Path) -> None:
    tar = a_tar(a_model(tmp_path))
    code, answer = errand("receive", an_order(tmp_path, received_bytes=len(tar), digest="0" * 64), tar)
    assert code == 4
    assert "asked for" in answer["error"]["message"]


def test_a_fetched_model_that_is_there_already_is_not_fetched_again(tmp_path: Path) -> None:
    a_model(tmp_path).rename(tmp_path / "k1")
    order = an_order(tmp_path, store=Place(url="http://127.0.0.1:9"), folder=str(tmp_path))
    assert errand("fetch", order)[0] == 0


@pytest.mark.parametrize(("name", "order"), [("bake", "{}"), ("check", "{}"), ("check", "/nowhere")])
def test_orders_that_cannot_be_understood_are_refused(name: str, order: str) -> None:
    code, answer = errand(name, order)
    assert code == 3
    assert answer["error"]["message"]

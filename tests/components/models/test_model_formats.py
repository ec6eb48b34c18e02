"""What OpenVINO reads is let through; everything else says why not and what would."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.models.formats import check_name, model_digest, model_files
from schemas.errors import PreflightError
from schemas.model_formats import UNREADABLE
from tests.components.models import model_builders as build


@pytest.mark.parametrize("name", ["a.onnx", "a.xml", "a.pb", "a.tflite", "a.pdmodel", "A.ONNX"])
def test_readable_names_are_accepted(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("suffix", sorted(UNREADABLE))
def test_unreadable_format_says_why_and_what_to_do(suffix: str) -> None:
    with pytest.raises(PreflightError) as caught:
        check_name(f"net{suffix}")
    assert caught.value.why
    assert caught.value.remedy


def test_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(PreflightError) as caught:
        check_name("net.mystery")
    assert "ONNX (.onnx)" in caught.value.remedy


def test_ir_without_weights_names_the_missing_file(tmp_path: Path) -> None:
    path = build.an_ir(tmp_path / "net.xml")
    path.with_suffix(".bin").unlink()
    with pytest.raises(PreflightError, match=r"net\.bin is missing"):
        model_files(path)


def test_changed_weights_change_the_digest_of_an_ir(tmp_path: Path) -> None:
    path = build.an_ir(tmp_path / "net.xml")
    before = model_digest(path)
    path.with_suffix(".bin").write_bytes(b"other")
    assert model_digest(path) != before


def test_file_of_a_saved_model_points_to_its_folder(tmp_path: Path) -> None:
    folder = build.a_saved_model(tmp_path / "net")
    with pytest.raises(PreflightError) as caught:
        model_files(folder / "saved_model.pb")
    assert str(folder) in caught.value.remedy


def test_folder_with_one_onnx_and_its_data_is_that_model(tmp_path: Path) -> None:
    path = build.an_onnx(tmp_path / "net.onnx")
    (tmp_path / "weights.data").write_bytes(b"1")
    assert model_files(tmp_path) == (path,)


def test_folder_with_two_models_names_both(tmp_path: Path) -> None:
    build.an_onnx(tmp_path / "a.onnx")
    build.an_onnx(tmp_path / "b.onnx")
    with pytest.raises(PreflightError) as caught:
        model_files(tmp_path)
    assert caught.value.why == "it holds a.onnx, b.onnx"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        (b"<!DOCTYPE html><html>Sign in</html>", "web page"),
        (b"", "empty"),
    ],
)
def test_file_that_only_looks_like_a_model_is_recognised(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(PreflightError, match=says):
        model_files(path)

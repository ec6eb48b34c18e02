"""Digests say what something is, wherever it lies."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from components.models.digest import check_digest, file_digest, folder_digest, ir_digest, value_digest
from schemas.errors import PreflightError


def test_ir_digest_covers_graph_and_weights(tmp_path: Path) -> None:
    (tmp_path / "model.xml").write_bytes(b"graph")
    (tmp_path / "model.bin").write_bytes(b"weights")
    assert ir_digest(tmp_path / "model.xml") == hashlib.sha256(b"graphweights").hexdigest()


def test_file_digest_is_what_sha256sum_prints(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    assert file_digest(tmp_path / "a") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_copied_folder_keeps_its_digest(tmp_path: Path) -> None:
    (tmp_path / "a" / "variables").mkdir(parents=True)
    (tmp_path / "a" / "saved_model.pb").write_bytes(b"1")
    (tmp_path / "a" / "variables" / "data").write_bytes(b"2")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert folder_digest(tmp_path / "a") == folder_digest(tmp_path / "b")


def test_renamed_file_changes_the_digest_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1")
    before = folder_digest(tmp_path)
    (tmp_path / "one").rename(tmp_path / "two")
    assert folder_digest(tmp_path) != before


def test_order_of_keys_does_not_change_a_value_digest() -> None:
    assert value_digest({"a": 1, "b": [2]}) == value_digest({"b": [2], "a": 1})


def test_wrong_digest_is_told_with_both_digests() -> None:
    with pytest.raises(PreflightError) as caught:
        check_digest("model.onnx", "a" * 64, "b" * 64)
    assert "a" * 64 in caught.value.why
    assert "b" * 64 in caught.value.why

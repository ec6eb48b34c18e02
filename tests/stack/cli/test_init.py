"""`init` writes a spec that is valid wherever it is written, and can be planned once its model is there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.cli import main
from stack.cli.newcomer import as_name, found_models, scalar, source_of
from tests.components.models.model_builders import an_ir, an_onnx


@pytest.fixture(autouse=True)
def _in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_init_in_an_empty_folder_is_valid_and_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init"]) == 0
    assert f"put a model at {tmp_path / 'model.onnx'}" in capsys.readouterr().out
    assert main(["validate"]) == 0
    assert main(["preview"]) == 3


def test_init_beside_a_model_can_be_planned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    an_onnx(tmp_path / "digits.onnx")
    assert main(["init"]) == 0
    assert "put a model" not in capsys.readouterr().out
    assert main(["preview"]) == 0
    assert "digits-latency-0" in capsys.readouterr().out
    assert not (tmp_path / ".inferstack").exists()


@pytest.mark.parametrize("name", ["no", "2026", "a model, really", "UPPER_case"])
def test_init_takes_models_of_any_name(tmp_path: Path, name: str) -> None:
    an_ir(tmp_path / f"{name}.xml")
    assert main(["init", "--name", name]) == 0
    assert main(["validate"]) == 0
    assert main(["preview"]) == 0


def test_init_names_a_model_from_where_the_spec_stands(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "specs").mkdir()
    an_ir(tmp_path / "models" / "net.xml")
    assert main(["init", "specs/net.yaml", "--model", "models/net.xml"]) == 0
    assert "source: ../models/net.xml" in (tmp_path / "specs" / "net.yaml").read_text()
    assert main(["preview", "specs/net.yaml"]) == 0


@pytest.mark.parametrize(("make", "model"), [(an_onnx, "model.onnx"), (an_ir, "model.xml")])
def test_the_digest_of_a_model_is_printed_by_the_command_that_init_names(
    tmp_path: Path, make: Callable[[Path], object], model: str
) -> None:
    make(tmp_path / model)
    assert main(["init"]) == 0
    spec = tmp_path / "inferstack.yaml"
    command = re.findall("# sha256: .*`(.+)` prints it", spec.read_text())[0].replace("FILE", model)
    digest = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    spec.write_text(spec.read_text().replace("# sha256: ...", f"sha256: {digest.split()[0]} #"))
    assert main(["preview"]) == 0


def test_init_among_several_models_says_which_one_it_took(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        an_ir(tmp_path / f"{name}.xml")
    assert main(["init"]) == 0
    assert "it serves a.xml, one of 2 models here (a.xml, b.xml); --model FILE chooses" in capsys.readouterr().out
    assert main(["init", "--force", "--model", "b.xml"]) == 0
    assert "one of" not in capsys.readouterr().out


def test_init_makes_the_folder_of_its_file(tmp_path: Path) -> None:
    assert main(["init", "sub/folder/x.yaml"]) == 0
    assert main(["validate", "sub/folder/x.yaml"]) == 0


def test_init_overwrites_only_when_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    assert main(["init"]) == 3
    assert "inferstack init --force" in capsys.readouterr().err
    assert main(["init", "--force"]) == 0


def test_a_spec_of_init_is_completed_by_editors(tmp_path: Path) -> None:
    assert main(["init"]) == 0
    first = (tmp_path / "inferstack.yaml").read_text().splitlines()[0]
    assert Path(first.removeprefix("# yaml-language-server: $schema=")).is_file()


def test_texts_that_yaml_would_read_as_something_else_are_quoted() -> None:
    assert [scalar(text) for text in ("digits", "no", "12", "2026-01-01", "a b.onnx")] == [
        "digits",
        '"no"',
        '"12"',
        '"2026-01-01"',
        '"a b.onnx"',
    ]


def test_names_keep_letters_digits_and_hyphens() -> None:
    assert [as_name(text) for text in ("My Model_2", "--", "a" * 80)] == ["my-model-2", "", "a" * 63]


def test_a_url_is_a_source_as_it_stands(tmp_path: Path) -> None:
    assert source_of("https://example.test/m.onnx", tmp_path) == "https://example.test/m.onnx"
    assert found_models(tmp_path) == ()

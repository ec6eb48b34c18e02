"""Files that cannot be read: each says so, none is read at length."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.schemas.spec_texts import GOOD, a_file, loaded, problems, rules


def test_a_missing_file_suggests_the_one_beside_it(tmp_path: Path) -> None:
    a_file(tmp_path, name="local.yaml")
    (found,) = problems(tmp_path / "lokal.yaml")
    assert found.rule == "SPEC001"
    assert "does not exist" in found.message
    assert "local.yaml" in found.remedy


def test_a_folder_is_no_spec(tmp_path: Path) -> None:
    (found,) = problems(tmp_path)
    assert "is a folder" in found.message


def test_a_file_of_a_hundred_megabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    (found,) = problems(path)
    assert found.rule == "SPEC002"
    assert "at most 1 MiB" in found.message


def test_an_endless_device_is_refused() -> None:
    (found,) = problems(Path("/dev/zero"))
    assert found.rule == "SPEC002"


@pytest.mark.parametrize(
    ("data", "says", "line"),
    [
        ("name: d\u00e9mo\n".encode("latin-1"), "byte 0xe9 is not UTF-8", 1),
        (b"a: 1\nb: \xff\n", "byte 0xff is not UTF-8", 2),
        ("name: demo\n".encode("utf-16"), "UTF-16", 1),
        (bytes(range(256)), "byte 0x80", 1),
    ],
)
def test_what_is_not_utf8_says_where(tmp_path: Path, data: bytes, says: str, line: int) -> None:
    (found,) = problems(a_file(tmp_path, data))
    assert found.rule == "SPEC002"
    assert says in found.message
    assert found.location is not None
    assert found.location.line >= line
    assert "iconv" in found.remedy


def test_a_byte_order_mark_and_windows_lines_are_fine(tmp_path: Path) -> None:
    path = a_file(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert loaded(path).spec.name == "demo"


def test_what_a_file_extends_is_named_where_it_says_so(tmp_path: Path) -> None:
    path = a_file(tmp_path, "extends: bass.yaml\nname: top\n")
    a_file(tmp_path, name="base.yaml")
    (found,) = problems(path)
    assert found.rule == "SPEC001"
    assert found.location is not None
    assert (found.location.line, found.location.column) == (1, 10)
    assert "base.yaml" in found.remedy


def test_a_circle_of_files_is_told_with_its_way(tmp_path: Path) -> None:
    a_file(tmp_path, "extends: b.yaml\n", "a.yaml")
    a_file(tmp_path, "extends: sub/../c.yaml\n", "b.yaml")
    path = a_file(tmp_path, "extends: a.yaml\n", "c.yaml")
    (found,) = problems(path)
    assert found.rule == "LAYER002"
    assert "c.yaml -> a.yaml -> b.yaml -> c.yaml" in found.message


@pytest.mark.parametrize("value", ["[a.yaml, b.yaml]", "5", "https://example.com/a.yaml", "{a: 1}"])
def test_extends_takes_one_path(tmp_path: Path, value: str) -> None:
    assert rules(problems(a_file(tmp_path, f"extends: {value}\n"))) == ["LAYER001"]

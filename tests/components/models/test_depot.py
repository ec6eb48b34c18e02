"""Where clusters keep models: what is kept is whole, what is altered is found, what passes is tried again."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.models.depot import Depot, Folder, Web, checked, depot_of
from components.models.material import Obtained
from components.models.order import Place
from components.models.store import Conversion, converted
from schemas.errors import InferstackError, PreflightError
from tests.components.models.model_builders import an_ir
from tests.components.models.web_store import WebStore, web_store

KEPT = ["digits/1/model.bin", "digits/1/model.xml", "manifest.json"]


def a_model(folder: Path, *, half: bool = False) -> Path:
    """The folder of a converted model, as a store has it."""
    source = an_ir(folder / "source" / "model.xml", half=half)
    stored = converted(Conversion("digits", Obtained(source, "1" * 64), "here", "fp32"), folder / "models")
    return folder / "models" / stored.key


def put(depot: Depot, model: Path, key: str = "k1") -> str:
    """Keep a model; its digest."""
    depot.keep(model, key, "digits")
    known = depot.known(key)
    assert known is not None
    return str(known["digest"])


def test_a_folder_gives_back_what_was_kept_there(tmp_path: Path) -> None:
    depot = depot_of(Place(folder=str(tmp_path / "volume")))
    digest = put(depot, a_model(tmp_path))
    depot.take("k1", "digits", tmp_path / "pod")
    assert checked(tmp_path / "pod" / "k1", "digits", digest) == digest


def test_a_web_server_gives_back_what_was_kept_there(tmp_path: Path) -> None:
    with web_store() as store:
        depot = depot_of(Place(url=f"{store.url}/models/"))
        digest = put(depot, a_model(tmp_path))
        assert store.below("models/k1") == KEPT
        depot.take("k1", "digits", tmp_path / "pod")
        assert checked(tmp_path / "pod" / "k1", "digits", digest) == digest


def test_the_manifest_comes_last_so_that_what_has_one_is_whole(tmp_path: Path) -> None:
    with web_store() as store:
        put(Web(store.url), a_model(tmp_path))
        assert [path for method, path in store.asked if method == "PUT"][-1] == "/k1/manifest.json"


def test_what_is_kept_already_is_not_sent_again(tmp_path: Path) -> None:
    with web_store() as store:
        model = a_model(tmp_path)
        put(Web(store.url), model)
        store.asked.clear()
        put(Web(store.url), model)
        assert {method for method, _ in store.asked} == {"GET"}


@pytest.mark.parametrize("kind", ["folder", "web"])
def test_another_model_under_the_same_key_takes_the_place_of_the_first(tmp_path: Path, kind: str) -> None:
    with web_store() as store:
        depot: Depot = Folder(tmp_path / "volume") if kind == "folder" else Web(store.url)
        first = put(depot, a_model(tmp_path / "one"))
        second = put(depot, a_model(tmp_path / "two", half=True))
        assert first != second


def test_an_altered_model_in_a_folder_counts_as_not_there(tmp_path: Path) -> None:
    depot = Folder(tmp_path / "volume")
    put(depot, a_model(tmp_path))
    (tmp_path / "volume" / "k1" / "digits" / "1" / "model.bin").write_bytes(b"other")
    assert depot.known("k1") is None


def test_other_users_may_read_a_kept_model(tmp_path: Path) -> None:
    put(Folder(tmp_path / "volume"), a_model(tmp_path))
    kept = tmp_path / "volume" / "k1"
    modes = {path.stat().st_mode & 0o777 for path in (kept, *kept.rglob("*"))}
    assert modes == {0o755, 0o644}


def test_passing_failures_are_tried_again(tmp_path: Path) -> None:
    with web_store(WebStore(faults=[503, 500])) as store:
        put(Web(store.url, pauses_s=(0, 0)), a_model(tmp_path))
        assert store.below("k1") == KEPT


def test_a_server_that_stays_ill_is_named(tmp_path: Path) -> None:
    with web_store(WebStore(faults=[503] * 9)) as store, pytest.raises(PreflightError, match="does not answer") as told:
        put(Web(store.url, pauses_s=(0,)), a_model(tmp_path))
    assert "503" in told.value.why


@pytest.mark.parametrize(("answers", "remedy"), [([401], "Secret"), ([403], "right"), ([404, 405], "no PUT")])
def test_what_a_server_refuses_says_what_to_do(tmp_path: Path, answers: list[int], remedy: str) -> None:
    with web_store(WebStore(faults=answers)) as store, pytest.raises(PreflightError) as told:
        Web(store.url).keep(a_model(tmp_path), "k1", "digits")
    assert remedy in told.value.remedy


def test_a_model_that_is_not_in_the_store_is_said_so(tmp_path: Path) -> None:
    with web_store() as store, pytest.raises(PreflightError) as told:
        Web(store.url).take("k1", "digits", tmp_path / "pod")
    assert "not in the store" in told.value.remedy


@pytest.mark.parametrize("file", ["model.xml", "model.bin"])
def test_altered_files_are_not_served(tmp_path: Path, file: str) -> None:
    model = a_model(tmp_path)
    (model / "digits" / "1" / file).write_bytes(b"other")
    with pytest.raises(PreflightError, match="not those that were recorded"):
        checked(model, "digits", None)


def test_a_whole_model_that_is_not_the_one_asked_for_is_not_served(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="not those that were asked for") as told:
        checked(a_model(tmp_path), "digits", "0" * 64)
    assert "0" * 64 in told.value.why


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    model = a_model(tmp_path)
    (model / "digits" / "1" / "model.bin").unlink()
    with pytest.raises(PreflightError, match=r"model\.bin is missing"):
        checked(model, "digits", None)


def test_a_folder_without_manifest_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="is not in the store"):
        checked(tmp_path / "k1", "digits", None)


def test_a_manifest_that_is_none_is_said_so(tmp_path: Path) -> None:
    model = a_model(tmp_path)
    (model / "manifest.json").write_text("<html>")
    with pytest.raises(InferstackError, match="no manifest"):
        checked(model, "digits", None)


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "volume").write_text("a file where the volume should be")
    with pytest.raises(PreflightError, match="cannot be written"):
        Folder(tmp_path / "volume").keep(a_model(tmp_path), "k1", "digits")

"""Objects in files: found, read whole, and refused with the place of what is wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from components.extensions.documents import read
from components.extensions.planning import with_documents
from schemas.errors import PreflightError, UsageError
from tests.components.extensions.builders import a_file, an_extension, planned, the

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


def kinds(*found: object) -> list[str]:
    return [one["metadata"]["name"] for one in found if isinstance(one, dict)]


def test_every_document_of_a_file_is_an_object(tmp_path: Path) -> None:
    file = a_file(tmp_path, f"# nothing\n---\n{MAP % 'one'}---\n---\n{MAP % 'two'}")

    assert kinds(*read(str(file), tmp_path)) == ["one", "two"]


def test_a_folder_is_read_by_name_and_other_files_are_left_out(tmp_path: Path) -> None:
    a_file(tmp_path, MAP % "second", "b.yml")
    a_file(tmp_path, MAP % "first", "a.yaml")
    a_file(tmp_path, '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "third"}}', "c.json")
    a_file(tmp_path, "not: [an object", "README.md")

    assert kinds(*read(str(tmp_path), tmp_path)) == ["first", "second", "third"]


def test_the_items_of_a_list_are_objects(tmp_path: Path) -> None:
    file = a_file(
        tmp_path,
        "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod, metadata: {name: one}}]\n",
    )

    assert kinds(*read(str(file), tmp_path)) == ["one"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [1", "while parsing"),
        ("just words", "`apiVersion` and `kind`"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n", "no `metadata.name`"),
        ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n", "kustomization"),
        ("apiVersion: 1\nkind: Pod\n", "`apiVersion` and `kind`"),
    ],
)
def test_what_is_no_object_is_refused_with_its_place(tmp_path: Path, text: str, why: str) -> None:
    file = a_file(tmp_path, text)

    with pytest.raises(UsageError) as caught:
        read(str(file), tmp_path)
    assert str(file) in caught.value.message
    assert why in caught.value.why


def test_a_file_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read(str(tmp_path / "nowhere.yaml"), tmp_path)


def test_a_folder_without_manifests_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no manifests"):
        read(str(tmp_path), tmp_path)


def test_the_objects_of_an_extension_come_from_its_file(tmp_path: Path) -> None:
    file = a_file(tmp_path, MAP % "one")
    extensions = planned("keda", an_extension("mine", manifests=str(file)))

    mine = the(with_documents(extensions, tmp_path), "mine")
    assert kinds(*mine.objects) == ["one"]
    assert mine.after == ("keda",)


@pytest.fixture
def a_web_server(tmp_path: Path) -> Iterator[str]:
    """The address of a server of the files in `tmp_path / "web"`."""
    folder = tmp_path / "web"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_of_the_web_is_fetched_once(tmp_path: Path, a_web_server: str) -> None:
    served = a_file(tmp_path / "web", MAP % "one")
    url = f"{a_web_server}/objects.yaml"

    assert kinds(*read(url, tmp_path / "store")) == ["one"]
    served.unlink()
    assert kinds(*read(url, tmp_path / "store")) == ["one"]


def test_a_file_that_the_web_does_not_have_says_what_to_do_instead(tmp_path: Path, a_web_server: str) -> None:
    with pytest.raises(PreflightError) as caught:
        read(f"{a_web_server}/nothing.yaml", tmp_path / "store")
    assert "404" in caught.value.why
    assert "`manifests:`" in caught.value.remedy


def test_a_plan_that_is_looked_at_fetches_nothing_and_says_what_is_missing(tmp_path: Path, a_web_server: str) -> None:
    a_file(tmp_path / "web", MAP % "one")
    url = f"{a_web_server}/objects.yaml"
    mine = an_extension("mine", manifests=url)

    looked_at = with_documents(planned(mine), tmp_path / "store", download=False)
    assert the(looked_at, "mine").objects == ()
    assert looked_at.notes == (f"mine: what {url} holds is fetched at `up`, and not in this plan",)
    assert not (tmp_path / "store").exists()

    with_documents(planned(mine), tmp_path / "store")
    known = with_documents(planned(mine), tmp_path / "store", download=False)
    assert kinds(*the(known, "mine").objects) == ["one"]
    assert known.notes == ()


def test_what_is_installed_stands_for_a_file_that_is_not_in_the_store(tmp_path: Path) -> None:
    mine = an_extension("mine", manifests="https://example.org/objects.yaml")
    there = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}

    found = with_documents(planned(mine), tmp_path / "store", installed={"mine": [there]}, download=False)

    assert the(found, "mine").objects == (there,)
    assert "taken to be what is installed until then" in found.notes[0]

"""Downloads arrive whole and checked, over a server that breaks off."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from components.models.fetch import fetch
from components.models.urls import check_url, file_name, sibling
from components.progress import listener
from schemas.errors import PreflightError, UsageError
from tests.components.models.file_server import FileServer, serving

CONTENT = bytes(range(256)) * 4000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
QUICK = (0.0, 0.01, 0.01)


def a_server(**changes: object) -> FileServer:
    return FileServer({"/net.onnx": CONTENT}, **changes)  # type: ignore[arg-type]


def test_file_is_kept_by_its_digest_and_not_fetched_twice(tmp_path: Path) -> None:
    with serving(a_server()) as server:
        first = fetch(f"{server.url}/net.onnx", sha256=DIGEST, store=tmp_path)
        second = fetch(f"{server.url}/net.onnx", sha256=DIGEST, store=tmp_path)
    assert first == second
    assert first.path == tmp_path / "downloads" / DIGEST / "net.onnx"
    assert first.path.read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_cut_connection_is_resumed_where_it_broke(tmp_path: Path) -> None:
    with serving(a_server(faults=[300_000, 300_000])) as server:
        fetched = fetch(f"{server.url}/net.onnx", sha256=None, store=tmp_path, pauses_s=QUICK)
    assert fetched.path.read_bytes() == CONTENT
    assert [request.get("range") for request in server.requests] == [None, "bytes=300000-", "bytes=600000-"]
    assert server.requests[1]["if-range"] == '"one"'


def test_download_is_resumed_by_the_next_run(tmp_path: Path) -> None:
    with serving(a_server(faults=[300_000, "503", "503", "503", "503"])) as server:
        with pytest.raises(PreflightError, match="could not be fetched") as caught:
            fetch(f"{server.url}/net.onnx", sha256=DIGEST, store=tmp_path, pauses_s=QUICK)
        server.faults.clear()
        fetched = fetch(f"{server.url}/net.onnx", sha256=DIGEST, store=tmp_path, pauses_s=QUICK)
    assert "503" in caught.value.why
    assert fetched.path.read_bytes() == CONTENT
    assert server.requests[-1]["range"] == "bytes=300000-"


def test_file_that_changed_meanwhile_is_fetched_anew(tmp_path: Path) -> None:
    with serving(a_server(faults=[300_000, "503", "503", "503", "503"])) as server:
        with pytest.raises(PreflightError):
            fetch(f"{server.url}/net.onnx", sha256=None, store=tmp_path, pauses_s=QUICK)
        server.faults, server.etag, server.files["/net.onnx"] = [], '"two"', b"new" * 200_000
        fetched = fetch(f"{server.url}/net.onnx", sha256=None, store=tmp_path, pauses_s=QUICK)
    assert fetched.path.read_bytes() == b"new" * 200_000


def test_server_without_ranges_or_etags_still_delivers(tmp_path: Path) -> None:
    with serving(a_server(faults=[300_000], ranges=False, etag=None)) as server:
        fetched = fetch(f"{server.url}/net.onnx", sha256=DIGEST, store=tmp_path, pauses_s=QUICK)
    assert fetched.path.read_bytes() == CONTENT


def test_size_may_be_unknown(tmp_path: Path) -> None:
    with serving(a_server(length=False)) as server:
        fetched = fetch(f"{server.url}/net.onnx", sha256=DIGEST, store=tmp_path, pauses_s=QUICK)
    assert fetched.path.read_bytes() == CONTENT


def test_download_that_was_whole_when_it_was_killed_is_taken(tmp_path: Path) -> None:
    url = ""
    with serving(a_server(faults=[len(CONTENT)])) as server:
        url = f"{server.url}/net.onnx"
        fetched = fetch(url, sha256=None, store=tmp_path, pauses_s=QUICK)
        partial = next((tmp_path / "downloads" / "partial").glob("*.lock")).with_suffix("")
        partial.mkdir()
        fetched.path.rename(partial / "net.onnx")
        (partial / "net.onnx.validator").write_text('"one"')
        again = fetch(url, sha256=None, store=tmp_path, pauses_s=QUICK)
    assert again.path.read_bytes() == CONTENT
    assert server.requests[-1]["range"] == f"bytes={len(CONTENT)}-"


def test_wrong_content_is_thrown_away_and_both_digests_told(tmp_path: Path) -> None:
    with serving(a_server()) as server, pytest.raises(PreflightError) as caught:
        fetch(f"{server.url}/net.onnx", sha256="0" * 64, store=tmp_path)
    assert DIGEST in caught.value.why
    assert "0" * 64 in caught.value.why
    assert not list(tmp_path.rglob("net.onnx*"))


def test_unpinned_file_is_trusted_as_it_came_first_and_says_how_to_pin_it(tmp_path: Path) -> None:
    with serving(a_server()) as server:
        first = fetch(f"{server.url}/net.onnx", sha256=None, store=tmp_path)
        server.files["/net.onnx"] = b"changed"
        second = fetch(f"{server.url}/net.onnx", sha256=None, store=tmp_path)
    assert first == second
    assert f"sha256: {DIGEST}" in first.warnings[0]


@pytest.mark.parametrize(
    "content", [b"", b"<!DOCTYPE html><title>Log in</title>", b"version https://git-lfs.github.com"]
)
def test_content_that_is_no_model_is_told_and_asked_for_again(tmp_path: Path, content: bytes) -> None:
    with serving(FileServer({"/net.onnx": content})) as server:
        with pytest.raises(PreflightError, match=rf"{server.url}/net.onnx is "):
            fetch(f"{server.url}/net.onnx", sha256=None, store=tmp_path)
        server.files["/net.onnx"] = CONTENT
        assert fetch(f"{server.url}/net.onnx", sha256=None, store=tmp_path).digest == DIGEST


def test_redirects_in_a_circle_are_told_at_once(tmp_path: Path) -> None:
    server = FileServer({}, redirects={"/net.onnx": "/net.onnx"})
    with serving(server), pytest.raises(PreflightError, match="could not be fetched") as caught:
        fetch(f"{server.url}/net.onnx", sha256=None, store=tmp_path, pauses_s=QUICK)
    assert "redirects" in caught.value.why


def test_missing_file_is_not_tried_again(tmp_path: Path) -> None:
    with serving(a_server()) as server, pytest.raises(PreflightError) as caught:
        fetch(f"{server.url}/other.onnx", sha256=DIGEST, store=tmp_path)
    assert "404" in caught.value.why
    assert len(server.requests) == 1


def test_server_that_is_not_there_is_told_without_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="could not be fetched"):
        fetch("http://127.0.0.1:9/net.onnx", sha256=DIGEST, store=tmp_path, pauses_s=QUICK)


def test_graph_and_weights_of_an_ir_come_together(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"graphweights").hexdigest()
    with serving(FileServer({"/v1/net.xml": b"graph", "/v1/net.bin": b"weights"})) as server:
        fetched = fetch(f"{server.url}/v1/net.xml?token=1", sha256=digest, store=tmp_path, beside="net.bin")
    assert fetched.path.with_suffix(".bin").read_bytes() == b"weights"


def test_same_content_under_two_names_is_kept_under_both(tmp_path: Path) -> None:
    with serving(FileServer({"/a.onnx": CONTENT, "/b.onnx": CONTENT})) as server:
        first = fetch(f"{server.url}/a.onnx", sha256=None, store=tmp_path)
        second = fetch(f"{server.url}/b.onnx", sha256=None, store=tmp_path)
    assert (first.path.name, second.path.name) == ("a.onnx", "b.onnx")
    assert first.path.exists()


def test_redirect_to_plain_http_elsewhere_is_refused(tmp_path: Path) -> None:
    server = a_server(redirects={"/moved.onnx": "http://192.0.2.1/net.onnx"})
    with serving(server), pytest.raises(UsageError, match=r"http://192\.0\.2\.1/net\.onnx is not fetched"):
        fetch(f"{server.url}/moved.onnx", sha256=None, store=tmp_path, pauses_s=QUICK)


def test_progress_tells_how_much_has_come(tmp_path: Path) -> None:
    heard: list[tuple[str, float | None]] = []
    token = listener.set(lambda text, fraction: heard.append((text, fraction)))
    with serving(FileServer({"/net.onnx": CONTENT, "/small.onnx": b"model" * 100})) as server:
        fetch(f"{server.url}/net.onnx", sha256=DIGEST, store=tmp_path)
        assert heard[-1] == ("fetching net.onnx: 1.0 MB of 1.0 MB", 1.0)
        fetch(f"{server.url}/small.onnx", sha256=None, store=tmp_path)
    listener.reset(token)
    assert heard[-1] == ("fetching small.onnx: 0.5 kB of 0.5 kB", 1.0)


@pytest.mark.parametrize(
    ("url", "sha256", "allowed"),
    [
        ("https://example.com/a.onnx", None, True),
        ("http://example.com/a.onnx", "0" * 64, True),
        ("http://example.com/a.onnx", None, False),
        ("http://127.0.0.1:80/a.onnx", None, True),
        ("ftp://example.com/a.onnx", "0" * 64, False),
        ("gs://bucket/a.onnx", None, False),
    ],
)
def test_plain_http_needs_a_digest_or_this_machine(url: str, sha256: str | None, allowed: bool) -> None:
    if allowed:
        check_url(url, sha256)
        return
    with pytest.raises(UsageError):
        check_url(url, sha256)


def test_names_come_from_the_path_of_a_url() -> None:
    assert file_name("https://example.com/a/net%20one.onnx?x=/b.pb#c") == "net one.onnx"
    assert file_name("https://example.com/") == "download"
    assert sibling("https://example.com/a/net.xml?x=1", "net.bin") == "https://example.com/a/net.bin?x=1"

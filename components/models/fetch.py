"""Models and data from the web: resumed where they broke off, checked, kept by the digest of their content.

A download goes to `downloads/partial/`; when it is whole and has the digest the spec states, it moves to
`downloads/DIGEST/`. What breaks off is kept and resumed, if the server can tell that the file is still the same one
(a strong ETag or a date) or the spec states the digest; what turns out wrong is thrown away.

Without a stated digest the first download is trusted and its digest recorded, so that a model does not change under a
running stack; a warning says how to pin it. Plain http is accepted with a stated digest, or from this machine itself.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from components.models.digest import check_digest, files_digest, value_digest
from components.models.formats import check_start
from components.models.once import locked, sync, write_whole
from components.models.urls import check_url, file_name, is_loopback, sibling
from components.progress import say
from schemas.errors import PreflightError

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
DIRECTLY = "the link must lead to the file itself, without a login"
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Fetched:
    """A file from the web: where it is now, the digest of its content, what the user should know."""

    path: Path
    digest: str
    warnings: tuple[str, ...] = ()


class _Broken(Exception):
    """The attempt failed in a way that another one may cure."""


def fetch(
    url: str, *, sha256: str | None, store: Path, beside: str | None = None, auth: httpx.Auth | None = None,
    pauses_s: tuple[float, ...] = PAUSES_S,
) -> Fetched:  # fmt: skip
    """The file behind `url`, from the store or else from the web; with it the file named `beside`, if given.

    `sha256` is the digest of the content (with a second file: of both, one after the other). A passing failure is
    retried after each of `pauses_s`; an attempt that got some bytes starts the count anew.

    Raises:
        UsageError: the URL is not of an allowed kind.
        PreflightError: the server does not answer or does not have the file, or it has another digest.
    """
    check_url(url, sha256)
    downloads, names = store / "downloads", (file_name(url), *([beside] if beside else []))
    identity = value_digest(url)
    record = downloads / "urls" / f"{identity}.json"
    with locked(downloads / "partial" / f"{identity}.lock", url):
        known = sha256 or _recorded(record)
        if known and _is_whole(downloads / known, names, known):
            return Fetched(downloads / known / names[0], known, _unpinned(url, sha256, known))
        partial = downloads / "partial" / identity
        partial.mkdir(exist_ok=True)
        with _client(url, sha256, auth) as client:
            for name in names:
                _download(client, sibling(url, name) if name != names[0] else url, partial / name, sha256, pauses_s)
        digest = files_digest([partial / name for name in names])
        if sha256 not in (None, digest):
            shutil.rmtree(partial)
        check_digest(url, sha256, digest)
        _check_content(url, partial, names)
        _keep(partial, downloads / digest, names)
        write_whole(record, json.dumps({"url": url, "sha256": digest}))
    return Fetched(downloads / digest / names[0], digest, _unpinned(url, sha256, digest))


def stored(url: str, store: Path) -> Path | None:
    """The file behind `url`, as far as it was fetched before; asks nobody and writes nothing."""
    known = _recorded(store / "downloads" / "urls" / f"{value_digest(url)}.json")
    if known is None or not _is_whole(store / "downloads" / known, (file_name(url),), known):
        return None
    return store / "downloads" / known / file_name(url)


def _client(url: str, sha256: str | None, auth: httpx.Auth | None) -> httpx.Client:
    """A client that follows redirects, but to nowhere that `url` itself might not lead."""

    def check(request: httpx.Request) -> None:
        check_url(str(request.url), sha256)

    return httpx.Client(
        follow_redirects=True, timeout=TIMEOUT, auth=auth, event_hooks={"request": [check]},
        trust_env=not is_loopback(urlsplit(url).hostname or ""),
    )  # fmt: skip


def _download(client: httpx.Client, url: str, target: Path, sha256: str | None, pauses_s: tuple[float, ...]) -> None:
    """Make `target` whole, attempt by attempt."""
    failures = 0
    while True:
        before = _size(target)
        try:
            return _attempt(client, url, target, sha256)
        except (httpx.TransportError, _Broken) as error:  # what another attempt may cure
            failures = 1 if _size(target) > before else failures + 1
            if failures > len(pauses_s):
                raise PreflightError(
                    f"{url} could not be fetched", why=str(error) or type(error).__name__,
                    remedy="try again: what has arrived is kept and resumed",
                ) from error  # fmt: skip
            say(f"{target.name}: {error}; trying again in {pauses_s[failures - 1]:g} s")
            time.sleep(pauses_s[failures - 1])
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PreflightError(f"{url} could not be fetched", why=str(error), remedy=DIRECTLY) from error


def _attempt(client: httpx.Client, url: str, target: Path, sha256: str | None) -> None:
    """One request for what is missing of `target`."""
    validator_file = target.with_name(target.name + ".validator")
    validator = validator_file.read_text() if validator_file.exists() else ""
    had = _size(target) if validator or sha256 else 0
    headers = {"Accept-Encoding": "identity"}
    if had:
        headers |= {"Range": f"bytes={had}-"} | ({"If-Range": validator} if validator else {})
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == 416 and response.headers.get("content-range", "").endswith(f"/{had}"):
            return
        _check_status(url, response, target)
        resumed = response.status_code == 206
        if resumed and not response.headers.get("content-range", "").startswith(f"bytes {had}-"):
            target.unlink(missing_ok=True)
            raise _Broken("the server resumed at another place than asked")
        validator_file.write_text(_validator(response))
        length = response.headers.get("content-length", "")
        total = int(length) + (had if resumed else 0) if length.isdigit() else None
        with target.open("ab" if resumed else "wb") as file:
            size = had if resumed else 0
            for block in response.iter_raw():
                file.write(block)
                size += len(block)
                say(f"fetching {target.name}: {_amount(size, total)}", size / total if total else None)


def _check_status(url: str, response: httpx.Response, target: Path) -> None:
    status = f"{response.status_code} {response.reason_phrase}".strip()
    if response.status_code in (200, 206):
        return
    if response.status_code in PASSING:
        raise _Broken(f"the server answers {status}")
    if response.status_code == 416:
        target.unlink(missing_ok=True)
        raise _Broken("the file on the server has changed")
    raise PreflightError(
        f"{url} could not be fetched", why=f"the server answers {status}",
        remedy=DIRECTLY,
    )  # fmt: skip


def _validator(response: httpx.Response) -> str:
    """What a later request can ask the server to compare: only a strong ETag may resume a file."""
    etag: str = response.headers.get("etag", "")
    return etag if etag and not etag.startswith("W/") else response.headers.get("last-modified", "")


def _check_content(url: str, partial: Path, names: tuple[str, ...]) -> None:
    """Throw away what is no model or data on its face: kept, it would stand for the URL for ever."""
    try:
        for name in names:
            check_start(partial / name, shown=sibling(url, name) if name != names[0] else url)
    except PreflightError:
        shutil.rmtree(partial)
        raise


def _keep(partial: Path, folder: Path, names: tuple[str, ...]) -> None:
    """Move whole files to where their digest is; the same content may be there already, under another name."""
    folder.mkdir(exist_ok=True)
    for name in names:
        sync(partial / name)
        (partial / name).replace(folder / name)
    sync(folder)
    shutil.rmtree(partial)


def _is_whole(folder: Path, names: tuple[str, ...], digest: str) -> bool:
    files = [folder / name for name in names]
    return all(file.is_file() for file in files) and files_digest(files) == digest


def _recorded(record: Path) -> str | None:
    if not record.exists():
        return None
    digest: str = json.loads(record.read_text())["sha256"]
    return digest


def _unpinned(url: str, sha256: str | None, digest: str) -> tuple[str, ...]:
    if sha256:
        return ()
    return (f"{url} is trusted as it came first; pin it with `sha256: {digest}`",)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _amount(size: int, total: int | None) -> str:
    unit, name = (1e6, "MB") if max(size, total or 0) >= 1e6 else (1e3, "kB")
    return f"{size / unit:.1f} {name}" + (f" of {total / unit:.1f} {name}" if total else "")

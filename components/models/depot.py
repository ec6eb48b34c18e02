"""Where a cluster keeps converted models: a mounted folder, or a bucket or server that is asked over HTTP.

A model is kept under the key of what it was made from: `KEY/manifest.json` and `KEY/NAME/1/model.xml` with `model.bin`,
as in the store of this machine. The manifest comes last (a folder: everything in one rename), so that whatever has a
manifest is whole. What is kept is replaced as a whole or not at all.

Used inside pods only, so it knows neither Pulumi nor Kubernetes. Nothing is ever deleted here.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import httpx

from components.models.digest import BLOCK_BYTES, ir_digest
from components.models.once import made_once
from components.models.order import Place
from components.models.store import MANIFEST, is_intact
from components.models.web_auth import auth_of
from schemas.errors import InferstackError, PreflightError

FILES: Final = ("model.xml", "model.bin")
PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0)
T = TypeVar("T")
TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)


class Depot(Protocol):
    """A place that keeps converted models by their keys."""

    def known(self, key: str) -> Mapping[str, Any] | None:
        """What is known about the model of a key; None when it is not kept here, or not whole."""

    def take(self, key: str, name: str, into: Path) -> None:
        """Copy the files of a model and its manifest to `into/KEY`."""

    def keep(self, folder: Path, key: str, name: str) -> None:
        """Keep the model in a folder laid out as the store's under a key; nothing if it is there already.

        Another one under this key, or one that was altered, is replaced.
        """


def depot_of(place: Place) -> Depot:
    """The depot at a place."""
    if place.folder:
        return Folder(Path(place.folder))
    return Web(place.url.rstrip("/"), auth_of(place.auth, place.region))


@dataclass(frozen=True)
class Folder:
    """A folder, such as a mounted volume."""

    path: Path

    def known(self, key: str) -> Mapping[str, Any] | None:
        """What is known about the model of a key; None when it is not kept here, or altered."""
        return manifest_of(self.path / key) if is_intact(self.path / key) else None

    def take(self, key: str, name: str, into: Path) -> None:
        """Copy the files of a model and its manifest to `into/KEY`."""
        shutil.copytree(self.path / key, into / key, dirs_exist_ok=True)

    def keep(self, folder: Path, key: str, name: str) -> None:
        """Keep a model by one rename, once all of it is on disk."""
        digest = (manifest_of(folder) or {}).get("digest")

        def is_this(kept: Path) -> bool:
            return is_intact(kept) and (manifest_of(kept) or {}).get("digest") == digest

        def make(making: Path, _lock: int) -> None:
            shutil.copytree(folder, making, dirs_exist_ok=True)
            # Served by other users than the one who made it.
            for path in (making, *making.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)

        try:
            made_once(self.path, key, make, valid=is_this, what=f"model {name}")
        except OSError as error:
            raise PreflightError(
                f"model {name} cannot be written to the store", why=f"{error.strerror}: {error.filename}",
                remedy="look whether the volume is full, or forbids this pod's group to write",
            ) from error  # fmt: skip


@dataclass(frozen=True)
class Web:
    """A bucket or a web server: `GET` reads, `PUT` writes, `KEY/...` under the URL."""

    url: str
    auth: httpx.Auth | None = None
    pauses_s: tuple[float, ...] = PAUSES_S

    def known(self, key: str) -> Mapping[str, Any] | None:
        """What is known about the model of a key; None when it is not kept here."""
        url = f"{self.url}/{key}/{MANIFEST}"

        def ask(client: httpx.Client) -> bytes | None:
            answer = client.get(url)
            if answer.status_code == 404:
                return None
            _check("reading", url, answer)
            return answer.content

        content = self._patiently(url, ask)
        return None if content is None else _parsed(content, url)

    def take(self, key: str, name: str, into: Path) -> None:
        """Copy the files of a model and its manifest to `into/KEY`."""
        for path in _paths(name):
            target = into / key / path
            target.parent.mkdir(parents=True, exist_ok=True)
            self._read(f"{self.url}/{key}/{path}", target)

    def keep(self, folder: Path, key: str, name: str) -> None:
        """Put the files, then the manifest."""
        kept = self.known(key)
        if kept is None or kept["digest"] != (manifest_of(folder) or {}).get("digest"):
            for path in _paths(name):
                self._write(folder / path, f"{self.url}/{key}/{path}")

    def _read(self, url: str, target: Path) -> None:
        def ask(client: httpx.Client) -> None:
            with client.stream("GET", url) as answer, target.open("wb") as file:
                _check("reading", url, answer)
                for block in answer.iter_raw(BLOCK_BYTES):
                    file.write(block)

        self._patiently(url, ask)

    def _write(self, path: Path, url: str) -> None:
        def ask(client: httpx.Client) -> None:
            headers = {"Content-Length": str(path.stat().st_size)}
            _check("writing", url, client.put(url, content=_blocks(path), headers=headers))

        self._patiently(url, ask)

    def _patiently(self, url: str, ask: Callable[[httpx.Client], T]) -> T:
        """Ask again after a passing failure."""
        with httpx.Client(auth=self.auth, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"}) as client:
            for pause_s in (*self.pauses_s, None):
                try:
                    return ask(client)
                except (_Passing, httpx.TransportError) as error:
                    if pause_s is None:
                        raise PreflightError(
                            f"the model store does not answer: {url}", why=str(error) or type(error).__name__,
                            remedy="look whether it is up, and reachable from the cluster's pods",
                        ) from error  # fmt: skip
                    time.sleep(pause_s)
        raise AssertionError("the last attempt returns or raises")


class _Passing(Exception):
    """An answer that another attempt may cure."""


def _paths(name: str) -> tuple[str, ...]:
    """The files of a model below its key, the manifest last."""
    return (*(f"{name}/1/{file}" for file in FILES), MANIFEST)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def _check(doing: str, url: str, answer: httpx.Response) -> None:
    if answer.is_success:
        return
    told = f"the server answers {answer.status_code} {answer.reason_phrase}".strip()
    if answer.status_code in PASSING:
        raise _Passing(told)
    remedies = {
        401: "look whether the Secret with the store's credentials is right",
        403: "give the stack's service account, or the key in the Secret, the right to it",
        404: "the model is not in the store; `inferstack up` puts it there",
        405: "the server takes no PUT: write to it by other means, or use another store",
    }
    raise PreflightError(f"{doing} {url} failed", why=told, remedy=remedies.get(answer.status_code, ""))


def manifest_of(folder: Path) -> Mapping[str, Any] | None:
    """The manifest of a model's folder; None when it has none.

    Raises:
        InferstackError: it is none.
    """
    file = folder / MANIFEST
    return _parsed(file.read_bytes(), str(file)) if file.is_file() else None


def _parsed(content: bytes, where: str) -> Mapping[str, Any]:
    try:
        manifest: Mapping[str, Any] = json.loads(content)
        if isinstance(manifest["digest"], str) and isinstance(manifest["name"], str):
            return manifest
    except (ValueError, KeyError, TypeError):
        pass
    raise InferstackError(f"{where} is no manifest of a model", remedy="delete the model's folder from the store")


def checked(folder: Path, name: str, expected: str | None) -> str:
    """The digest of the model under `folder/NAME`, compared with its manifest and with what is expected, if anything.

    Raises:
        PreflightError: a file is missing or altered; with the digests.
    """
    xml = folder / name / "1" / FILES[0]
    manifest = manifest_of(folder)
    if manifest is None:
        raise PreflightError(
            f"model {name} is not in the store under {folder.name}", remedy="`inferstack up` puts it there"
        )
    try:
        digest = ir_digest(xml)
    except OSError as error:
        raise PreflightError(f"{error.filename} is missing", why="the model in the store is not whole") from error
    for said, by in ((manifest["digest"], "recorded when it was stored"), (expected, "asked for")):
        if said not in (None, digest):
            raise PreflightError(
                f"model {name} is not served: its files in the store are not those that were {by}",
                why=f"{by}: {said}\nthe files: {digest}",
                remedy=f"delete {folder.name} from the store, then `inferstack up`",
            )
    return digest

"""Providers for tests: dynamic resources that make real files, and can be told to fail, to wait or to be slow.

They live in a module, so that they are pickled by reference as the real ones are. Every operation is a line in the
folder's `log`, which tells tests what was really done, and in which order.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi import dynamic

from components import progress
from stack.engines.embedded import EmbeddedEngine

LOG = "log"


class FileProvider(dynamic.ResourceProvider):
    """Keeps a file `folder/name` with some content.

    `fail` names operations that raise; `wait` an operation that goes on only when `folder/go` exists; `pause_s` makes
    every operation slow; `delete_first` replaces by deleting first.
    """

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        failures = [] if news["name"] else [dynamic.CheckFailure("name", "it must not be empty")]
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        changed = [key for key in ("folder", "name", "kind", "content", "token") if olds.get(key) != news.get(key)]
        missing = olds.get("missing", False)
        return dynamic.DiffResult(
            changes=bool(changed) or missing,
            replaces=[key for key in changed if key in ("folder", "name", "kind")],
            stables=["place"],
            delete_before_replace=bool(news.get("delete_first")),
        )

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(props["name"], self._work("create", props))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(self._work("update", news))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        place = Path(props["folder"]) / id_
        if not place.exists():
            return dynamic.ReadResult("", {})
        return dynamic.ReadResult(id_, {**props, "digest": digest(place.read_text())})

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        self._begin("delete", props)
        (Path(props["folder"]) / id_).unlink(missing_ok=True)

    def _work(self, verb: str, props: dict[str, Any]) -> dict[str, Any]:
        self._begin(verb, props)
        place = Path(props["folder"]) / props["name"]
        place.write_text(props["content"])
        return {**props, "digest": digest(props["content"]), "place": str(place)}

    def _begin(self, verb: str, props: dict[str, Any]) -> None:
        folder = Path(props["folder"])
        log(folder, f"{verb} {props['name']}")
        progress.say(f"{verb} {props['name']}", 0.5)
        if verb in props.get("fail", ()):
            raise RuntimeError(f"cannot {verb} {props['name']}")
        if props.get("wait") == verb:
            until((folder / "go").exists, progressing=True)
        time.sleep(props.get("pause_s", 0))


class FileResource(dynamic.Resource, module="tests", name="File"):
    """A file; its outputs are `digest` and `place`."""

    digest: pulumi.Output[str]
    place: pulumi.Output[str]
    content: pulumi.Output[str]

    def __init__(self, name: str, props: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(FileProvider(), name, {"digest": None, "place": None, **props}, opts)


class Group(pulumi.ComponentResource):
    """A component without inputs."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tests:index:Group", name, {}, opts)


@dataclass(frozen=True)
class File:
    """A file in a program: `uses` makes its content from another's digest, `needs` only waits for others."""

    content: str = "text"
    uses: str = ""
    needs: Sequence[str] = ()
    group: str = ""
    props: Mapping[str, Any] = field(default_factory=dict)
    opts: Mapping[str, Any] = field(default_factory=dict)


def a_program(folder: Path, files: Mapping[str, File], *, exports: Sequence[str] = ()) -> Callable[[], None]:
    """A program of these files; each may use and need those before it."""

    def program() -> None:
        made: dict[str, FileResource] = {}
        groups: dict[str, Group] = {}
        for name, file in files.items():
            content: Any = file.content
            if file.uses:
                content = pulumi.Output.concat(file.content, " ", made[file.uses].digest)
            opts = pulumi.ResourceOptions(depends_on=[made[need] for need in file.needs], **file.opts)
            if file.group:
                if file.group not in groups:
                    groups[file.group] = Group(file.group)
                opts.parent = groups[file.group]
            props = {"folder": str(folder), "name": name, "content": content, **file.props}
            made[name] = FileResource(name, props, opts)
        for name in exports:
            pulumi.export(name, made[name].digest)

    return program


def an_engine(tmp_path: Path, **options: Any) -> EmbeddedEngine:
    """An engine of a stack `test` with its state below the folder."""
    return EmbeddedEngine("project", "test", tmp_path / "state", **options)


def digest(text: str) -> str:
    """What a file's `digest` is."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def log(folder: Path, line: str) -> None:
    """Note what was done; one line, whole, whoever writes at the same time."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def logged(folder: Path) -> list[str]:
    """What was done in a folder, in order."""
    return (folder / LOG).read_text().splitlines() if (folder / LOG).exists() else []


def files_in(folder: Path) -> dict[str, str]:
    """The files that resources keep in a folder."""
    kept = (path for path in folder.iterdir() if path.name not in (LOG, "go")) if folder.exists() else ()
    return {path.name: path.read_text() for path in kept}


def until(condition: Callable[[], bool], *, limit_s: float = 20.0, progressing: bool = False) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition did not come true")
        if progressing:
            progress.say("still waiting")
        time.sleep(0.01)

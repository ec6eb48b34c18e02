"""What a model is made of: a local file or folder, something from the web, or an output of a training.

A text of the spec becomes a `Material` when it is planned, which only reads, and a path when it is obtained, which may
fetch and train. A material is plain JSON in the state, and its `identity` says whether it is still the same: by
content, never by place.

| text | material |
|---|---|
| a path, `file://...` | `Local` |
| `https://...`; `gs://...` and `s3://...` where Jobs of a cluster fetch them | `Remote` |
| `train://MODEL/FILE`, or `train:` as the source | `Trained` |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, assert_never
from urllib.parse import unquote

from components.models import formats, train
from components.models.digest import check_digest, files_digest
from components.models.urls import check_url, file_name, parts_of
from schemas.errors import PreflightError, UsageError
from schemas.spec import Model

Role = Literal["model", "data"]


@dataclass(frozen=True)
class Local:
    """A file or folder of this machine, with the digest it had when it was planned."""

    path: str
    digest: str


@dataclass(frozen=True)
class Remote:
    """A file from the web, with the digest the spec states, if it does."""

    url: str
    sha256: str | None


@dataclass(frozen=True)
class Trained:
    """An output of a training."""

    model: str
    file: str
    recipe: train.Recipe


Material = Local | Remote | Trained


@dataclass(frozen=True)
class Obtained:
    """A material that is there now."""

    path: Path
    digest: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Planner:
    """What it takes to read the texts of a spec.

    Attributes:
        models: the models by name.
        folder: of the file that states a model.
        buckets: schemes of buckets that a model may come from, because those who fetch it have an identity for them.
    """

    models: Mapping[str, Model]
    folder: Callable[[Model], Path]
    buckets: frozenset[str] = frozenset()

    def source(self, model: Model) -> Material:
        """The material that a model is made from.

        Raises:
            PreflightError, UsageError: it is missing, or of a kind that cannot be used.
        """
        if model.train is not None:
            return self._trained(model, model.train.outputs[0] if model.train.outputs else "", "model")
        if model.source is None:
            raise UsageError(f"model {model.name} has no source", remedy="give it `source` or `train`")
        return self.material(model.source, "model", sha256=model.sha256)

    def material(self, text: str, role: Role, *, sha256: str | None = None) -> Material:
        """The material that a text of the spec means; reads files, never fetches or trains.

        Raises:
            PreflightError, UsageError: it is missing, or of a kind that cannot be used.
        """
        parts = parts_of(text)
        if parts.scheme == "train":
            name, file = parts.netloc, unquote(parts.path).lstrip("/")
            if name not in self.models or self.models[name].train is None:
                raise UsageError(f"{text}: no model {name!r} has a `train` section")
            return self._trained(self.models[name], file, role)
        if parts.scheme == "file" and parts.netloc not in ("", "localhost"):
            raise UsageError(f"{text} names no file of this machine", remedy="write file:// and an absolute path")
        if parts.scheme == "file" or "://" not in text:
            local = _local(Path(unquote(parts.path)) if parts.scheme == "file" else Path(text), role)
            check_digest(local.path, sha256, local.digest)
            return local
        if role != "model" or parts.scheme not in self.buckets:
            check_url(text, sha256)
        if role == "model":
            formats.check_name(file_name(text))
        return Remote(text, sha256)

    def _trained(self, model: Model, file: str, role: Role) -> Trained:
        assert model.train is not None
        recipe = train.plan(model.train, self.folder(model))
        if file not in recipe.outputs:
            raise UsageError(
                f"train://{model.name}/{file}: the training of {model.name} writes no such file",
                remedy=f"it writes {', '.join(recipe.outputs)}",
            )
        if role == "model":
            formats.check_name(file)
        return Trained(model.name, file, recipe)


def obtain(material: Material, role: Role, store: Path) -> Obtained:
    """Have the material on this machine: look, fetch or train.

    Raises:
        InferstackError: it cannot be had, or is not what was planned.
    """
    match material:
        case Local(place, digest):
            if _digest(Path(place), role) != digest:
                raise PreflightError(f"{place} has changed since it was planned", remedy="plan again: inferstack up")
            return Obtained(Path(place), digest)
        case Remote(url, sha256):
            from components.models.fetch import fetch

            beside = formats.companion(file_name(url)) if role == "model" else None
            fetched = fetch(url, sha256=sha256, store=store, beside=beside)
            return Obtained(fetched.path, fetched.digest, fetched.warnings)
        case Trained(model, file, recipe):
            path = train.run(recipe, store, model) / file
            return Obtained(path, _digest(path, role))
        case _:
            assert_never(material)


def identity(material: Material) -> str:
    """A text that changes when the material's content must be taken to have changed."""
    match material:
        case Local(_, digest):
            return digest
        case Remote(url, sha256):
            return sha256 or url
        case Trained(_, file, recipe):
            return f"{recipe.key}/{file}"
        case _:
            assert_never(material)


def shown(material: Material) -> str:
    """Where the material comes from, in few words."""
    match material:
        case Local(path, _):
            return path
        case Remote(url, _):
            return url
        case Trained(model, file, _):
            return f"train://{model}/{file}"
        case _:
            assert_never(material)


def as_json(material: Material) -> dict[str, Any]:
    """The material as plain JSON values; without absent ones, which a state does not keep."""
    match material:
        case Local(path, digest):
            return {"kind": "local", "path": path, "digest": digest}
        case Remote(url, sha256):
            return {"kind": "remote", "url": url, **({"sha256": sha256} if sha256 else {})}
        case Trained(model, file, recipe):
            return {"kind": "trained", "model": model, "file": file, "recipe": recipe.as_json()}
        case _:
            assert_never(material)


def from_json(value: Mapping[str, Any]) -> Material:
    """The material from plain JSON values."""
    kind = value["kind"]
    if kind == "local":
        return Local(value["path"], value["digest"])
    if kind == "remote":
        return Remote(value["url"], value.get("sha256"))
    if kind == "trained":
        return Trained(value["model"], value["file"], train.Recipe.from_json(value["recipe"]))
    raise ValueError(f"no kind of material: {kind}")


def _local(path: Path, role: Role) -> Local:
    if not path.exists():
        near = sorted(other.name for other in path.parent.iterdir())[:10] if path.parent.is_dir() else []
        raise PreflightError(
            f"{path} is missing",
            why=f"{path.parent} holds {', '.join(near) or 'nothing'}" if path.parent.is_dir() else "so is its folder",
            remedy="a path is taken from the folder of the file that states it",
        )
    if role == "data" and not path.is_file():
        raise PreflightError(f"{path} is no data set", why="it is a folder", remedy="name an .npz file in it")
    try:
        return Local(str(path), _digest(path, role))
    except OSError as error:
        raise PreflightError(f"{path} cannot be read", why=str(error)) from error


def _digest(path: Path, role: Role) -> str:
    return formats.model_digest(path) if role == "model" else files_digest((path,))

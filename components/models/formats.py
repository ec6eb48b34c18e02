"""The files of a model, if OpenVINO can read it by itself.

A format is told by the name's ending (a folder: by what is in it), with a look at the first bytes for what often stands
where a model should: a Git LFS pointer, a web page, nothing at all. Nothing is ever unpickled, and no framework is
imported to read its own format: that would run code out of a file.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from components.models.digest import files_digest, folder_digest
from schemas.errors import PreflightError
from schemas.model_formats import COMPANIONS, READABLE, SAVED_MODEL, UNREADABLE


def check_name(name: str) -> None:
    """Whether a file of this name can be a model.

    Raises:
        PreflightError: it cannot; says why and what to do.
    """
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in READABLE:
        return
    if reason := UNREADABLE.get(suffix):
        raise PreflightError(f"{name} cannot be converted", why=reason.why, remedy=reason.remedy)
    known = ", ".join(f"{kind} ({ending})" for ending, kind in READABLE.items())
    raise PreflightError(
        f"{name} cannot be converted", why=f"its ending {suffix!r} says no format that OpenVINO reads",
        remedy=f"give one of: {known}, or a SavedModel folder",
    )  # fmt: skip


def companion(name: str) -> str | None:
    """The name of the file that belongs to the model file `name`, if its format has two."""
    path = PurePosixPath(name)
    other = COMPANIONS.get(path.suffix.lower())
    return None if other is None else str(path.with_suffix(other))


def model_files(path: Path) -> tuple[Path, ...]:
    """The files of the model at `path`: the one to convert first. A SavedModel is its folder.

    A folder that is no SavedModel may hold one model file and what belongs to it, such as an ONNX model's weights.

    Raises:
        PreflightError: there is no model that OpenVINO reads; says why and what to do.
    """
    if path.is_dir():
        return (_model_in(path),)
    check_name(path.name)
    if path.name == SAVED_MODEL:
        raise PreflightError(
            f"{path} is one part of a SavedModel", why="its variables stand beside it", remedy=f"name {path.parent}"
        )
    check_start(path)
    other = companion(path.name)
    if other is None:
        return (path,)
    if not (path.parent / other).is_file():
        raise PreflightError(
            f"{path.parent / other} is missing", why=f"it holds the weights of {path.name}",
            remedy="put both files side by side",
        )  # fmt: skip
    check_start(path.parent / other)
    return (path, path.parent / other)


def check_start(path: Path, shown: str = "") -> None:
    """Whether a file does not begin like what often stands where a model or data should; `shown` names it in errors.

    Raises:
        PreflightError: it is empty (as weights may be), a Git LFS pointer or a web page.
    """
    shown = shown or str(path)
    with path.open("rb") as file:
        start = file.read(64).lstrip().lower()
    if not start and path.suffix.lower() not in COMPANIONS.values():
        raise PreflightError(f"{shown} is empty", why="there must be something in it", remedy="write or fetch it again")
    if start.startswith(b"version https://git-lfs"):
        raise PreflightError(
            f"{shown} is a Git LFS pointer", why="the file itself was not fetched", remedy="git lfs pull"
        )
    if start.startswith((b"<!doctype html", b"<html")):
        raise PreflightError(
            f"{shown} is a web page", why="a server sent a page (often a login) instead of the file",
            remedy="fetch it with a link that leads to the file itself",
        )  # fmt: skip


def model_digest(path: Path) -> str:
    """The digest of a model as a source: of its files' bytes one after the other, or of its folder.

    Raises:
        PreflightError: there is no model that OpenVINO reads; says why and what to do.
    """
    files = model_files(path)
    return folder_digest(path) if path.is_dir() else files_digest(files)


def _model_in(folder: Path) -> Path:
    if (folder / SAVED_MODEL).is_file():
        return folder
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in READABLE)
    if len(found) == 1:
        return model_files(found[0])[0]
    names = ", ".join(path.name for path in found)
    raise PreflightError(
        f"{folder} holds no single model", why=f"it holds {names}" if found else f"there is no {SAVED_MODEL} in it",
        remedy="name a SavedModel folder, or a file in it",
    )  # fmt: skip

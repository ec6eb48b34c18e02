"""Models that a user's own script makes.

The command runs in its own process, in the folder of the file that states it. It writes its outputs to the folder that
`{out}` in the command, or INFERSTACK_OUT in its environment, names; they are kept in the store as
`trained/KEY/`, and a spec refers to them as `train://MODEL/FILE`. The key is the digest of the command, of the names of
its outputs and of the content of its inputs: nothing else decides whether it runs again. An argument that names a file
counts as an input, so that a changed script is noticed without being listed.

A preview computes the key and never runs anything.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from components.models import child
from components.models.digest import file_digest, path_digest, value_digest
from components.models.once import made_once
from components.progress import say
from schemas.errors import InferstackError, PreflightError, UsageError
from schemas.spec import Train

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Recipe:
    """A training as it was planned: what runs, where, and the digest that stands for its result."""

    command: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    timeout_s: float
    folder: str
    key: str

    def as_json(self) -> dict[str, Any]:
        """The recipe as plain JSON values."""
        return {
            "command": list(self.command), "inputs": list(self.inputs), "outputs": list(self.outputs),
            "timeout_s": self.timeout_s, "folder": self.folder, "key": self.key,
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Recipe:
        """The recipe from plain JSON values."""
        return cls(
            tuple(value["command"]), tuple(value["inputs"]), tuple(value["outputs"]), float(value["timeout_s"]),
            value["folder"], value["key"],
        )  # fmt: skip


def plan(train: Train, folder: Path) -> Recipe:
    """The recipe of a training whose command runs in `folder`; reads the inputs and runs nothing.

    Raises:
        UsageError: there is no command or output, an output lies outside its folder.
        PreflightError: an input or the script is missing.
    """
    if not train.command or not train.outputs:
        raise UsageError(
            "a training needs a command and an output",
            remedy='train: {command: ["{python}", train.py], outputs: [...]}',
        )
    for name in train.outputs:
        if name in ("", MANIFEST) or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise UsageError(f"{name!r} is no name for an output", remedy="give a name relative to {out}")
    for word in train.command[1:]:
        if _is_script(word, train.outputs) and not (folder / word).exists():
            raise PreflightError(
                f"{folder / word} is missing", why="the training's command names it",
                remedy="a command runs in the folder of the file that states it",
            )  # fmt: skip
    inputs = dict.fromkeys(str(folder / name) for name in train.inputs)
    inputs |= dict.fromkeys(str(folder / word) for word in train.command[1:] if (folder / word).is_file())
    for name in inputs:
        if not Path(name).exists():
            raise PreflightError(f"{name} is missing", why="the training states it as an input")
    key = _key(train.command, tuple(inputs), train.outputs)
    return Recipe(train.command, tuple(inputs), train.outputs, train.timeout_s, str(folder), key)


def _is_script(word: str, outputs: tuple[str, ...]) -> bool:
    """Whether a word of a command looks like a script that must be there before it runs."""
    return word.endswith((".py", ".sh")) and not word.startswith("-") and "{" not in word and word not in outputs


def trained_folder(recipe: Recipe, store: Path) -> Path:
    """Where the outputs of a training are, or will be."""
    return store / "trained" / recipe.key


def run(recipe: Recipe, store: Path, what: str) -> Path:
    """The folder with a training's outputs: from the store, or by running the command now.

    Raises:
        PreflightError: the inputs are not those that were planned.
        InferstackError: the command failed, took too long, or did not write an output; with its last lines.
    """
    if _key(recipe.command, recipe.inputs, recipe.outputs) != recipe.key:
        raise PreflightError(
            f"the inputs of {what} have changed since it was planned", remedy="plan again: inferstack up"
        )
    root = store / "trained"
    log = root / f"{recipe.key}.log"

    def make(folder: Path, lock: int) -> None:
        say(f"training {what}")
        _run(recipe, folder, log, lock, what)
        files = {name: file_digest(folder / name) for name in recipe.outputs}
        (folder / MANIFEST).write_text(json.dumps({"command": recipe.command, "files": files}, indent=1))

    return made_once(root, recipe.key, make, valid=_is_whole, what=what)


def _run(recipe: Recipe, out: Path, log: Path, lock: int, what: str) -> None:
    command = [word.replace("{python}", sys.executable).replace("{out}", str(out)) for word in recipe.command]
    ended = child.run(
        command, folder=Path(recipe.folder), env={"INFERSTACK_OUT": str(out), **child.quiet()}, log=log,
        timeout_s=recipe.timeout_s, lock=lock, what=f"training {what}",
    )  # fmt: skip
    shown = "\n".join(ended.last_lines)
    if ended.timed_out:
        raise InferstackError(
            f"training {what} took longer than {recipe.timeout_s:g} s and was stopped",
            why=shown, remedy="raise `timeout` of `train`, or look for what keeps it",
        )  # fmt: skip
    if ended.code:
        raise InferstackError(
            f"training {what} failed with exit code {ended.code}", why=shown, remedy=f"the whole log: {log}"
        )
    missing = [name for name in recipe.outputs if not (out / name).is_file()]
    if missing:
        raise InferstackError(
            f"training {what} did not write {', '.join(missing)}", why=shown,
            remedy="write each output into the folder that {out} or INFERSTACK_OUT names",
        )  # fmt: skip


def _is_whole(folder: Path) -> bool:
    try:
        files: dict[str, str] = json.loads((folder / MANIFEST).read_text())["files"]
        return all(file_digest(folder / name) == digest for name, digest in files.items())
    except (OSError, ValueError, KeyError):
        return False


def _key(command: tuple[str, ...], inputs: tuple[str, ...], outputs: tuple[str, ...]) -> str:
    contents = sorted([Path(name).name, path_digest(name)] for name in inputs)
    return value_digest({"command": command, "inputs": contents, "outputs": outputs})

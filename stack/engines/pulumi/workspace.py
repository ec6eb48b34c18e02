"""Where Pulumi keeps a stack: the folder with its settings, the backend with its state, the keeper of its secrets.

The folder is `pulumi` in the stack's own; unless told otherwise the state lies there too (`file://`), and nobody else
may read it. A stack that does not exist is planned in a folder that is gone afterwards: a preview makes nothing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import yaml
from pulumi.automation import (
    CommandError,
    ConfigValue,
    LocalWorkspace,
    ProjectBackend,
    ProjectSettings,
    Stack,
    StackNotFoundError,
)

from schemas.errors import PreflightError
from stack.engines.pulumi import failures
from stack.engines.pulumi.command import Command
from stack.engines.secrets import PASSPHRASE_VARIABLES, KeyFile, Vault, passphrase_from
from stack.engines.store import KEY

SETTINGS: Final = "Pulumi.yaml"
PASSPHRASE: Final = "passphrase"
DEFAULT: Final = "default"
BACKEND_VARIABLE: Final = "PULUMI_BACKEND_URL"
_FILE_VARIABLE: Final = "PULUMI_CONFIG_PASSPHRASE_FILE"
_OF_STACK: Final = "Pulumi.*.yaml"
_HERE: Final = "file://."  # in the settings: so that the folder may be moved, and plain `pulumi` works in it


@dataclass(frozen=True)
class Keeping:
    """Where the state of a stack is kept and who encrypts its secrets.

    Args:
        folder: the folder of Pulumi's settings of this stack.
        backend: URL of the state's place; empty for the folder itself.
        secrets: `passphrase`, `default`, or the URL of a key; empty is who did it before, else a passphrase.
        passphrase: for `passphrase`; empty is Pulumi's "no passphrase".
        passphrase_file: a file that holds it, in its stead.
        key: such a file that is made with the stack, where nobody has chosen a passphrase.
    """

    folder: Path
    backend: str = ""
    secrets: str = ""
    passphrase: str = ""
    passphrase_file: str = ""
    key: KeyFile | None = None

    @property
    def url(self) -> str:
        """URL of the backend."""
        return self.backend or f"file://{self.folder}"

    @property
    def local(self) -> bool:
        """Whether the state lies in the folder of the settings."""
        return not self.backend

    def vault(self) -> Vault:
        """What opens the stack's secrets, and seals them once the stack is made.

        Raises:
            PreflightError: there is no such file as is said to hold the passphrase.
        """
        if self.key or not self.passphrase_file:
            return Vault(None if self.key else self.passphrase, key_file=self.key)
        text = KeyFile(Path(self.passphrase_file)).text()
        if text is None:
            raise PreflightError(f"{_FILE_VARIABLE} names a file that is not there: {self.passphrase_file}.")
        return Vault(text)

    @property
    def environ(self) -> dict[str, str]:
        """What Pulumi is told by its environment; `PULUMI_PYTHON_CMD` runs dynamic providers in this Python."""
        file = str(self.key.path) if self.key else self.passphrase_file
        secret = {_FILE_VARIABLE: file} if file else {}
        return {
            **(secret or {PASSPHRASE_VARIABLES[1]: self.passphrase}),
            BACKEND_VARIABLE: self.url,
            "PULUMI_PYTHON_CMD": sys.executable,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }


def keeping(folder: Path, environ: Mapping[str, str], *, backend: str = "", secrets: str = "") -> Keeping:
    """How a stack is kept: as it was before, else as the spec says, or the environment, or in the folder itself.

    Raises:
        PreflightError: it was kept elsewhere before: the state is not there, and all would be made anew.
    """
    passphrase = passphrase_from(environ)
    chosen = passphrase is not None or any(name in environ for name in (_FILE_VARIABLE, PASSPHRASE_VARIABLES[1]))
    before = _backend_before(folder)
    wanted = backend or environ.get(BACKEND_VARIABLE, "")
    if before is not None and wanted and wanted != before:
        raise PreflightError(
            f"The stack's state is kept in {before or folder}, and now it would be in {wanted}.",
            why="The place of a state is where its resources are known: another place knows none of them.",
            remedy=f"Move it: `inferstack state export --out FILE`, delete {folder}, `inferstack state import FILE`.",
        )
    kept_at, key = wanted if before is None else before, KeyFile(folder / KEY)
    # Where others share the state a key of this machine would lock them out, and stacks of former versions have none.
    sealed_by = sealing_before(folder)
    new = before is None or sealed_by not in ("", PASSPHRASE)
    needed = new and (secrets or sealed_by or PASSPHRASE) == PASSPHRASE
    own = not chosen and not kept_at and (needed or key.text() is not None)
    return Keeping(
        folder=folder,
        backend=kept_at,
        secrets=secrets,
        passphrase=passphrase or "",
        passphrase_file="" if passphrase is not None else environ.get(_FILE_VARIABLE, ""),
        key=key if own else None,
    )


def _backend_before(folder: Path) -> str | None:
    """URL of the backend that a folder's settings name, empty for the folder itself; None without settings."""
    try:
        settings = yaml.safe_load((folder / SETTINGS).read_text())
        url = str(settings["backend"]["url"])
    except (OSError, KeyError, TypeError, yaml.YAMLError):
        return None
    return "" if url == _HERE else url


def sealing_before(folder: Path) -> str:
    """Who encrypts the secrets of the stack that a folder's settings are of; empty where they do not say so."""
    for file in folder.glob(_OF_STACK):
        with contextlib.suppress(OSError, yaml.YAMLError, AttributeError):
            settings = yaml.safe_load(file.read_text())
            return settings.get("secretsprovider") or (PASSPHRASE if "encryptionsalt" in settings else "")
    return ""


@dataclass(frozen=True)
class Place:
    """A stack of a project, where it is kept, and the command line that works on it."""

    project: str
    stack: str
    command: Command
    keeping: Keeping
    config: Mapping[str, str]

    @property
    def state_file(self) -> Path:
        """The state, where it lies in the folder."""
        return self.keeping.folder / ".pulumi" / "stacks" / self.project / f"{self.stack}.json"

    @contextlib.contextmanager
    def looked_up(self) -> Iterator[Stack | None]:
        """The stack, if there is one; makes nothing. A backend elsewhere may know it though no folder is here."""
        if self.keeping.local and not self.state_file.exists():
            yield None
        elif self.keeping.folder.is_dir():
            yield self._selected()
        else:
            with tempfile.TemporaryDirectory(prefix="inferstack-") as folder:
                yield replace(self, keeping=replace(self.keeping, folder=Path(folder)))._selected()

    def made(self) -> Stack:
        """The stack, made if there is none; what cannot be made leaves no folder."""
        new = not self.keeping.folder.exists()
        self.keeping.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            if self.keeping.key:
                self.keeping.key.made()
            return self._configured(Stack.create_or_select(self.stack, self._workspace()))
        except CommandError:
            if new:
                shutil.rmtree(self.keeping.folder, ignore_errors=True)
            raise

    @property
    def resealing(self) -> str:
        """Who encrypted the stack's secrets so far, if another does from now on."""
        before, wanted = sealing_before(self.keeping.folder), self.keeping.secrets
        return before if before and wanted not in ("", DEFAULT, before) else ""

    def reseal(self) -> None:
        """Have the secrets encrypted by whom the spec names.

        Raises:
            PreflightError: who did it so far, or who is to do it, cannot be asked; nothing has changed.
        """
        if not (before := self.resealing):
            return
        args = ["stack", "change-secrets-provider", self.keeping.secrets, "--stack", self.stack]
        try:
            self.command.run(args, str(self.keeping.folder), self.keeping.environ)
        except CommandError as error:
            raise failures.not_sealed(f"from {before} to {self.keeping.secrets}", error) from error

    @contextlib.contextmanager
    def for_preview(self) -> Iterator[Stack]:
        """The stack, or an empty one of that name which is gone afterwards."""
        with self.looked_up() as found:
            if found is not None:
                yield found
                return
        with tempfile.TemporaryDirectory(prefix="inferstack-") as folder:
            elsewhere = replace(self.keeping, folder=Path(folder), backend="", secrets=PASSPHRASE, key=None)
            yield replace(self, keeping=elsewhere).made()

    def remove(self, stack: Stack) -> None:
        """Forget a stack that is empty, and its settings."""
        stack.workspace.remove_stack(self.stack)
        shutil.rmtree(self.keeping.folder, ignore_errors=True)

    def _selected(self) -> Stack | None:
        try:
            return self._configured(Stack.select(self.stack, self._workspace()))
        except StackNotFoundError:
            return None

    def _workspace(self) -> LocalWorkspace:
        settings = ProjectSettings(self.project, "python", backend=ProjectBackend(self.keeping.backend or _HERE))
        return LocalWorkspace(
            work_dir=str(self.keeping.folder),
            env_vars=self.keeping.environ,
            secrets_provider=self.keeping.secrets or PASSPHRASE,
            project_settings=settings,
            pulumi_command=self.command,
        )

    def _configured(self, stack: Stack) -> Stack:
        if self.config:
            stack.set_all_config({key: ConfigValue(value) for key, value in self.config.items()})
        return stack

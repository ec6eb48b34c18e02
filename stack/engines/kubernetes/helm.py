"""The `helm` binary: finds it, runs it against one cluster, reads what it says.

It is given the kubeconfig and the values without a file: the one as a descriptor of memory, the other by its standard
input. It runs in a process group of its own, so that Ctrl-C does not cut it off in the middle of a release.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from schemas.errors import InferstackError
from stack.engines.kubernetes.errors import Unconfigured
from stack.engines.kubernetes.settings import Settings
from stack.engines.kubernetes.trees import Tree

_TURN_S: Final = 1.0
_END_S: Final = 20.0  # that an interrupted helm has to note the release as failed


class HelmFailed(InferstackError):
    """Helm could not do what it was asked; `unknown` when it has no such release."""

    def __init__(self, message: str, *, why: str = "", unknown: bool = False) -> None:
        super().__init__(message, why=why, remedy="Look at the release with `helm history` and `helm status`.")
        self.unknown = unknown


@dataclass(frozen=True)
class Helm:
    """Helm on one cluster."""

    binary: str
    settings: Settings
    environ: Mapping[str, str] = field(repr=False)

    def run(self, *words: str, given: Any = None, hear: Callable[[], None] = lambda: None) -> Tree:
        """The answer of a command that answers in JSON, `{}` where it says nothing.

        Args:
            given: what it reads from its standard input, as JSON.
            hear: is called about every second while it works; what it raises ends helm in order.

        Raises:
            HelmFailed: it failed.
        """
        with self._kubeconfig() as (path, handles):
            where = ["--kubeconfig", path, *self._context()]
            process = subprocess.Popen(
                [self.binary, *words, *where],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(self.environ),
                pass_fds=handles,
                start_new_session=True,
                text=True,
            )
            out, error = _heard(process, json.dumps(given) if given is not None else "", hear)
        if process.returncode:
            told = "\n".join(line for line in error.strip().splitlines() if not line.startswith("WARNING"))
            unknown = "not found" in told and "release" in told
            raise HelmFailed(f"helm {words[0]} failed.", why=told.removeprefix("Error: "), unknown=unknown)
        answer = json.loads(out) if out.lstrip().startswith(("{", "[")) else {}
        return answer if isinstance(answer, dict) else {"items": answer}

    def _context(self) -> tuple[str, ...]:
        settings = self.settings
        return (
            *(("--kube-context", settings.context) if settings.context else ()),
            *(("--kube-apiserver", target.server) if settings.cluster and (target := settings.target()) else ()),
        )

    @contextlib.contextmanager
    def _kubeconfig(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """A path under which helm finds the kubeconfig, and the descriptors that it needs for that."""
        if not self.settings.is_text:
            merged = [str(path) for path in self.settings.paths() if path.exists()]
            if len(merged) == 1:
                yield merged[0], ()
                return
        text = json.dumps(self.settings.document()).encode()
        if hasattr(os, "memfd_create"):
            handle = os.memfd_create("kubeconfig")
            try:
                os.write(handle, text)
                yield f"/dev/fd/{handle}", (handle,)
            finally:
                os.close(handle)
            return
        with tempfile.TemporaryDirectory() as folder:  # its name is not guessable, and it is its owner's alone
            path = Path(folder) / "kubeconfig"
            path.touch(0o600)
            path.write_bytes(text)
            yield str(path), ()


def find(settings: Settings, environ: Mapping[str, str]) -> Helm:
    """Helm for a cluster.

    Raises:
        Unconfigured: it is not installed.
    """
    binary = shutil.which("helm", path=environ.get("PATH"))
    if binary is None:
        raise Unconfigured(
            "Helm is not installed.",
            why="Helm releases are made by the `helm` program, which is not on the PATH.",
            remedy="Install it (https://helm.sh/docs/intro/install), or state the objects as manifests.",
        )
    return Helm(binary, settings, environ)


def _heard(process: subprocess.Popen[str], given: str, hear: Callable[[], None]) -> tuple[str, str]:
    """What a process says until its end; it is asked to end in order when `hear` raises."""
    pending: str | None = given
    try:
        while True:
            try:
                return process.communicate(pending, timeout=_TURN_S)
            except subprocess.TimeoutExpired:
                pending = None
                hear()
    except BaseException:
        process.terminate()
        try:
            process.communicate(timeout=_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        raise

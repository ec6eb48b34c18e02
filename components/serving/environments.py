"""Python environments of platforms that cannot share ours: made on demand from a lock file, kept in the store.

KServe and MLServer need versions of the same packages that exclude each other, so each gets an environment of its own,
named after the digest of its lock file and of the interpreter. One is complete when its marker is there, written last:
what a killed command left without a marker is made again. Nothing is ever added to a complete one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.progress import say
from schemas.errors import PreflightError

MARKER = "inferstack.json"
SHOWN_LINES = 12


@dataclass(frozen=True)
class Environment:
    """A managed environment: `name` says what for, `lock` lists its packages with their hashes."""

    folder: Path
    name: str
    lock: Path

    @property
    def digest(self) -> str:
        """What the environment follows from: the packages, and the interpreter that they are for."""
        interpreter = f"{sys.implementation.cache_tag} {sys.platform}".encode()
        return hashlib.sha256(self.lock.read_bytes() + interpreter).hexdigest()[:16]

    @property
    def path(self) -> Path:
        """Where it is, or will be."""
        return self.folder / f"{self.name}-{self.digest}"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.path / "bin" / "python"

    @property
    def complete(self) -> bool:
        """Whether it is there and was finished."""
        return (self.path / MARKER).exists()


def ensure(environment: Environment) -> None:
    """Make an environment unless it is complete; a command that makes it at the same time is waited for.

    Raises:
        PreflightError: it cannot be made; the message shows what pip or venv said.
    """
    if environment.complete:
        return
    environment.folder.mkdir(parents=True, exist_ok=True)
    with _alone(environment) as lock:
        if environment.complete:
            return
        shutil.rmtree(environment.path, ignore_errors=True)
        try:
            _make(environment, lock)
        except BaseException:
            shutil.rmtree(environment.path, ignore_errors=True)
            raise


def _make(environment: Environment, lock: int) -> None:
    what = f"environment of {environment.name}"
    say(f"{what}: creating", 0.0)
    # Our own pip installs into it: a pip of its own would double the time that a small environment takes.
    _run([sys.executable, "-m", "venv", "--without-pip", str(environment.path)], environment, lock)
    packages = len(re.findall(r"^\S+==", environment.lock.read_text(), re.MULTILINE))
    install = [sys.executable, "-I", "-m", "pip", "--python", str(environment.python), "install", "--no-input"]
    install += ["--disable-pip-version-check", "--progress-bar=off", "--no-compile", "--no-deps"]
    install += ["--require-hashes", "--requirement", str(environment.lock)]
    _run(install, environment, lock, packages)
    marker = {"name": environment.name, "lock": hashlib.sha256(environment.lock.read_bytes()).hexdigest()}
    (environment.path / MARKER).write_text(json.dumps(marker))


def _run(command: Sequence[str], environment: Environment, lock: int, packages: int = 0) -> None:
    """Run a step and tell its progress. It inherits the lock: should we be killed, nobody starts anew beside it."""
    shown: deque[str] = deque(maxlen=SHOWN_LINES)
    collected = 0
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=(lock,),
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                shown.append(line.rstrip())
                if found := re.match(r"Collecting (\S+?)[=<>!~\[ ]", line):
                    collected += 1
                    told = f"environment of {environment.name}: {found[1]} ({collected} of {packages})"
                    say(told, 0.9 * min(1.0, collected / packages) if packages else None)
                elif line.startswith("Installing collected"):
                    say(f"environment of {environment.name}: installing {packages} packages", 0.9)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode != 0:
        raise PreflightError(
            f"the environment of {environment.name} cannot be made",
            why="\n".join(shown),
            remedy="its packages are installed once, from your package index: see that pip reaches it "
            f"and that {environment.folder} has 1 GiB free, then try again",
        )


@contextmanager
def _alone(environment: Environment) -> Iterator[int]:
    """The descriptor of the environment's lock, once nobody else holds it."""
    descriptor = os.open(environment.folder / f"{environment.name}.making", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                say(f"environment of {environment.name}: waiting for another command that makes it")
                time.sleep(0.2)
        yield descriptor
    finally:
        os.close(descriptor)

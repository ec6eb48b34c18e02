"""Pulumi's command line: where it is, how it is installed, and how what it runs is interrupted.

The Automation API starts one process a command. Each gets a session of its own here, so that Ctrl-C in a terminal
reaches it only when we pass it on: once to stop in order, twice to give up.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from schemas.errors import PreflightError
from stack.engines.pulumi import failures

MINIMUM: Final = VersionInfo(3, 206, 0)  # the first whose events come over a connection and not through a file
INSTALL: Final = "inferstack doctor --install-pulumi"
PLUGINS: Final[Mapping[str, str]] = {"kubernetes": "pulumi-kubernetes", "gcp": "pulumi-gcp"}


class Command(PulumiCommand):
    """The command line at a place on the disk.

    Args:
        executable: the program `pulumi`.
        environ: the environment it runs in; what a command adds comes on top.

    Raises:
        PreflightError: it does not run, or is too old.
    """

    def __init__(self, executable: Path, environ: Mapping[str, str]) -> None:
        self.command = str(executable)
        folder = str(executable.parent)
        # Plugins lie beside the executable, in releases as well as in builds of one's own.
        self._environ = {**environ, "PATH": os.pathsep.join([folder, environ.get("PATH", os.defpath)])}
        self.version = _version_of(self.command, self._environ)
        self._lock = threading.Lock()
        self._running: subprocess.Popen[str] | None = None

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], Any] | None = None,
        on_error: Callable[[str], Any] | None = None,
    ) -> CommandResult:
        """Run a command to its end, without ever asking anything.

        Raises:
            CommandError: it failed.
        """
        environ = {**self._environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        process = subprocess.Popen(
            [self.command, "--non-interactive", *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environ,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        with self._lock:
            self._running = process
        try:
            out, err = process.communicate()
        finally:
            with self._lock:
                self._running = None
        for text, tell in ((out, on_output), (err, on_error)):
            if tell is not None:
                for line in text.splitlines():
                    tell(line)
        result = CommandResult(out.rstrip("\n"), err.rstrip("\n"), process.returncode)
        if process.returncode != 0:
            raise create_command_error(result)
        return result

    def interrupt(self) -> None:
        """Ask the command under way, if any, to stop in order; asked again, it stops at once."""
        with self._lock:
            if self._running is not None and self._running.poll() is None:
                self._running.send_signal(signal.SIGINT)


def find(environ: Mapping[str, str]) -> Path | None:
    """Where the command line is: on the PATH, or where its installer or `install` puts it; None when nowhere."""
    if found := shutil.which("pulumi", path=environ.get("PATH", os.defpath)):
        return Path(found)
    home = _home(environ)
    versions = sorted(home.glob("versions/*/bin/pulumi"), key=lambda path: _order(path.parts[-3]), reverse=True)
    return next((path for path in (home / "bin" / "pulumi", *versions) if os.access(path, os.X_OK)), None)


def command_in(environ: Mapping[str, str]) -> Command:
    """The command line that an environment has.

    Raises:
        PreflightError: there is none, or it cannot be used.
    """
    found = find(environ)
    if found is None:
        raise PreflightError(
            "Pulumi's command line is not installed.",
            why="`pulumi` is neither on the PATH nor below ~/.pulumi.",
            remedy=f"{INSTALL}, or https://www.pulumi.com/docs/install",
        )
    return Command(found, environ)


def install(environ: Mapping[str, str]) -> Command:
    """Download and install the command line of the SDK's version below ~/.pulumi, and the plugins this program uses.

    What is there already is left alone. The installer is Pulumi's own (https://get.pulumi.com).

    Raises:
        PreflightError: it cannot be downloaded or does not run.
    """
    found = find(environ)
    if found is None:
        wanted = version("pulumi")
        root = _home(environ) / "versions" / wanted
        try:
            PulumiCommand.install(root=str(root), version=VersionInfo.parse(wanted))
        except Exception as error:  # the SDK raises whatever its downloader and the installer's shell come to
            output = getattr(error, "output", None)
            told = output.decode(errors="replace") if isinstance(output, bytes) else str(error)
            raise PreflightError(
                "Pulumi's command line could not be installed.",
                why=told.strip(),
                remedy="Install it by hand (https://www.pulumi.com/docs/install), then run the command again.",
            ) from error
        found = root / "bin" / "pulumi"
    command = Command(found, environ)
    for name, wanted in plugin_versions().items():
        _install_plugin(command, name, wanted)
    return command


def plugin_versions() -> dict[str, str]:
    """The plugins that belong to the SDKs installed here, with their versions."""
    found = {}
    for plugin, package in PLUGINS.items():
        try:
            found[plugin] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _install_plugin(command: Command, name: str, wanted: str) -> None:
    with failures.explaining():
        command.run(["plugin", "install", "resource", name, f"v{wanted}"], os.getcwd(), {})


def _version_of(executable: str, environ: Mapping[str, str]) -> VersionInfo:
    environ = {**environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        told = subprocess.run([executable, "version"], env=environ, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        raise PreflightError(f"{executable} does not run.", why=said.strip(), remedy=INSTALL) from error
    try:
        found = VersionInfo.parse(told.strip().removeprefix("v"))
    except ValueError as error:
        raise PreflightError(f"{executable} tells no version that can be read: {told.strip()!r}.") from error
    if found.replace(prerelease=None, build=None) < MINIMUM:
        raise PreflightError(
            f"Pulumi's command line is too old: {found}.",
            why=f"This program needs {MINIMUM} or newer; {executable} was found.",
            remedy="Update it: https://www.pulumi.com/docs/install",
        )
    return found


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("PULUMI_HOME") or Path(environ.get("HOME") or Path.home()) / ".pulumi")


def _order(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))

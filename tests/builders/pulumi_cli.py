"""Pulumi's command line for tests: a script in its stead, or the real one that INFERSTACK_TEST_PULUMI names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

VARIABLE: Final = "INFERSTACK_TEST_PULUMI"


def a_pulumi(folder: Path, *, version: str = "v3.272.0", body: str = "") -> Path:
    """An executable that tells its version and otherwise does what `body` says."""
    path = folder / "pulumi"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nif [ "$1" = version ]; then echo {version}; exit 0; fi\n{body}\n')
    path.chmod(0o755)
    return path


def real_pulumi(folder: Path, home: Path) -> dict[str, str]:
    """The environment of the real command line in a folder (`bin` holds it and its plugins), with a home of its own."""
    path = os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", os.defpath)])
    return {"PATH": path, "HOME": str(home), "PULUMI_HOME": str(home / ".pulumi")}


def needed_pulumi() -> Path:
    """The folder that INFERSTACK_TEST_PULUMI names; without it the test is skipped, and says so."""
    if not (named := os.environ.get(VARIABLE)):
        pytest.skip(f"needs Pulumi's command line: set {VARIABLE} to a folder with bin/pulumi and its plugins")
    return Path(named)


def needed_plugin(folder: Path, name: str) -> None:
    """A provider beside the command line; without it the test is skipped, and says so."""
    if not (folder / "bin" / f"pulumi-resource-{name}").exists():
        pytest.skip(f"needs Pulumi's provider of {name}: {VARIABLE} names a folder without bin/pulumi-resource-{name}")

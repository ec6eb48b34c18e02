"""Pulumi's command line for tests: a script in its stead, or the real one that INFERSTACK_TEST_PULUMI names."""

from __future__ import annotations

from pathlib import Path


def a_pulumi(folder: Path, *, version: str = "v3.272.0", body: str = "") -> Path:
    """An executable that tells its version and otherwise does what `body` says."""
    path = folder / "pulumi"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nif [ "$1" = version ]; then echo {version}; exit 0; fi\n{body}\n')
    path.chmod(0o755)
    return path

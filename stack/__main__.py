"""The same program under Pulumi's own engine: `INFERSTACK_SPEC=SPEC pulumi -C stack preview`.

The spec is named by the variable INFERSTACK_SPEC or by the stack's configuration `inferstack:spec`, relative to the
project's root; the Pulumi stack must have the spec's name, so that both engines mean the same resources.
"""

from __future__ import annotations

import os
from pathlib import Path

import pulumi

from schemas.errors import UsageError
from schemas.load import load
from stack import workspace
from stack.program import build


def main() -> None:
    """Register the spec's resources with the engine that runs this program."""
    named = os.environ.get("INFERSTACK_SPEC") or pulumi.Config("inferstack").get("spec")
    if not named:
        raise UsageError("which spec is meant?", remedy="set INFERSTACK_SPEC, or `pulumi config set inferstack:spec`")
    path = Path(named)
    loaded = load(path, environ=os.environ)
    if loaded.spec.name != pulumi.get_stack():
        raise UsageError(
            f"the spec is named {loaded.spec.name}, the Pulumi stack {pulumi.get_stack()}",
            why="resources are known by the stack's name",
            remedy=f"pulumi stack select --create {loaded.spec.name}",
        )
    site = workspace.find(path, state_dir=None, environ=os.environ).site(loaded.spec.name)
    build(loaded, site, download=True).run()


main()

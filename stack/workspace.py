"""Where a command works: the state folder, the stack it is about, and how it was last brought up.

The state folder is `.inferstack` in the nearest folder above the spec (or above the current folder) that holds one or
is a git checkout, so that a command means the same stack from every folder of a project. `--state-dir` or
`INFERSTACK_STATE_DIR` puts it elsewhere. Reading never creates anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from components.site import Site
from schemas.errors import UsageError
from schemas.rules.names import STORE

FOLDER = ".inferstack"
VARIABLE = "INFERSTACK_STATE_DIR"


@dataclass(frozen=True)
class Workspace:
    """The folder that holds the state of every stack of a project, and the store they share."""

    folder: Path

    def site(self, stack: str) -> Site:
        """The folders of one stack.

        Raises:
            UsageError: its folder would be the one that all stacks share.
        """
        if stack == STORE:
            raise UsageError(
                f"no stack can be named `{STORE}`",
                why=f"{self.folder / STORE} holds the models and results that all stacks share",
                remedy="name the stack otherwise",
            )
        return Site(stack=stack, state=self.folder / stack, store=self.folder / STORE)

    def stacks(self) -> tuple[str, ...]:
        """Names of the stacks that have a state here, sorted."""
        if not self.folder.is_dir():
            return ()
        return tuple(sorted(p.name for p in self.folder.iterdir() if p.is_dir() and p.name != STORE))

    def only_stack(self) -> str:
        """The stack that a command means which names none.

        Raises:
            UsageError: there is none, or more than one.
        """
        match self.stacks():
            case (stack,):
                return stack
            case ():
                raise UsageError(
                    f"no stack is up in {self.folder}",
                    why="nothing was brought up from this folder yet, or its state is kept elsewhere",
                    remedy="inferstack up SPEC, or name the folder with --state-dir",
                )
            case several:
                raise UsageError(
                    f"which stack is meant? There are {', '.join(several)}",
                    remedy=f"name its spec, or say --stack {several[0]}",
                )


def find(start: Path, *, state_dir: str | None, environ: Mapping[str, str]) -> Workspace:
    """The workspace for a command about `start` (a spec, or the current folder)."""
    if chosen := state_dir or environ.get(VARIABLE):
        return Workspace(Path(chosen).expanduser().resolve())
    start = start.resolve()
    folder = start if start.is_dir() else start.parent
    for above in (folder, *folder.parents):
        if (above / FOLDER).is_dir() or (above / ".git").exists():
            return Workspace(above / FOLDER)
    return Workspace(folder / FOLDER)


@dataclass(frozen=True)
class Invocation:
    """How a stack was last brought up, so that later commands need not be told the spec again."""

    spec: str
    sets: tuple[str, ...]

    def write(self, site: Site) -> None:
        """Remember this in the stack's state folder."""
        site.state.mkdir(parents=True, exist_ok=True)
        path = site.state / "invocation.json"
        text = json.dumps(asdict(self), indent=1)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)

    @classmethod
    def read(cls, site: Site) -> Invocation | None:
        """What was remembered, if anything."""
        try:
            stored = json.loads((site.state / "invocation.json").read_text())
            return cls(spec=stored["spec"], sets=tuple(stored["sets"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

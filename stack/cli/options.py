"""Options that several commands share, and what they stand for: a loaded spec, a stack's folders."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from components.site import Site
from schemas.errors import SpecError, UsageError
from schemas.load import Loaded, load
from stack import workspace
from stack.workspace import Invocation, Workspace

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_SPEC: Final = "inferstack.yaml"

as_json = click.option("--json", "as_json", is_flag=True, help="JSON for scripts.")
yes = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


def spec_argument(command: Command) -> Command:
    """The SPEC argument with what overlays it, and where the state is kept."""
    for decorate in (  # the last is the first that --help shows
        state_dir,
        click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="Overlay one value; may be repeated."),
        click.argument("spec", required=False, type=click.Path(path_type=Path)),
    ):
        command = decorate(command)
    return command


def state_dir(command: Command) -> Command:
    """--state-dir."""
    return click.option(
        "--state-dir",
        metavar="FOLDER",
        help="Keep state and store there instead of .inferstack/ (INFERSTACK_STATE_DIR).",
    )(command)


def stack_options(command: Command) -> Command:
    """--stack and --state-dir, for commands that read the state of a stack that is up."""
    return click.option("--stack", metavar="NAME", help="Which stack, when several are up here.")(state_dir(command))


@dataclass(frozen=True)
class Opened:
    """A spec, loaded, with the folders of its stack and how it was named."""

    loaded: Loaded
    site: Site
    invocation: Invocation


def open_spec(spec: Path | None, sets: tuple[str, ...], state_folder: str | None) -> Opened:
    """Load the spec that a command names, or the one that it means when it names none.

    That is `inferstack.yaml` in the current folder, else the spec with which the only stack was brought up.

    Raises:
        SpecError: the spec has problems.
        UsageError: no spec is named and none is meant, or it is a saved plan.
    """
    if spec is None:
        spec, remembered = _meant(state_folder)
        sets = sets or remembered
    try:
        loaded = load(spec, sets=sets, environ=os.environ)
    except SpecError as error:
        from stack.plan_file import is_plan  # asked of what is no spec, so that a spec does not wait for it

        if not is_plan(spec):
            raise
        raise UsageError(
            f"{spec} is a saved plan, not a spec", remedy=f"`inferstack up {spec}` carries it out"
        ) from error
    place = workspace.find(spec, state_dir=state_folder, environ=os.environ)
    return Opened(loaded, place.site(loaded.spec.name), Invocation(str(spec.resolve()), sets))


def _meant(state_folder: str | None) -> tuple[Path, tuple[str, ...]]:
    here = Path(DEFAULT_SPEC)
    if here.exists():
        return here, ()
    place = here_workspace(state_folder)
    stacks = place.stacks()
    if len(stacks) == 1 and (invocation := Invocation.read(place.site(stacks[0]))) is not None:
        return Path(invocation.spec), invocation.sets
    raise UsageError(
        "which spec is meant?",
        why=f"none is named, and there is no {DEFAULT_SPEC} in this folder",
        remedy="inferstack COMMAND SPEC, for example: inferstack preview environments/local.yaml\n"
        "(inferstack init writes a spec for this machine)",
    )


def here_workspace(state_folder: str | None) -> Workspace:
    """The workspace of the current folder."""
    return workspace.find(Path.cwd(), state_dir=state_folder, environ=os.environ)


def open_stack(stack: str | None, state_folder: str | None) -> Site:
    """The folders of a stack that is up.

    Raises:
        UsageError: no such stack is up, or it is not clear which is meant.
    """
    place = here_workspace(state_folder)
    if stack is None:
        return place.site(place.only_stack())
    if stack not in place.stacks():
        known = ", ".join(place.stacks()) or "none"
        raise UsageError(f"no stack `{stack}` is up here", why=f"stacks here: {known}", remedy="inferstack up SPEC")
    return place.site(stack)

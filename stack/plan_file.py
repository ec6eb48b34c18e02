"""A plan in a file: what `preview --out` writes and `up FILE` carries out exactly, or refuses.

The file holds the plan, how the spec was named, and the tokens of benchmarks to measure again; a checksum over all of
it tells a file that was cut short or edited. Whether the world has moved since is judged by the engine, not here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from schemas.errors import UsageError
from stack import plan as plans
from stack.plan import Plan
from stack.workspace import Invocation

FORMAT: Final = "inferstack-plan"
VERSION: Final = 1


@dataclass(frozen=True)
class SavedPlan:
    """A plan with what it takes to make it again: the spec as it was named, and tokens by benchmark."""

    plan: Plan
    invocation: Invocation
    tokens: Mapping[str, str]


def save(path: Path, saved: SavedPlan) -> None:
    """Write a plan.

    Raises:
        UsageError: the file cannot be written, or holds something else than a plan.
    """
    if path.is_file() and path.stat().st_size and not is_plan(path):
        raise UsageError(
            f"{path} is not overwritten",
            why="it is there and is no saved plan",
            remedy="name another file for the plan",
        )
    body = {
        "format": FORMAT,
        "version": VERSION,
        "invocation": asdict(saved.invocation),
        "tokens": dict(saved.tokens),
        "plan": plans.as_json(saved.plan),
    }
    try:
        path.write_text(json.dumps({"sha256": _digest(body), **body}, indent=1) + "\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written", why=error.strerror or str(error)) from error


def is_plan(path: Path) -> bool:
    """Whether a file looks like a saved plan; a spec never begins so."""
    try:
        with path.open("rb") as file:
            return FORMAT.encode() in file.read(256)
    except OSError:
        return False


def load(path: Path) -> SavedPlan:
    """Read a plan.

    Raises:
        UsageError: it was written by another version, cut short or edited.
    """
    again = "make it again: inferstack preview --out FILE"
    try:
        data = json.loads(path.read_text())
        digest = data.pop("sha256")
        if data["version"] != VERSION:
            raise UsageError(
                f"{path} is a plan of version {data['version']}", why=f"this reads {VERSION}", remedy=again
            )
        if digest != _digest(data):
            raise UsageError(f"{path} was changed after it was made", why="its checksum differs", remedy=again)
        invocation = Invocation(data["invocation"]["spec"], tuple(data["invocation"]["sets"]))
        return SavedPlan(plans.from_json(data["plan"]), invocation, data["tokens"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} cannot be read as a plan", why=str(error), remedy=again) from error


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()

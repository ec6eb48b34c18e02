"""What a program of its own is told: one JSON object, in a file or, where a pod states it, in the argument itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from schemas.errors import UsageError

MOST_SHOWN: Final = 200


def read_object(argument: str) -> dict[str, Any]:
    """The JSON object at a path, or in the text itself if it begins as an object does.

    Raises:
        UsageError: there is none.
    """
    try:
        tree = json.loads(argument if argument.lstrip().startswith("{") else Path(argument).read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{shown(argument)} cannot be read as arguments", why=str(error)) from error
    if not isinstance(tree, dict):
        raise UsageError(f"{shown(argument)}: expected a JSON object")
    return tree


def shown(argument: str) -> str:
    """The argument as errors name it: not longer than a line or two."""
    return argument if len(argument) <= MOST_SHOWN else f"{argument[:MOST_SHOWN]}..."

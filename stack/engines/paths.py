"""Paths into property values as Pulumi writes them: `a.b[0].c`, `a["b.c"]`, with `*` for every key or index.

Used for `ignoreChanges` and `replaceOnChanges`. Pure.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import Any, Final

Path = tuple[str | int, ...]

_STEP: Final = re.compile(r'\.?(?P<name>[^.\[\]"]+)|\[(?P<index>\d+|\*)\]|\["(?P<quoted>(?:[^"\\]|\\.)*)"\]')


def parse(text: str) -> Path:
    """The steps of a path.

    Raises:
        ValueError: the text is no path.
    """
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise ValueError(f"{text!r} is no path of a property (such as a.b[0].c)")
        if match["index"] is not None:
            steps.append("*" if match["index"] == "*" else int(match["index"]))
        elif match["quoted"] is not None:
            steps.append(re.sub(r"\\(.)", r"\1", match["quoted"]))
        else:
            steps.append(match["name"])
        at = match.end()
    return tuple(steps)


def covers(pattern: Path, path: Path) -> bool:
    """Whether one path lies at or below, or contains, what the pattern names."""
    return all(a in ("*", b) or b == "*" for a, b in zip(pattern, path, strict=False))


def with_kept(new: dict[str, Any], old: dict[str, Any], paths: tuple[str, ...]) -> dict[str, Any]:
    """`new` with what stands at `paths` taken from `old` (also when it is absent there)."""
    if not paths:
        return new
    kept = copy.deepcopy(new)
    for path in paths:
        _keep(kept, old, parse(path))
    return kept


def without(tree: Any, paths: Iterable[str]) -> Any:
    """The tree without what stands at these paths."""
    for path in paths:
        tree = _without(tree, parse(path))
    return tree


def _without(tree: Any, path: Path) -> Any:
    match path, tree:
        case (key,), dict():
            return {other: item for other, item in tree.items() if key not in ("*", other)}
        case (key,), list():
            return [item for index, item in enumerate(tree) if key not in ("*", index)]
        case (key, *rest), dict():
            return {k: _without(item, tuple(rest)) if key in ("*", k) else item for k, item in tree.items()}
        case (key, *rest), list():
            return [_without(item, tuple(rest)) if key in ("*", at) else item for at, item in enumerate(tree)]
    return tree


def _keep(new: Any, old: Any, path: Path) -> None:
    """Copy one place from `old` into `new`, in place; a place without a parent in either is left alone."""
    match path:
        case ("*", *rest) if isinstance(new, dict) and isinstance(old, dict):
            for key in {*new, *old}:
                _keep(new, old, (key, *rest))
        case ("*", *rest) if isinstance(new, list) and isinstance(old, list):
            for index in range(min(len(new), len(old))):
                _keep(new, old, (index, *rest))
        case (str() as key,) if isinstance(new, dict) and isinstance(old, dict):
            if key in old:
                new[key] = old[key]
            else:
                new.pop(key, None)
        case (int() as index,) if isinstance(new, list) and isinstance(old, list):
            if index < min(len(new), len(old)):
                new[index] = old[index]
        case (str() as key, *rest) if isinstance(new, dict) and isinstance(old, dict):
            _keep(new.get(key), old.get(key), tuple(rest))
        case (int() as index, *rest) if isinstance(new, list) and isinstance(old, list):
            if index < min(len(new), len(old)):
                _keep(new[index], old[index], tuple(rest))

"""The defaults that the provider of Google Cloud puts into what a program asks for, and its notes of them. Pure.

The provider fills in some arguments that a program leaves out, and remembers in each block, under `__defaults`, which
these were: they are kept for as long as the program says nothing else, and are no change when it is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

NOTES: Final = "__defaults"


def with_defaults(old: Any, new: Any) -> Any:
    """What is asked for now with the defaults that were filled in before, and the notes of them.

    Args:
        old: what was asked for before, as the provider remembers it.
        new: what the program asks for now.
    """
    if isinstance(old, list) and isinstance(new, list):
        paired = [with_defaults(one, other) for one, other in zip(old, new, strict=False)]
        return [*paired, *new[len(paired) :]]
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return new
    filled = {name: old[name] for name in old.get(NOTES) or () if name in old and new.get(name) is None}
    notes = {NOTES: old[NOTES]} if NOTES in old else {}
    return {**filled, **notes, **{name: with_defaults(old.get(name), value) for name, value in new.items()}}


def without_notes(value: Any) -> Any:
    """The value without the provider's notes, which are nobody else's business."""
    match value:
        case dict():
            return {name: without_notes(inner) for name, inner in value.items() if name != NOTES}
        case list():
            return [without_notes(inner) for inner in value]
    return value

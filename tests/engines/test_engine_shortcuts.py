"""Shortcuts through the SDK change what a program costs, and nothing that it asks for or is told."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.dynamic import dynamic
from pulumi.runtime import resource, rpc

from components.site import Site
from schemas.load import load
from stack.engines import running
from stack.engines.embedded import EmbeddedEngine
from stack.engines.monitor import Monitor
from stack.engines.shortcuts import shortcuts
from stack.program import build
from tests.fakes import File, FileProvider, a_program, an_engine

ENVIRONMENTS = Path(__file__).parents[2] / "environments"


def asked_for(monkeypatch: pytest.MonkeyPatch, program: Any, state: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """By type and name, the request of every registration of a program, but for where in the code it was made; and, by
    URN, what would change. What does not wait for each other may come in any order.
    """
    asked = {}
    register = Monitor.RegisterResource

    def noted(self: Monitor, request: Any) -> Any:
        copy = type(request)()
        copy.CopyFrom(request)
        copy.ClearField("sourcePosition")
        copy.ClearField("stackTrace")
        for needs in (copy, *copy.propertyDependencies.values()):
            urns = needs.dependencies if needs is copy else needs.urns
            urns.sort()  # a set
        asked[f"{copy.type} {copy.name}"] = copy
        return register(self, request)

    with monkeypatch.context() as patched:
        patched.setattr(Monitor, "RegisterResource", noted)
        plan = EmbeddedEngine("inferstack", "test", state).preview(program)
    return asked, {change.urn: change for change in plan.changes}


@pytest.mark.parametrize("spec", ["local.yaml", "gke-dev.yaml"])
def test_a_program_asks_for_the_same_with_them_and_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spec: str
) -> None:
    def program() -> None:
        build(load(ENVIRONMENTS / spec), Site("test", tmp_path / "test", tmp_path / "store")).run()

    cheap = asked_for(monkeypatch, program, tmp_path)
    monkeypatch.setattr(running, "shortcuts", contextlib.nullcontext)
    dear = asked_for(monkeypatch, program, tmp_path)

    assert len(cheap[0]) > 3
    assert cheap == dear


def test_the_sdk_is_as_it_was_afterwards(tmp_path: Path) -> None:
    before = resource.create_urn, dynamic.serialize_provider, rpc.transfer_properties

    with shortcuts():
        assert resource.create_urn is not before[0]
        an_engine(tmp_path).preview(a_program(tmp_path, {"a": File()}))

    assert before == (resource.create_urn, dynamic.serialize_provider, rpc.transfer_properties)


def test_a_provider_with_something_of_its_own_is_pickled_with_it() -> None:
    told = []
    with shortcuts():
        for word in ("one", "two"):
            provider = FileProvider()
            provider.word = word  # type: ignore[attr-defined]
            told.append(dynamic.serialize_provider(provider))
    assert told[0] != told[1]


def test_a_urn_below_an_output_is_made_by_the_sdk(tmp_path: Path) -> None:
    seen: list[str] = []

    def program() -> None:
        parent = pulumi.Output.from_input("urn:pulumi:test::project::some:Type::up")
        resource.create_urn("name", "a:Type", parent).apply(seen.append)
        resource.create_urn("name", "a:Type", "urn:pulumi:test::project::some:Type::up").apply(seen.append)

    an_engine(tmp_path).preview(program)
    assert seen == ["urn:pulumi:test::project::some:Type$a:Type::name"] * 2

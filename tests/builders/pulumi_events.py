"""Events as Pulumi's command line sends them: made by hand, or recorded from the real one (`streams/NAME.json`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pulumi.automation.events import EngineEvent

STREAMS: Final = Path(__file__).parents[1] / "engines" / "pulumi" / "streams"
FILE: Final = "pulumi-python:dynamic/tests:File"


def recorded(name: str) -> list[EngineEvent]:
    """A stream that the real command line sent."""
    return [EngineEvent.from_json(event) for event in json.loads((STREAMS / f"{name}.json").read_text())]


def a_urn(name: str, type_: str = FILE) -> str:
    """The URN of a resource of the stack `test`."""
    return f"urn:pulumi:test::project::{type_}::{name}"


def a_step(op: str, name: str, type_: str = FILE, *, logical: bool = True, **more: Any) -> dict[str, Any]:
    """What an event tells of a step; a state before and after where the operation has one."""
    urn = a_urn(name, type_)
    state = {"urn": urn, "type": type_, "custom": True, "id": name, "inputs": {}, "outputs": {}}
    old = {"old": state} if op not in ("create",) else {}
    new = {"new": state} if op not in ("delete", "delete-replaced") else {}
    return {"op": op, "urn": urn, "type": type_, "provider": "", "logical": logical, **old, **new, **more}


def begins(step: Mapping[str, Any]) -> EngineEvent:
    """A step begins."""
    return EngineEvent.from_json({"resourcePreEvent": {"metadata": step}})


def ends(step: Mapping[str, Any]) -> EngineEvent:
    """A step is done."""
    return EngineEvent.from_json({"resOutputsEvent": {"metadata": step}})


def fails(step: Mapping[str, Any]) -> EngineEvent:
    """A step failed; a diagnostic before it says why."""
    return EngineEvent.from_json({"resOpFailedEvent": {"metadata": step, "status": 2, "steps": 1}})


def says(text: str, *, name: str = "", severity: str = "info", ephemeral: bool = False) -> EngineEvent:
    """A diagnostic, about a resource or about nothing in particular."""
    urn = {"urn": a_urn(name)} if name else {}
    return EngineEvent.from_json(
        {"diagnosticEvent": {"message": text, "color": "never", "severity": severity, "ephemeral": ephemeral, **urn}}
    )

"""What the API server answers becomes an error that says what, why and what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.errors import InferstackError
from stack.engines.kubernetes import errors

SERVER = "https://192.0.2.1"


def an_answer(message: str, *causes: dict[str, str]) -> str:
    return json.dumps({"kind": "Status", "message": message, "details": {"causes": list(causes)}})


@pytest.mark.parametrize(
    ("http", "message", "kind", "exit_code"),
    [
        (401, "Unauthorized", errors.Unauthorized, 4),
        (403, 'pods is forbidden: User "x" cannot create resource "pods"', errors.Forbidden, 4),
        (403, 'pods "x" is forbidden: exceeded quota: none', errors.Denied, 4),
        (403, 'admission webhook "x" denied the request', errors.Denied, 4),
        (400, 'admission webhook "x" does not support dry run', errors.CannotRehearse, 4),
        (422, "spec.replicas: Invalid value", errors.Invalid, 3),
        (400, "cannot be handled as a Secret", errors.Invalid, 3),
        (500, "failed to create typed patch object (a/b; v1): .spec.x: not declared", errors.Invalid, 3),
        (429, "too many requests", errors.ServerTrouble, 1),
        (500, 'failed calling webhook "x": connection refused', errors.ServerTrouble, 1),
    ],
)
def test_every_answer_has_its_error(http: int, message: str, kind: type[InferstackError], exit_code: int) -> None:
    found = errors.translated(http, an_answer(message), "Pod demo/a", SERVER)

    assert type(found) is kind
    assert isinstance(found, InferstackError)
    assert found.exit_code == exit_code


def test_trouble_that_passes_is_told_from_trouble_that_stays() -> None:
    def passing(http: int, message: str) -> Any:
        found = errors.translated(http, an_answer(message), "Pod demo/a", SERVER)
        assert isinstance(found, errors.ServerTrouble)
        return found.passing

    assert passing(503, "starting")
    assert passing(500, "Internal error: failed calling webhook")
    assert not passing(500, "Internal error: no idea")


def test_a_conflict_names_field_and_owner() -> None:
    cause = {"reason": "FieldManagerConflict", "field": ".spec.replicas"}
    owned = {**cause, "message": 'conflict with "kubectl" with subresource "scale" using apps/v1'}
    other = {**cause, "field": ".spec.paused", "message": 'conflict with "helm" using apps/v1'}

    found = errors.translated(409, an_answer("conflicts", owned, other), "Deployment demo/a", SERVER)

    assert isinstance(found, errors.FieldConflict)
    assert found.message == ("Deployment demo/a: spec.replicas is managed by kubectl; spec.paused is managed by helm.")
    assert found.owners == ("kubectl/", "helm")


def test_what_is_no_api_server_is_told_as_such() -> None:
    found = errors.translated(200, "<html>", "the cluster", SERVER)

    assert isinstance(found, errors.Unconfigured)
    assert SERVER in found.message

"""Whether a target is there and is what it should be, asked before anything is measured.

Each instance must answer ready and, where it tells, serve the model with the expected digest. It also tells what inputs
the model has. Platforms differ in how much they tell: what is not told is not held against them.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any

from components.benchmarks.description import Subject
from components.benchmarks.load.arguments import Endpoint, ModelInput
from schemas.errors import PreflightError

TIMEOUT_S = 5.0


def inputs_of(subject: Subject) -> tuple[ModelInput, ...]:
    """The inputs of the target's model, empty where no instance tells them.

    Raises:
        PreflightError: an instance does not answer, is not ready, or serves another model.
    """
    found: tuple[ModelInput, ...] = ()
    for endpoint in subject.endpoints:
        _check_ready(subject, endpoint)
        metadata = _metadata(subject, endpoint)
        _check_digest(subject, endpoint, metadata)
        found = found or _inputs(metadata)
    return found


def _check_ready(subject: Subject, endpoint: Endpoint) -> None:
    model = subject.target.model
    status, _body = _get(subject, endpoint, f"/v2/models/{model}/ready")
    if status == 404:
        status, _body = _get(subject, endpoint, f"/v1/models/{model}")
    if status != 200:
        raise _absent(subject, endpoint, f"model {model} is not ready (HTTP {status})")


def _metadata(subject: Subject, endpoint: Endpoint) -> Mapping[str, Any]:
    status, body = _get(subject, endpoint, f"/v2/models/{subject.target.model}")
    try:
        metadata = json.loads(body) if status == 200 else {}
    except ValueError:
        return {}
    return metadata if isinstance(metadata, dict) else {}


def _check_digest(subject: Subject, endpoint: Endpoint, metadata: Mapping[str, Any]) -> None:
    parameters = metadata.get("parameters")
    told = parameters.get("digest") if isinstance(parameters, dict) else None
    expected = subject.target.model_digest
    if told and expected and told != expected:
        why = f"it serves a model with the digest {told[:12]}, expected is {expected[:12]}"
        raise _absent(subject, endpoint, why)


def _inputs(metadata: Mapping[str, Any]) -> tuple[ModelInput, ...]:
    try:
        return tuple(
            ModelInput(str(i["name"]), str(i["datatype"]), tuple(int(length) for length in i["shape"]))
            for i in metadata.get("inputs") or ()
        )
    except (KeyError, TypeError, ValueError):
        return ()


def _get(subject: Subject, endpoint: Endpoint, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(endpoint.host, endpoint.rest_port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        raise _absent(subject, endpoint, str(error) or type(error).__name__) from error
    finally:
        connection.close()


def _absent(subject: Subject, endpoint: Endpoint, why: str) -> PreflightError:
    return PreflightError(
        f"{subject.target.name} cannot be measured",
        why=f"http://{endpoint.host}:{endpoint.rest_port}: {why}",
        remedy="look at `inferstack status`, and bring it up with `inferstack up`",
    )

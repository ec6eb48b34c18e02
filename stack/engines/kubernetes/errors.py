"""What a cluster, or the way to it, can answer instead of what was asked.

PreflightError                  4
├── CannotAsk                   4   no answer can be had: a preview goes on without, an `up` does not
│   ├── Unconfigured            4   no client, no kubeconfig, or one that cannot be used
│   ├── Unreachable             4   the API server does not answer
│   └── CannotRehearse          4   something in the cluster does not take part in dry runs
└── Refused                     4   the API server said no: nothing was done
    ├── AnotherCluster          4   the kubeconfig names another cluster than the one that holds the stack
    ├── Unauthorized            4   credentials are missing, wrong or expired
    ├── Forbidden               4   the credentials may not do this (RBAC)
    ├── Denied                  4   a policy of the cluster: admission, quota, pod security
    ├── FieldConflict           4   somebody else owns a field that we want to set
    ├── AlreadyExists           4   an object of that name is there and is not ours
    └── Invalid                 3   the object is not what the API accepts
ServerTrouble                   1   the API server failed
StillThere                      1   an object does not go away
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from schemas.errors import InferstackError, PreflightError
from stack.engines.providers import Refused


class CannotAsk(PreflightError):
    """No answer can be had from a cluster."""


class Unconfigured(CannotAsk):
    """There is no way to a cluster from here: no client, no kubeconfig, no such context."""


class Unreachable(CannotAsk):
    """The API server does not answer."""


class CannotRehearse(CannotAsk):
    """Something in the cluster does not take part in dry runs."""


class AnotherCluster(Refused):
    """The kubeconfig names another cluster than the one that holds the stack."""


class Unauthorized(Refused):
    """The credentials are missing, wrong or expired."""


class Forbidden(Refused):
    """The credentials may not do this."""


class Denied(Refused):
    """A policy of the cluster refuses: admission, quota, pod security."""


class FieldConflict(Refused):
    """Somebody else owns a field that we want to set; `owners` are their field managers."""

    def __init__(self, message: str, owners: tuple[str, ...], *, why: str = "", remedy: str = "") -> None:
        super().__init__(message, why=why, remedy=remedy)
        self.owners = owners


class AlreadyExists(Refused):
    """An object of that name is there and is not ours."""


class Invalid(Refused):
    """The object is not what the API accepts; `fields` are the places that it names."""

    exit_code = 3

    def __init__(self, message: str, fields: tuple[str, ...] = (), *, why: str = "", remedy: str = "") -> None:
        super().__init__(message, why=why, remedy=remedy)
        self.fields = fields


class ServerTrouble(InferstackError):
    """The API server failed; `passing` when another try may succeed."""

    def __init__(self, message: str, *, passing: bool, why: str = "", remedy: str = "") -> None:
        super().__init__(message, why=why, remedy=remedy)
        self.passing = passing


class StillThere(InferstackError):
    """An object does not go away."""


class Missing(Exception):
    """What was asked for is not there: the object, its namespace or (`kind`) its whole kind. Stays in the package."""

    def __init__(self, message: str, *, kind: bool = False) -> None:
        super().__init__(message)
        self.kind = kind


class Superseded(Exception):
    """The object is not the one that was meant, or is changing at this moment. Stays in the package."""


TAKE: Final = 'metadata.annotations["pulumi.com/patchForce"]: "true"'
_CONFLICT: Final = re.compile(r'conflict with "(?P<owner>[^"]*)"(?P<sub> with subresource)?')


def status_of(body: Any) -> dict[str, Any] | None:
    """The `Status` in an answer's body; None when no API server wrote it."""
    try:
        status = json.loads(body)
    except (TypeError, ValueError):
        return None
    return status if isinstance(status, dict) and ("message" in status or "kind" in status) else None


def translated(http: int, body: Any, what: str, server: str) -> Exception:
    """Our error for an answer of the API server.

    Args:
        http: the HTTP status.
        body: the answer's body.
        what: what the request was about ("Deployment demo/web").
    """
    status = status_of(body)
    if status is None:
        return Unconfigured(
            f"What answers at {server} is no Kubernetes API server (HTTP {http}).",
            remedy="Look at `server` of the cluster in the kubeconfig: kubectl cluster-info",
        )
    message = str(status.get("message") or status.get("reason") or f"HTTP {http}")
    causes = (status.get("details") or {}).get("causes") or []
    match http:
        case 401:
            return Unauthorized(
                f"The cluster {server} does not accept the credentials.",
                why="They are missing, wrong, or a token has expired.",
                remedy="Log in again (for GKE: gcloud auth login), then try `kubectl auth whoami`.",
            )
        case 403 if re.search(r" cannot \S+ resource | cannot impersonate | forbidden: User ", message):
            return Forbidden(
                f"{what}: the cluster does not allow it.",
                why=message,
                remedy="Ask for a role that allows this verb (kubectl auth can-i --list), or use another context.",
            )
        case 404:
            return Missing(message)
        case 409 if any(cause.get("reason") == "FieldManagerConflict" for cause in causes):
            return field_conflict(what, causes)
        case 409 | 410:
            return Superseded(message)
        case _ if "does not support dry run" in message:
            return CannotRehearse(f"{what}: it cannot be tried beforehand.", why=message)
        case 403:
            return Denied(f"{what}: a policy of the cluster refuses it.", why=message)
        case 422 | 400 | 415 | 413:
            return _invalid(what, message, causes)
        case 500 if "failed to create typed patch object" in message or "failed to create manager" in message:
            return _invalid(what, message.partition("): ")[2] or message, causes)
    passing = http in (429, 502, 503, 504) or "calling webhook" in message or "etcdserver" in message
    return ServerTrouble(f"{what}: the API server failed (HTTP {http}).", passing=passing, why=message)


def field_conflict(what: str, causes: list[Mapping[str, Any]]) -> FieldConflict:
    """The error of fields that somebody else owns; a subresource stands behind its manager's name (`kubectl/scale`)."""
    owners: list[str] = []
    told: list[str] = []
    for cause in causes:
        found = _CONFLICT.search(str(cause.get("message", "")))
        owner = f"{found['owner']}{'/' if found['sub'] else ''}" if found else "another manager"
        owners.append(owner)
        told.append(f"{str(cause.get('field', '')).lstrip('.')} is managed by {owner.rstrip('/')}")
    return FieldConflict(
        f"{what}: {'; '.join(dict.fromkeys(told))}.",
        tuple(owners),
        why="Setting it would take it away from what manages it now (an autoscaler, another tool, or kubectl scale).",
        remedy=f"Leave the field out of the spec, or take it with {TAKE}.",
    )


def _invalid(what: str, message: str, causes: list[Mapping[str, Any]]) -> Invalid:
    fields = tuple(str(cause.get("field", "")) for cause in causes if cause.get("field"))
    return Invalid(
        f"{what} is not valid.",
        fields,
        why=message,
        remedy="Correct it in the spec; `kubectl explain` tells what a kind knows.",
    )

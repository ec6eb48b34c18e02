"""The namespace of a stack: what may run in it, how much of the cluster it may take, who may call into it. Pure.

A stack is a tenant: it has a namespace of its own, in which pods keep the `restricted` standard, are called by each
other alone unless a policy of their own allows more, and request no more together than the spec's quota. Whom Jobs may
call is not limited here: they fetch models from wherever the spec says. Serving pods have policies of their own.
"""

from __future__ import annotations

from typing import Any, Final

import pulumi

from components.kubernetes.objects import Home, Manifest, declare
from schemas.spec import Quota

TYPE: Final = "inferstack:cluster:Tenant"
COMPONENT: Final = "tenant"
STANDARD: Final = "restricted"
# With a dot, which no group has in its name: groups have policies of their own names.
CLOSED: Final = "tenant.closed"
# What a container that states nothing is taken to need; every container of ours states its own.
USUAL_REQUEST: Final = {"cpu": "100m", "memory": "128Mi"}
USUAL_LIMIT: Final = {"memory": "512Mi"}


class Tenant(pulumi.ComponentResource):
    """The namespace with its limits; `home` is the same place once all of them are there."""

    def __init__(self, home: Home, quota: Quota | None, *, found: bool = False) -> None:
        """Declare it; a namespace that was `found`, made by others, stays theirs and as they made it."""
        super().__init__(TYPE, home.namespace, {}, pulumi.ResourceOptions(depends_on=list(home.needs)))
        made = [] if found else [declare(namespace(home), home, parent=self)]
        rest = [declare(one, home, parent=self, needs=made) for one in limits(home, quota)]
        self.home = home.after(*made, *rest)
        self.register_outputs({})


def namespace(home: Home) -> Manifest:
    """The namespace; pods below the standard are refused."""
    standard = {f"pod-security.kubernetes.io/{mode}": STANDARD for mode in ("enforce", "audit", "warn")}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": home.namespace, "labels": {**home.labels(home.namespace, COMPONENT), **standard}},
    }


def limits(home: Home, quota: Quota | None) -> list[Manifest]:
    """What holds for all pods of the namespace: closed by default, and the quota with what it needs."""
    closed = _object("networking.k8s.io/v1", "NetworkPolicy", home, CLOSED, _closed())
    if quota is None:
        return [closed]
    return [
        closed,
        _object("v1", "ResourceQuota", home, "quota", {"hard": hard(quota)}),
        # Where there is a quota, pods that state no requests are refused.
        _object("v1", "LimitRange", home, "usual", {"limits": [_usual()]}),
    ]


def hard(quota: Quota) -> dict[str, str]:
    """The quota's members. CPUs are limited by requests alone: pods that share CPUs have no limit of them."""
    found: dict[str, str] = {}
    if quota.cpus is not None:
        found["requests.cpu"] = str(quota.cpus)
    if quota.memory_bytes is not None:
        found |= {"requests.memory": str(quota.memory_bytes), "limits.memory": str(quota.memory_bytes)}
    if quota.pods is not None:
        found["pods"] = str(quota.pods)
    return found


def _closed() -> dict[str, Any]:
    return {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}


def _usual() -> dict[str, Any]:
    return {"type": "Container", "defaultRequest": dict(USUAL_REQUEST), "default": dict(USUAL_LIMIT)}


def _object(version: str, kind: str, home: Home, name: str, spec: dict[str, Any]) -> Manifest:
    labels = home.labels(name, COMPONENT)
    metadata = {"name": name, "namespace": home.namespace, "labels": labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}

"""A serving group as its clients on a cluster see it: what traffic is sent to and benchmarks measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from schemas.spec import Platform, Protocol


@dataclass(frozen=True)
class Served:
    """One serving group on a cluster.

    Attributes:
        group: name of the serving group.
        model: name under which its server knows the model.
        service: name of the Service that clients call, in `namespace`.
        rest_port: port of REST on the Service.
        grpc_port: port of gRPC on the Service; None where the platform has none.
        selector: labels of its pods.
        container: the container among a pod's that serves the model.
        template: which template its pods are of, as their annotation `inferstack/template` says.
        ready: the resource that is there once the group answers.
        notes: what a comparison must show beside the figures, for example an executor's CPU limit.
        health: path of REST that answers 200 once the model can be used; empty: that of V2 for the model.
    """

    group: str
    platform: Platform
    protocol: Protocol
    model: str
    namespace: str
    service: str
    rest_port: int
    grpc_port: int | None
    selector: Mapping[str, str]
    container: str
    template: str
    replicas: int
    cores: int
    ready: pulumi.Resource
    notes: tuple[str, ...] = ()
    health: str = ""

    @property
    def host(self) -> str:
        """The Service's name in the cluster's DNS."""
        return f"{self.service}.{self.namespace}.svc"

    @property
    def url(self) -> str:
        """Where REST is, for clients inside the cluster."""
        return f"http://{self.host}:{self.rest_port}"

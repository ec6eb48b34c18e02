"""What a platform runs in its pods, as a value: the container, its files, how it is asked and how it stops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from components.kubernetes.quantity import memory

REST_PORT: Final = 8000
GRPC_PORT: Final = 9000
FILES: Final = "/etc/inferstack"

# How long a pod that ends still takes requests: until every node and client has seen that it is no endpoint any more.
DRAIN_DELAY_S: Final = 5
# What a process needs to end once all is answered.
END_S: Final = 5


@dataclass(frozen=True)
class Server:
    """The serving container of a group's pods.

    Attributes:
        container: its name.
        user: the user id that it runs as, never 0.
        files: files that it reads from the folder `FILES`, by name.
        env: its environment besides what the spec says.
        ready: path that answers 200 once the model can be used.
        live: path that answers 200 while the process is well.
        metrics: path of its metrics for Prometheus; empty where it has none.
        rest_port: port of REST in the pod, and `grpc_port` that of gRPC.
        waits: whether it goes on taking requests for a while when told to end; else the pod waits before it tells it.
    """

    container: str
    image: str
    user: int
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    ready: str = "/v2/health/ready"
    live: str = "/v2/health/live"
    metrics: str = "/metrics"
    rest_port: int = REST_PORT
    grpc_port: int = GRPC_PORT
    waits: bool = False


def resources(cpu: str, memory_mib: int, *, shared: bool) -> dict[str, Any]:
    """Requests and limits of every container of a pod.

    Whole CPUs, requested and limited alike, are what the static CPU manager asks for. Shared CPUs have no limit: a
    quota would stop the threads in the middle of requests.
    """
    size = memory(memory_mib)
    return {
        "requests": {"cpu": cpu, "memory": size},
        "limits": {"memory": size} if shared else {"cpu": cpu, "memory": size},
    }

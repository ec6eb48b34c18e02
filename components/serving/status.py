"""What a stack's instances do at this moment, as values: asked of the supervisor, of /proc and of the servers.

Reads only: nothing is started, stopped or written. An instance whose server hangs costs the others nothing, for all are
asked at once.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from components.serving import supervision, supervisor
from components.serving.instance import Instance, Ports, contact
from components.serving.supervision_ready import get, starts

State = Literal["ready", "starting", "failing", "failed", "stopped", "missing", "wrong"]
TIMEOUT_S = 2.0
AT_ONCE = 32


@dataclass(frozen=True)
class InstanceStatus:
    """One instance now. `cpus` is the real mask (None where unknown), `wrong` says in words what is not as asked.

    `state`: ready; starting; failing (it ends and is started again); failed (given up); stopped; missing (the
    supervisor knows nothing of it); wrong (it runs, but not as asked, or unsupervised). `requests` is None where nobody
    counts them.
    """

    name: str
    group: str
    platform: str
    model: str
    digest: str
    state: State
    pid: int | None
    uptime_s: float | None
    restarts: int
    cpus_wanted: tuple[int, ...]
    cpus: tuple[int, ...] | None
    memory_node: int | None
    memory_bytes: int | None
    requests: int | None
    url: str
    grpc: str | None
    log: str
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class StackStatus:
    """The supervisor of a stack (its process id, None when it does not run) and all instances by name."""

    supervisor: int | None
    instances: tuple[InstanceStatus, ...]


def read(run: Path) -> StackStatus:
    """The status of everything that the run folder knows."""
    daemon = supervisor.find(run)
    infos = daemon.all_info() if daemon else {}
    instances = supervision.known(run)
    with ThreadPoolExecutor(min(AT_ONCE, max(1, len(instances)))) as pool:
        found = pool.map(lambda one: _status(one[0], one[1], infos.get(one[0].name)), instances)
        return StackStatus(daemon.call("getPID") if daemon else None, tuple(found))


def _status(instance: Instance, ports: Ports, info: Mapping[str, Any] | None) -> InstanceStatus:
    seen = supervision.observe(instance, ports, info, TIMEOUT_S)
    host = contact(instance.host)
    url = f"http://{host}:{ports.rest}"
    return InstanceStatus(
        name=instance.name,
        group=instance.group,
        platform=instance.platform,
        model=instance.model_name,
        digest=seen.digest,
        state=_state(seen),
        pid=seen.pid,
        uptime_s=float(info["now"] - info["start"]) if info and seen.pid else None,
        restarts=max(0, starts(instance.files) - 1),
        cpus_wanted=instance.cpus,
        cpus=tuple(sorted(seen.binding.cpus)) if seen.binding and seen.binding.cpus is not None else None,
        memory_node=instance.memory_node,
        memory_bytes=_resident_bytes(seen.pid) if seen.pid else None,
        requests=_requests(instance, ports) if seen.ready else None,
        url=url,
        grpc=f"{host}:{ports.grpc}" if ports.grpc else None,
        log=str(instance.files.log),
        wrong=seen.wrong,
    )


def _state(seen: supervision.Observed) -> State:
    match seen.state:
        case "starting" | "running":
            if not seen.wrong:
                return "ready"
            return "wrong" if seen.ready or seen.state == "running" else "starting"
        case "unsupervised":
            return "wrong"
        case "backoff":
            return "failing"
        case "fatal" | "exited" | "unknown":
            return "failed"
        case "stopped" | "stopping":
            return "stopped"
        case _:
            return "missing"


def _resident_bytes(pid: int, proc: Path = Path("/proc")) -> int | None:
    try:
        found = re.search(r"^VmRSS:\s*(\d+) kB", (proc / str(pid) / "status").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _requests(instance: Instance, ports: Ports) -> int | None:
    """Inferences answered so far, in the metrics that the embedded server shares with OVMS."""
    try:
        text = get(instance.host, ports.rest, "/metrics", TIMEOUT_S)[1].decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None
    counted = re.findall(
        r'^ovms_requests_success\{[^}]*method="(?:ModelInfer|Predict)"[^}]*\} (\d+)', text, re.MULTILINE
    )
    return sum(map(int, counted)) if counted else None

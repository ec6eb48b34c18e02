"""Whether an instance answers, and as what: asked over HTTP, or waited for after a start."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.progress import say
from components.serving.instance import Files, Instance, Ports, contact
from components.serving.supervisor import Daemon
from schemas.errors import InferstackError

READY_S = 180.0
LOG_LINES = 15
# One failed start may be bad luck (a port that closes late); the second says that the third will fail as well.
FAILED_STARTS = 2
# The launcher's words before it becomes the platform.
STARTS = "launcher: starts "
NOT_RUNNING = ("BACKOFF", "EXITED", "FATAL", "STOPPED", "UNKNOWN")


@dataclass(frozen=True)
class Answer:
    """What an instance says of itself: whether it can answer, and the digest of the model it loaded."""

    ready: bool
    digest: str = ""


def ask(instance: Instance, ports: Ports, timeout_s: float = 5.0) -> Answer:
    """Ask an instance over REST; one that does not answer is not ready."""
    model = f"/v2/models/{instance.model_name}"
    try:
        if get(instance.host, ports.rest, f"{model}/ready", timeout_s)[0] != 200:
            return Answer(False)
        metadata = json.loads(get(instance.host, ports.rest, model, timeout_s)[1])
    except (OSError, http.client.HTTPException, ValueError):
        return Answer(False)
    return Answer(True, _digest(metadata) or _told(instance.files))


def get(host: str, port: int, path: str, timeout_s: float) -> tuple[int, bytes]:
    """Status and body of an answer of a server on this machine.

    Not by httpx, which takes longer to import than all instances take to answer.

    Raises:
        OSError, http.client.HTTPException: there is no answer.
    """
    connection = http.client.HTTPConnection(contact(host).strip("[]"), port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def wait_until_ready(daemon: Daemon, instance: Instance, ports: Ports) -> int:
    """Wait until an instance answers with the right model; its process id.

    Raises:
        InferstackError: it ends again and again, does not answer in time, or serves another model.
    """
    began, told_s = time.monotonic(), -1
    while (waited_s := time.monotonic() - began) < READY_S:
        info = daemon.info(instance.name)
        if info is None:
            raise InferstackError(f"{instance.name} was removed while it started", why="another command runs")
        if info["statename"] == "FATAL" or (
            info["statename"] in NOT_RUNNING and starts(instance.files) >= FAILED_STARTS
        ):
            raise _ended(instance, info)
        answer = ask(instance, ports)
        if answer.ready and info["pid"]:
            if answer.digest != instance.model_digest:
                raise _other_model(instance, answer)
            return int(info["pid"])
        if int(waited_s) > told_s:
            told_s = int(waited_s)
            say(f"{instance.name}: waiting until it answers ({told_s} s)")
        time.sleep(min(0.5, 0.05 + waited_s / 20))
    raise InferstackError(
        f"{instance.name} does not answer ready within {READY_S:.0f} s", why=_log(instance), remedy=_look(instance)
    )


def starts(files: Files) -> int:
    """How often the instance's process was started since its last change."""
    try:
        return len(files.starts.read_text().splitlines())
    except OSError:
        return 0


def last_start(files: Files) -> int | None:
    """The process id that the instance was last started with."""
    try:
        return int(files.starts.read_text().split()[-1])
    except (OSError, ValueError, IndexError):
        return None


def _ended(instance: Instance, info: Mapping[str, Any]) -> InferstackError:
    if not (count := starts(instance.files)):
        return InferstackError(f"{instance.name} cannot be started", why=info["spawnerr"], remedy="inferstack doctor")
    return InferstackError(
        f"{instance.name} does not start: its process ended {count} times, last with {_last_end(instance.files)}",
        why=_log(instance),
        remedy=_look(instance),
    )


def _last_end(files: Files) -> str:
    """How the process ended, from the daemon's log: its interface forgets the status of a failed start."""
    try:
        log = (files.run / "logs" / "supervisord.log").read_text(errors="replace")
    except OSError:
        log = ""
    ends = re.findall(rf"exited: {re.escape(files.name)} \(([^;)]+)", log)
    return ends[-1] if ends else "an unknown status"


def _other_model(instance: Instance, answer: Answer) -> InferstackError:
    return InferstackError(
        f"{instance.name} serves another model than asked",
        why=f"it loaded {answer.digest or 'a model without a digest'}; asked was {instance.model_digest} "
        f"({instance.model_path})",
        remedy="the stored model has changed since it was made: inferstack refresh, then inferstack up",
    )


def _log(instance: Instance) -> str:
    """The end of the instance's log, of its last start alone."""
    lines: deque[str] = deque(maxlen=LOG_LINES)
    try:
        with instance.files.log.open(errors="replace") as file:
            for line in file:
                if line.startswith(STARTS):
                    lines.clear()
                lines.append(f"\n  {line.rstrip()}")
    except OSError:
        pass
    return f"the last lines of its log:{''.join(lines)}" if lines else "its log is empty"


def _look(instance: Instance) -> str:
    return f"the whole log: {instance.files.log}"


def _digest(metadata: Any) -> str:
    parameters = metadata.get("parameters") if isinstance(metadata, dict) else None
    return str(parameters.get("digest", "")) if isinstance(parameters, dict) else ""


def _told(files: Files) -> str:
    """The digest that a worker of another platform wrote down once it had loaded."""
    try:
        return str(json.loads(files.ready.read_text())["digest"])
    except (OSError, ValueError, KeyError):
        return ""

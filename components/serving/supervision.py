"""A serving instance brought up, changed, looked at and taken down: what a resource provider does, without Pulumi.

The order makes every step repeatable: files first, then supervisor, then waiting until the process answers as what was
asked, with the right model and on the right CPUs. Whoever is killed between two steps leaves files that the next call
finds: an instance that already runs as asked is kept, anything else is stopped and started anew. What was there before
is never lost by a try to change or mend it. No state is kept here.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.progress import say
from components.serving import ports as port_of
from components.serving import supervisor
from components.serving.binding import Verified, verify
from components.serving.instance import Files, Instance, Launch, Ports
from components.serving.platforms.catalogue import BY_NAME, Platform
from components.serving.supervision_conf import Program, program_conf
from components.serving.supervision_processes import processes_of
from components.serving.supervision_ready import READY_S, Answer, ask, last_start, wait_until_ready
from schemas.errors import InferstackError

LAUNCHER = Path(__file__).with_name("launch.py")
# Longer than the server's own drain, so that it is never killed while it still answers somebody.
STOP_MARGIN_S = 5.0


@dataclass(frozen=True)
class Deployed:
    """A running instance: where it listens, the model's digest that it answers with, how it is bound."""

    ports: Ports
    digest: str
    binding: Verified


@dataclass(frozen=True)
class Observed:
    """What an instance really is now; `wrong` says what differs, in words, and `pid` is its process where one runs.

    `state` is supervisor's word; or `unsupervised` (it outlived its supervisor), or `missing`.
    """

    state: str
    pid: int | None
    ready: bool
    digest: str
    binding: Verified | None
    wrong: tuple[str, ...]


def deploy(instance: Instance, kept: Ports | None = None, platform: Platform = BY_NAME) -> Deployed:
    """Bring an instance up as asked and return when it answers; one that runs so already, or is coming, is left alone.

    `kept` are the ports it had so far. When the new one does not come up, what ran before is put back.

    Raises:
        InferstackError: it does not come up; the message shows the last lines of its log.
        PreflightError: a port is taken, an environment cannot be made.
    """
    files = instance.files
    platform.prepare(instance)
    daemon = supervisor.ensure(files.run)
    before = _read(files)
    with _claims(files.run):
        ports = _ports(instance, kept or _claimed(files.args))
        wanted = _contents(instance, platform.launch(instance, ports))
        _write(files.args, wanted[files.args])
    try:
        if before != wanted or not _serves(daemon, instance, ports):
            say(f"{instance.name}: starting")
            _start(daemon, instance, ports, wanted)
        return _wait(daemon, instance, ports)
    except InferstackError:
        with suppress(supervisor.DaemonGoneError):
            _put_back(daemon, files, {} if before == wanted and kept is None else before)
        raise


def withdraw(run: Path, name: str) -> None:
    """Stop an instance in order (it drains) and remove its files; fine when there is none."""
    files = Files(run, name)
    if (daemon := supervisor.find(run)) is not None:
        daemon.remove(name)
        files.program.unlink(missing_ok=True)
        daemon.call("reloadConfig")
    for path in files.all_but_logs:
        path.unlink(missing_ok=True)
    for log in files.log.parent.glob(f"{files.log.name}*"):
        log.unlink(missing_ok=True)


def look(instance: Instance, ports: Ports) -> Observed:
    """Look at an instance without touching it: a few milliseconds where everything is as it should be."""
    daemon = supervisor.find(instance.files.run)
    return observe(instance, ports, daemon.info(instance.name) if daemon else None)


def observe(instance: Instance, ports: Ports, info: Mapping[str, Any] | None, timeout_s: float = 5.0) -> Observed:
    """The same, with what the supervisor says of it already known."""
    state, pid = (info["statename"].lower(), info["pid"]) if info else ("unsupervised", _orphan(instance.files))
    if not pid:
        state = state if info else "missing"
        return Observed(state, None, False, "", None, (f"it does not run ({state})",))
    answer = ask(instance, ports, timeout_s)
    binding = verify(pid, instance.cpus, instance.memory_node)
    alone = () if info else (f"process {pid} runs, but nobody supervises it: `inferstack up` starts it anew",)
    return Observed(state, pid, answer.ready, answer.digest, binding, (*alone, *_wrong(instance, answer, binding)))


def known(run: Path) -> tuple[tuple[Instance, Ports], ...]:
    """The instances that the run folder has files of, by name, with their ports."""
    found = []
    for path in sorted((run / "launch").glob("*.json")):
        try:
            instance = Instance.of(json.loads(path.read_text())["instance"])
        except (OSError, ValueError, KeyError):
            continue
        if (ports := _claimed(instance.files.args)) is not None:
            found.append((instance, ports))
    return tuple(found)


def _orphan(files: Files) -> int | None:
    """The process that was started last, where it has outlived its supervisor."""
    pid = last_start(files)
    return pid if pid in processes_of(files.run) else None


def _wait(daemon: supervisor.Daemon, instance: Instance, ports: Ports) -> Deployed:
    pid = wait_until_ready(daemon, instance, ports)
    binding = verify(pid, instance.cpus, instance.memory_node)
    if not binding.ok:
        raise InferstackError(f"{instance.name} is not bound as asked", why=str(binding))
    say(f"{instance.name}: ready on port {ports.rest}, {binding}")
    return Deployed(ports, instance.model_digest, binding)


def _wrong(instance: Instance, answer: Answer, binding: Verified) -> tuple[str, ...]:
    """What differs between an instance as asked and as it is, in words."""
    wrong = []
    if not answer.ready:
        wrong.append("it does not answer ready")
    elif answer.digest != instance.model_digest:
        wrong.append(f"it serves model {answer.digest[:12] or 'unknown'} instead of {instance.model_digest[:12]}")
    if not binding.ok:
        wrong.append(str(binding))
    return tuple(wrong)


def _ports(instance: Instance, kept: Ports | None) -> Ports:
    """The ports an instance gets: fixed by the spec, else those it had, else chosen; called under the claims' lock."""
    seed = f"{instance.stack}/{instance.name}"
    claimed = [_claimed(path) for path in (instance.files.run / "args").glob("*.json") if path != instance.files.args]
    avoid = {port for one in claimed if one for port in (one.rest, one.grpc) if port}
    rest = instance.rest_port or (kept.rest if kept else None) or port_of.choose(seed, instance.host, avoid)
    if not instance.grpc:
        return Ports(rest, None)
    chosen = instance.grpc_port or (kept.grpc if kept else None)
    return Ports(rest, chosen or port_of.choose(f"{seed}/grpc", instance.host, {*avoid, rest}))


def _start(daemon: supervisor.Daemon, instance: Instance, ports: Ports, wanted: Mapping[Path, str]) -> None:
    """Stop what runs under this name, and start it with the wanted files."""
    files = instance.files
    daemon.remove(instance.name)
    _require_free(instance, ports)
    for stale in (files.starts, files.ready):
        stale.unlink(missing_ok=True)
    for path, text in wanted.items():
        _write(path, text)
    daemon.add(instance.name)


def _put_back(daemon: supervisor.Daemon, files: Files, before: Mapping[Path, str]) -> None:
    """Stop what does not come up; run again what ran before, where something did."""
    daemon.remove(files.name)
    for path in files.all_but_logs:
        path.unlink(missing_ok=True)
    for path, text in before.items():
        _write(path, text)
    daemon.call("reloadConfig")
    if before:
        daemon.add(files.name)


def _require_free(instance: Instance, ports: Ports) -> None:
    port_of.require(instance.name, instance.host, ports.rest, "port")
    if ports.grpc is not None:
        port_of.require(instance.name, instance.host, ports.grpc, "grpcPort")


def _claimed(args: Path) -> Ports | None:
    try:
        written = json.loads(args.read_text())
        return Ports(written["rest_port"], written["grpc_port"])
    except (OSError, ValueError, KeyError):
        return None


@contextmanager
def _claims(run: Path) -> Iterator[None]:
    """Holds off other instances of the stack while one chooses its ports and writes them down."""
    with (run / "ports.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _serves(daemon: supervisor.Daemon, instance: Instance, ports: Ports) -> bool:
    """Whether the process that runs under this name may be left to itself: it is as asked, or still on its way.

    One that listens and does not answer hangs; one that does not listen yet is loading, for as long as that may take.
    """
    info = daemon.info(instance.name)
    if info is None or info["statename"] not in ("STARTING", "RUNNING"):
        return False
    loads = info["now"] - info["start"] < READY_S and port_of.is_free(instance.host, ports.rest)
    return loads or not observe(instance, ports, info).wrong


def _contents(instance: Instance, launch: Launch) -> Mapping[Path, str]:
    """The files that start an instance, and what stands in them.

    The launch file names the digest of the arguments: those are written first (they claim the ports), so they alone
    cannot tell whether the running process was started with them.
    """
    files = instance.files
    args = json.dumps(launch.args, indent=1)
    launched = {
        "name": instance.name,
        "command": launch.command,
        "env": {"CI": "true", **launch.env, **dict(instance.env)},
        "cpus": instance.cpus,
        "memory_node": instance.memory_node,
        "starts": str(files.starts),
        "instance": instance.inputs,
        "args_digest": hashlib.sha256(args.encode()).hexdigest(),
    }
    program = Program(
        name=instance.name,
        python=sys.executable,
        launcher=LAUNCHER,
        launch=str(files.launch.relative_to(files.run)),
        stop_s=math.ceil(instance.drain_s + STOP_MARGIN_S),
    )
    return {
        files.args: args,
        files.launch: json.dumps(launched, indent=1),
        files.program: program_conf(program),
    }


def _read(files: Files) -> Mapping[Path, str]:
    """The files of an instance as they are; empty unless all are there."""
    try:
        return {path: path.read_text() for path in (files.args, files.launch, files.program)}
    except OSError:
        return {}


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    os.replace(partial, path)

"""`kill -9` while an object is being waited for: Pulumi's own engine then fails with "already exists", ours goes on.

Both are killed at the same moment of the same `up`. Needs the cluster and the real command line.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.errors import LockedError, PartlyAppliedError
from stack.engines.pulumi.command import command_in
from stack.engines.pulumi.engine import PulumiEngine
from stack.engines.pulumi.workspace import Keeping, keeping
from tests.builders.pulumi_cli import needed_pulumi, real_pulumi
from tests.cluster.kubectl import Kubectl
from tests.cluster.stacks import Stack, pausing

pytestmark = pytest.mark.timeout(900)
VICTIM = """
import os, sys
from pathlib import Path
from tests.cluster.stacks import Stack
from tests.cluster.test_pulumi_killed import an_engine
place, kubeconfig, namespace, which = Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]
stack = Stack(place, kubeconfig, namespace)
engine = stack.engine() if which == "ours" else an_engine(place, dict(os.environ))[0]
engine.up(stack.program({"server": stack.deployment(replicas=1)}))
"""


def an_engine(place: Path, environ: dict[str, str]) -> tuple[PulumiEngine, Keeping]:
    """Pulumi's engine of the stack `test`, and how it is kept."""
    kept = keeping(place / "pulumi", environ)
    return PulumiEngine("project", "test", command_in(environ), kept), kept


def test_what_a_killed_pulumi_made_exists_already_for_pulumi_and_not_for_us(
    tmp_path: Path, kubeconfig: Path, kubectl: Kubectl, namespace: str
) -> None:
    environ = real_pulumi(needed_pulumi(), tmp_path / "home")
    stack = Stack(tmp_path, kubeconfig, namespace)
    ready = {"server": stack.deployment(image=pausing(kubectl), replicas=1)}

    killed_while_waiting("pulumi", stack, kubectl, environ)
    engine, kept = an_engine(tmp_path, environ)
    with pytest.raises(LockedError):
        engine.up(stack.program(ready))
    command_in(environ).run(["cancel", "--yes", "--stack", "test"], str(kept.folder), kept.environ)
    outcome = engine.up(stack.program(ready))
    assert isinstance(outcome.error, PartlyAppliedError)
    assert "already exists" in f"{outcome.failed[0].message}\n{outcome.failed[0].why}"
    kubectl("delete", "deployment", "server", "-n", namespace)

    killed_while_waiting("ours", stack, kubectl, environ)
    uid = kubectl.get("deployment", "server", namespace)["metadata"]["uid"]
    stack.made(ready)
    assert kubectl.get("deployment", "server", namespace)["metadata"]["uid"] == uid
    assert stack.preview(ready).empty


def killed_while_waiting(which: str, stack: Stack, kubectl: Kubectl, environ: dict[str, str]) -> None:
    """Let an engine make a Deployment whose pods never come, and kill it once the Deployment is there."""
    words = [str(stack.place), str(stack.kubeconfig), stack.namespace, which]
    victim = subprocess.Popen([sys.executable, "-c", VICTIM, *words], env={**os.environ, **environ})
    until(lambda: "server" in kubectl.names("deployment", stack.namespace))
    killed(victim)


def killed(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started, at once."""
    for pid in (process.pid, *started_by(process.pid)):
        os.kill(pid, signal.SIGKILL)
    process.wait()


def started_by(pid: int) -> list[int]:
    """The processes that a process started, and those that these started."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended meanwhile
    children = [child for child, parent in parents.items() if parent == pid]
    return children + [further for child in children for further in started_by(child)]


def until(condition: Callable[[], bool], limit_s: float = 300.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.1)

"""A command that is killed at any moment leaves something that the next one brings to order."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
from pathlib import Path

import pytest

from components.serving import supervision, supervisor
from components.serving.supervision_processes import processes_of
from tests.components.serving.serving_builders import StubPlatform, a_stack, an_instance

COMMAND = """\
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from components.serving import supervision, supervisor
from tests.components.serving.serving_builders import StubPlatform, an_instance

state, threads = Path(sys.argv[1]), int(sys.argv[2])
supervisor.ensure(state / "run")
names = ("digits-0", "digits-1")
wanted = [an_instance(state, name=name, threads=threads) for name in names]
with ThreadPoolExecutor() as pool:
    list(pool.map(lambda instance: supervision.deploy(instance, platform=StubPlatform()), wanted))
"""


@pytest.mark.parametrize("seed", range(3))
def test_what_a_killed_command_leaves_is_brought_to_order(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with a_stack(tmp_path) as state:
        for threads in (1, 2):
            command = subprocess.Popen([sys.executable, "-c", COMMAND, str(state), str(threads)])
            with contextlib.suppress(subprocess.TimeoutExpired):
                command.wait(chance.uniform(0.2, 1.5))
            command.kill()
            command.wait()
        wanted = [an_instance(state, name=name, threads=3) for name in ("digits-0", "digits-1")]
        ports = [supervision.deploy(instance, platform=StubPlatform()).ports for instance in wanted]
        assert all(supervision.look(i, p).wrong == () for i, p in zip(wanted, ports, strict=True))
        assert len(processes_of(state / "run")) == 3
        run = state / "run"
    assert processes_of(run) == ()
    assert supervisor.find(run) is None

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components import progress
from components.serving import supervision, supervisor
from components.serving.instance import Instance, Ports
from components.serving.supervision_processes import processes_of
from schemas.errors import InferstackError, PreflightError
from tests.components.serving.serving_builders import StubPlatform, a_stack, an_instance, eventually, usable_cpus

STUB = StubPlatform()


def pid_of(instance: Instance) -> int:
    daemon = supervisor.find(instance.files.run)
    assert daemon is not None
    found: list[int] = []

    def is_known() -> bool:
        info = daemon.info(instance.name)
        found[:] = [int(info["pid"])] if info and info["pid"] else []
        return bool(found)

    eventually(is_known)
    return found[0]


def up(state: Path, behaviour: dict[str, Any] | None = None, **changes: Any) -> supervision.Deployed:
    return supervision.deploy(an_instance(state, **changes), platform=StubPlatform(behaviour or {}))


def test_an_instance_that_is_up_answers_and_is_bound(tmp_path: Path) -> None:
    with a_stack(tmp_path / "with space, 50% off") as state:
        deployed = up(state)
        seen = supervision.look(an_instance(state), deployed.ports)
        assert (seen.ready, seen.wrong) == (True, ())
        assert deployed.digest == "a" * 64
        assert seen.binding is not None
        assert seen.binding.cpus in (None, frozenset({usable_cpus()[0]}))


def test_bringing_up_what_runs_already_leaves_it_alone(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        first = up(state)
        pid = pid_of(an_instance(state))
        assert up(state) == first
        assert pid_of(an_instance(state)) == pid


def test_changing_one_instance_restarts_that_one_alone(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        before = [up(state, name=f"digits-{index}") for index in range(2)]
        pids = [pid_of(an_instance(state, name=f"digits-{index}")) for index in range(2)]
        changed = up(state, name="digits-1", threads=2)
        assert changed.ports == before[1].ports
        assert pid_of(an_instance(state, name="digits-0")) == pids[0]
        assert pid_of(an_instance(state, name="digits-1")) != pids[1]


def test_siblings_never_share_a_port(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        deployed = [up(state, name=f"digits-{index}", grpc=True).ports for index in range(2)]
        assert len({port for ports in deployed for port in (ports.rest, ports.grpc)}) == 4


def test_a_crashed_instance_comes_back_by_itself(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        ports = up(state).ports
        first = pid_of(an_instance(state))
        os.kill(first, signal.SIGKILL)
        eventually(lambda: pid_of(an_instance(state)) not in (0, first))
        eventually(lambda: supervision.look(an_instance(state), ports).ready)


def test_a_process_that_ends_at_start_shows_its_last_words(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        with pytest.raises(InferstackError) as failed:
            up(state, {"exit": 3})
        assert failed.value.message == "digits-0 does not start: its process ended 2 times, last with exit status 3"
        assert failed.value.why.endswith("stub: the model cannot be read")
        assert "digits-0.log" in failed.value.remedy
        assert len(processes_of(state / "run")) == 1


def test_another_model_than_asked_is_an_error(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state, pytest.raises(InferstackError, match="serves another model"):
        up(state, {"digest": "b" * 64})


def test_a_change_that_fails_leaves_what_ran_before(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        ports = up(state).ports
        with pytest.raises(InferstackError):
            up(state, {"exit": 3}, threads=2)
        eventually(lambda: supervision.look(an_instance(state), ports).ready)
        assert supervision.known(state / "run") == ((an_instance(state), ports),)


def test_a_fixed_port_in_use_is_refused_and_nothing_stays_behind(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state, socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PreflightError, match=f"port {port} of digits-0 is taken"):
            up(state, rest_port=port)
        assert supervision.known(state / "run") == ()


def test_an_instance_withdrawn_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        up(state)
        supervision.withdraw(state / "run", "digits-0")
        assert list((state / "run").rglob("digits-0*")) == []
        assert len(processes_of(state / "run")) == 1


def test_withdrawing_what_is_not_there_is_fine(tmp_path: Path) -> None:
    supervision.withdraw(tmp_path / "run", "digits-0")


@pytest.mark.parametrize("spoil", ["stop", "kill the daemon"])
def test_an_instance_that_does_not_run_any_more_is_started_again(tmp_path: Path, spoil: str) -> None:
    with a_stack(tmp_path) as state:
        ports = up(state).ports
        daemon = supervisor.find(state / "run")
        assert daemon is not None
        if spoil == "stop":
            daemon.call("stopProcess", "digits-0")
        else:
            os.kill(daemon.call("getPID"), signal.SIGKILL)
            eventually(lambda: supervisor.find(state / "run") is None)
        says = "does not run" if spoil == "stop" else "nobody supervises it"
        assert says in supervision.look(an_instance(state), ports).wrong[0]
        assert up(state).ports == ports
        assert len(processes_of(state / "run")) == 2


@pytest.mark.skipif(len(usable_cpus()) < 2, reason="another CPU than the asked one is needed")
def test_an_instance_moved_to_other_cpus_is_mended(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        first = up(state)
        pid = pid_of(an_instance(state))
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), usable_cpus()[1:])
        assert up(state) == first
        assert pid_of(an_instance(state)) != pid


def test_an_instance_that_hangs_is_mended(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        first = up(state, drain_s=0.0)
        pid = pid_of(an_instance(state))
        os.kill(pid, signal.SIGSTOP)
        assert up(state, drain_s=0.0) == first
        assert pid_of(an_instance(state)) != pid


def test_an_instance_whose_mending_fails_is_not_deleted(tmp_path: Path) -> None:
    (needed := tmp_path / "needed").touch()
    platform = StubPlatform({"needs": str(needed)})
    with a_stack(tmp_path) as state:
        ports = supervision.deploy(an_instance(state), platform=platform).ports
        needed.unlink()
        daemon = supervisor.find(state / "run")
        assert daemon is not None
        daemon.call("stopProcess", "digits-0")
        with pytest.raises(InferstackError, match="does not start"):
            supervision.deploy(an_instance(state), ports, platform)
        assert supervision.known(state / "run") == ((an_instance(state), ports),)
        needed.touch()
        assert supervision.deploy(an_instance(state), ports, platform).ports == ports


def test_arguments_that_were_written_but_never_started_are_no_reason_to_adopt(tmp_path: Path) -> None:
    """As after kill -9 between claiming the ports and stopping the old process."""
    with a_stack(tmp_path) as state:
        ports = up(state).ports
        pid = pid_of(an_instance(state))
        changed = STUB.launch(an_instance(state, threads=2), ports)
        an_instance(state).files.args.write_text(json.dumps(changed.args, indent=1))
        up(state, threads=2)
        assert pid_of(an_instance(state)) != pid


def test_an_instance_survives_being_written_down(tmp_path: Path) -> None:
    instance = an_instance(tmp_path, env=(("A", "1"),), grpc=True, memory_node=0)
    assert Instance.of(instance.inputs) == instance


def test_progress_tells_the_start_and_the_binding(tmp_path: Path) -> None:
    told: list[str] = []
    listening: Callable[[str, float | None], None] = lambda text, _fraction: told.append(text)  # noqa: E731
    token = progress.listener.set(listening)
    try:
        with a_stack(tmp_path) as state:
            ports: Ports = up(state).ports
    finally:
        progress.listener.reset(token)
    assert told[0] == "digits-0: starting"
    assert told[-1].startswith(f"digits-0: ready on port {ports.rest}, CPUs {usable_cpus()[0]}")

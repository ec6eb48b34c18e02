"""The providers as an engine calls them, around the real embedded server."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import dill
import httpx
import pytest

from components.serving import supervisor
from components.serving.resource import InstanceProvider, SupervisorProvider
from schemas.errors import InferstackError
from tests.components.serving.serving_builders import a_model, a_stack, eventually, usable_cpus

PROVIDER = InstanceProvider()


def inputs(state: Path, **changes: Any) -> dict[str, Any]:
    """What the serving group registers for an instance."""
    path, digest = a_model(state.parent)
    wanted = {
        "name": "digits-0",
        "group": "digits",
        "index": 0,
        "platform": "openvino",
        "model": {"name": "digits", "path": str(path), "digest": digest},
        "cpus": [usable_cpus()[0]],
        "memory_node": None,
        "threads": 1,
        "streams": 1,
        "host": "127.0.0.1",
        "rest_port": None,
        "grpc_port": None,
        "grpc": False,
        "env": {},
        "site": {"stack": "test", "state": str(state), "store": str(state.parent / "store")},
    }
    return {**wanted, **changes}


def test_an_instance_is_created_read_changed_and_deleted(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        asked = inputs(state)
        created = PROVIDER.create(asked)
        outs = created.outs or {}
        assert created.id == "digits-0"
        assert outs["digest"] == asked["model"]["digest"]
        assert outs["verified"].startswith(f"CPUs {usable_cpus()[0]}")
        answer = httpx.post(f"{outs['url']}/v1/models/digits:predict", json={"instances": [[9, 0, 0, 0]]})
        assert answer.json()["predictions"][0][0] > 0.9

        assert PROVIDER.diff("digits-0", outs, asked).changes is False
        defaults = {"scheduling": "auto", "drain_s": 10.0, "execution": "f32", "env": None}
        assert PROVIDER.diff("digits-0", outs, {**asked, **defaults}).changes is False
        assert PROVIDER.read("digits-0", outs).outs == outs

        changed = {**asked, "cpus": [usable_cpus()[-1]], "env": {"WHO": "me"}}
        updated = PROVIDER.update("digits-0", outs, changed).outs or {}
        assert updated["endpoint"] == outs["endpoint"]
        assert updated["verified"].startswith(f"CPUs {usable_cpus()[-1]}")

        PROVIDER.delete("digits-0", updated)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{outs['url']}/v2/health/live")


def test_a_dead_instance_is_drift_that_the_next_update_mends(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        asked = inputs(state)
        outs = PROVIDER.create(asked).outs or {}
        daemon = supervisor.find(state / "run")
        assert daemon is not None
        daemon.call("stopProcess", "digits-0")
        assert PROVIDER.diff("digits-0", outs, asked).changes is True
        found = PROVIDER.read("digits-0", outs).outs or {}
        assert found["running"] is False
        assert found["verified"] == "it does not run (stopped)"
        assert PROVIDER.diff("digits-0", found, asked).changes is True
        assert (PROVIDER.update("digits-0", found, asked).outs or {})["running"] is True


def test_a_model_that_changed_in_the_store_is_refused_with_both_digests(tmp_path: Path) -> None:
    with a_stack(tmp_path) as state:
        asked = inputs(state)
        asked["model"]["digest"] = "0" * 64
        with pytest.raises(InferstackError) as failed:
            PROVIDER.create(asked)
        assert "0" * 64 in failed.value.why


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        ({"cpus": [7]}, []),
        ({"model": {"name": "digits", "path": "/x", "digest": "1"}}, []),
        ({"rest_port": 8500}, []),
        ({"name": "other-0"}, ["name"]),
    ],
)
def test_only_another_name_makes_another_instance(change: dict[str, Any], replaces: list[str], tmp_path: Path) -> None:
    asked = inputs(tmp_path / "state")
    found = PROVIDER.diff("digits-0", {**asked, "endpoint": {"rest_port": 20000}, "running": True}, {**asked, **change})
    assert (found.changes, found.replaces) == (True, replaces)


def test_a_preview_knows_what_a_restart_will_not_change(tmp_path: Path) -> None:
    asked = inputs(tmp_path / "state")
    olds = {**asked, "endpoint": {"host": "127.0.0.1", "rest_port": 20000, "grpc_port": None}}
    restart = PROVIDER.diff("digits-0", olds, {**asked, "threads": 2}).stables or []
    assert {"endpoint", "url", "digest"} <= set(restart)
    assert "endpoint" not in (PROVIDER.diff("digits-0", olds, {**asked, "rest_port": 8500}).stables or [])
    other_model = {**asked, "model": {**asked["model"], "digest": "1"}}
    assert "digest" not in (PROVIDER.diff("digits-0", olds, other_model).stables or [])


def test_the_supervisor_is_created_found_dead_and_started_again(tmp_path: Path) -> None:
    provider = SupervisorProvider()
    with a_stack(tmp_path) as state:
        asked = {"stack": "test", "state": str(state)}
        outs = provider.create(asked).outs or {}
        assert provider.diff("test", outs, asked).changes is False
        daemon = supervisor.find(state / "run")
        assert daemon is not None
        os.kill(daemon.call("getPID"), signal.SIGKILL)
        eventually(lambda: supervisor.find(state / "run") is None)
        found = provider.read("test", outs).outs or {}
        assert provider.diff("test", found, asked).changes is True
        assert provider.update("test", found, asked).outs == outs
        provider.delete("test", outs)
        assert not (state / "run").exists()


def test_providers_travel_by_reference_and_speak_plain_json(tmp_path: Path) -> None:
    assert len(dill.dumps(PROVIDER, recurse=True)) < 200
    with a_stack(tmp_path) as state:
        assert json.loads(json.dumps(SupervisorProvider().create({"stack": "t", "state": str(state)}).outs))

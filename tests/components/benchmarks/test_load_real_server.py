"""The load generator against the embedded server, with a real model, over every protocol."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from components.benchmarks.description import Description, Subject
from components.benchmarks.load.arguments import Endpoint
from components.benchmarks.local import LocalGenerators
from components.benchmarks.run import carry_out
from components.models.digest import ir_digest
from schemas.errors import PreflightError
from schemas.spec import Protocol
from tests.builders.programs import free_port
from tests.builders.results import a_target
from tests.components.benchmarks import load_builders as build
from tests.components.models import model_builders


def hosts() -> Iterator[str]:
    """This machine's own addresses, IPv6's where it has one."""
    yield "127.0.0.1"
    with suppress(OSError), closing(socket.create_server(("::1", 0), family=socket.AF_INET6)):
        yield "::1"


@pytest.fixture(scope="module", params=hosts())
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Endpoint, str]]:
    folder, host = tmp_path_factory.mktemp("served"), request.param
    model = model_builders.an_ir(folder / "model.xml")
    rest_port, grpc_port = free_port(), free_port()
    arguments = {
        "name": "one-0", "model": {"name": "classifier", "path": str(model), "digest": ir_digest(model)},
        "host": host, "rest_port": rest_port, "grpc_port": grpc_port, "cpus": [], "memory_node": None,
        "threads": 1, "streams": 1, "execution": "f32", "scheduling": "inline", "queue_size": 128,
        "retry_after_s": 1.0, "max_request_bytes": 1 << 20, "drain_s": 5.0,
    }  # fmt: skip
    path = folder / "arguments.json"
    path.write_text(json.dumps(arguments))
    with subprocess.Popen([sys.executable, "-m", "components.serving.server", str(path)]) as process:
        build.until(lambda: answers(host, rest_port))
        yield Endpoint(host, rest_port, grpc_port), ir_digest(model)
        process.terminate()


def answers(host: str, port: int) -> bool:
    with suppress(ConnectionRefusedError), closing(socket.create_connection((host, port))):
        return True
    return False


def described(
    folder: Path, endpoint: Endpoint, digest: str, *protocols: Protocol, duration_s: float = 0.4
) -> Description:
    data = model_builders.a_data_set(folder / "data.npz", wrong=6)
    return Description(
        stack="s",
        benchmark="b",
        results=str(folder / "results"),
        subjects=tuple(
            Subject(a_target(name, model="classifier", digest=digest), name, (endpoint,)) for name in protocols
        ),
        loads=(build.a_shape(label="2 clients", clients=2, duration_s=duration_s),),
        data=str(data),
    )


def test_every_protocol_gets_the_same_predictions(tmp_path: Path, served: tuple[Endpoint, str]) -> None:
    for duration_s in (0.4, 3.0, 20.0):  # a machine that is busy elsewhere takes longer to ask for every row
        stored = carry_out(described(tmp_path, *served, *get_args(Protocol), duration_s=duration_s), LocalGenerators)
        if all(measurement.requests > 60 for measurement in stored.result.measurements):
            break
    for measurement in stored.result.measurements:
        assert measurement.errors == {}, measurement.protocol
        assert measurement.accuracy == pytest.approx(0.9, abs=0.02), measurement.protocol


def test_an_open_loop_over_grpc_counts_from_the_schedule(tmp_path: Path, served: tuple[Endpoint, str]) -> None:
    endpoint, _digest = served
    data = model_builders.a_data_set(tmp_path / "data.npz")
    made = build.generate(
        tmp_path, [endpoint.rest_port], endpoints=(endpoint,), model="classifier", protocol="grpc", data=str(data),
        inputs=(), load_duration_s=0.5,
    )  # fmt: skip
    assert made.measurement.errors == {"gRPC INVALID_ARGUMENT": 100}
    assert np.allclose(made.samples.scheduled_s, np.arange(100) / 200)


def test_grpc_without_a_server_is_no_connection(tmp_path: Path) -> None:
    made = build.generate(tmp_path, [1], endpoints=(Endpoint("127.0.0.1", 1, 1),), protocol="grpc", load_timeout_s=0.5)
    assert set(made.measurement.errors) <= {"no connection", "timeout"}
    assert sum(made.measurement.errors.values()) == 100


def test_a_target_without_a_grpc_port_cannot_be_asked_over_grpc(tmp_path: Path) -> None:
    finished = build.start(tmp_path, build.some_arguments(tmp_path, [1], protocol="grpc"))
    assert finished.returncode == 3
    assert "an instance has no gRPC port" in finished.stderr


def test_another_model_than_expected_is_not_measured(tmp_path: Path, served: tuple[Endpoint, str]) -> None:
    endpoint, _digest = served
    with pytest.raises(PreflightError, match="v2 cannot be measured"):
        carry_out(described(tmp_path, endpoint, "e" * 64, "v2"), LocalGenerators)

"""Texts and brain floats, which numpy has no types for, sent by hand and by the load generator to a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openvino as ov
import pytest

from components.benchmarks.load.arguments import Endpoint
from components.serving import predict
from schemas.spec import Protocol
from tests.builders.programs import free_port
from tests.components.benchmarks import load_builders as build
from tests.components.serving.server.server_builders import ROOT, Server, an_echo_model, serving

GIVEN = {"text": (ov.Type.string, '[["a", "", "größer"]]'), "brain": (ov.Type.bf16, "[[1, -2.5, 0.1]]")}
BACK = {"text": ["a", "", "größer"], "brain": [1, -2.5, 0.10009765625]}
PROTOCOLS: dict[str, tuple[Protocol, ...]] = {
    "text": ("v1", "v2", "v2-binary", "grpc"),
    "brain": ("v2-binary", "grpc"),  # JSON has no form for them
}
# A process of its own: other tests bring a client whose messages have the names of ours.
BY_HAND = """\
import io, json, sys
from components.serving import predict

url, grpc_port, text, *protocols = sys.argv[1:]
target = predict.Endpoint("one-0", "m", url, f"127.0.0.1:{grpc_port}", "openvino")
data = predict.read_data(text, io.StringIO(), predict.inputs_of(target))
print(json.dumps([predict.predict([target], data, each, [0])[0].values.tolist() for each in protocols]))
"""


@pytest.fixture(scope="module", params=[*GIVEN])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("types")
    with serving(folder, an_echo_model(folder / "model.xml", GIVEN[kind][0]), grpc_port=free_port()) as running:
        yield running


def test_they_are_predicted_by_hand_over_every_protocol_that_carries_them(server: Server, kind: str) -> None:
    command = [sys.executable, "-c", BY_HAND, server.url, str(server.grpc_port), GIVEN[kind][1], *PROTOCOLS[kind]]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(ran.stdout) == [[BACK[kind]] for _ in PROTOCOLS[kind]]


def test_they_are_sent_by_the_load_generator(server: Server, kind: str, tmp_path: Path) -> None:
    target = predict.Endpoint("one-0", "m", server.url, None, "openvino")
    endpoint = Endpoint("127.0.0.1", server.rest_port, server.grpc_port)
    np.savez(tmp_path / "own.npz", x=np.array([["a", "b", "ü"]] if kind == "text" else [[1.0, 2.0, 3.0]]), y=[2])
    for protocol in PROTOCOLS[kind]:
        for data in (None, str(tmp_path / "own.npz")):
            made = build.generate(
                tmp_path, [server.rest_port], endpoints=(endpoint,), model="m", protocol=protocol, data=data,
                inputs=predict.inputs_of(target), load_clients=1, load_duration_s=0.2,
            )  # fmt: skip
            assert made.measurement.errors == {}, protocol
            assert made.samples.good.any()

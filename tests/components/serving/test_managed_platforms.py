"""KServe and MLServer for real, in their own environments, with the same model.

Their packages take a minute to install. They are installed once a session, or once for all in the folder that
INFERSTACK_TEST_ENVIRONMENTS names. Without a package index these tests are skipped.
"""

from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from components.serving import predict, supervision
from components.serving.environments import ensure
from components.serving.platforms import managed
from components.serving.supervision_processes import processes_of
from schemas.errors import PreflightError
from tests.components.serving.serving_builders import a_model, a_stack, an_instance, usable_cpus

ROW = [9.0, 0.0, 0.0, 0.0]
PROTOCOLS = {"kserve": ("v1", "v2", "v2-binary"), "mlserver": ("v2",)}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with both environments."""
    kept = os.environ.get("INFERSTACK_TEST_ENVIRONMENTS")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("store")
    wanted = [managed.environment_of(an_instance(folder, store=folder, platform=name)) for name in PROTOCOLS]
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(ensure, wanted))
    except PreflightError as error:
        if "No matching distribution" in error.why or "connection" in error.why.lower():
            pytest.skip(f"no package index can be reached: {error.why[-300:]}")
        raise
    return folder


@pytest.mark.timeout(900)
@pytest.mark.parametrize("platform", PROTOCOLS)
def test_the_platform_serves_the_same_model_pinned_on_this_address_alone(
    platform: str, store: Path, tmp_path: Path
) -> None:
    path, digest = a_model(tmp_path)
    with a_stack(tmp_path) as state:
        wanted = an_instance(
            state, platform=platform, store=store, model_path=path, model_digest=digest, grpc=True, drain_s=3.0
        )
        deployed = supervision.deploy(wanted)
        assert deployed.digest == digest
        assert deployed.binding.cpus in (None, frozenset({usable_cpus()[0]}))
        assert set(_addresses(deployed.ports.rest)) <= {"127.0.0.1"}
        targets = predict.endpoints(state / "run", "digits")
        rows = predict.read_data(str([ROW]), io.StringIO(), predict.inputs_of(targets[0]))
        found = [predict.predict(targets, rows, protocol, [0])[0].values for protocol in PROTOCOLS[platform]]
        for values in (*found, _over_grpc(str(targets[0].grpc))):
            np.testing.assert_allclose(values.sum(), 1, rtol=1e-5)
            assert values.argmax() == 0
        refused = httpx.post(f"{targets[0].url}/v1/models/digits:predict", json={"instances": [[1.0, 2.0]]})
        assert refused.status_code == 400
        assert "takes the shape [-1, 4], not [1, 2]" in refused.text
        run = state / "run"
    assert processes_of(run) == ()


def _over_grpc(address: str) -> np.ndarray[Any, Any]:
    """The first output for `ROW`, asked by Triton's client.

    Not by ours: both register the messages of one protocol, and a process can hold them only once.
    """
    import tritonclient.grpc as triton

    with triton.InferenceServerClient(address) as client:
        tensor = triton.InferInput("x", [1, len(ROW)], "FP32")
        tensor.set_data_from_numpy(np.array([ROW], np.float32))
        answer = client.infer("digits", [tensor])
        values: np.ndarray[Any, Any] = answer.as_numpy(answer.get_response().outputs[0].name)
        return values


def _addresses(port: int) -> list[str]:
    """The addresses on which the port is listened to."""
    try:
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return []
    listening = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    words = [word.split(":") for word in listening if int(word.split(":")[1], 16) == port]
    return [".".join(str(int(address[at : at + 2], 16)) for at in (6, 4, 2, 0)) for address, _ in words]

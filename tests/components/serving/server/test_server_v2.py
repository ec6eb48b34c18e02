"""The Open Inference Protocol over REST, against a real process with real models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.components.serving.server.server_builders import (
    NUMPY,
    Server,
    a_doubling_model,
    a_labelled_model,
    a_nameless_model,
    a_pair_model,
    a_string_model,
    a_types_model,
    serving,
)


@pytest.fixture(scope="module")
def doubling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("doubling")
    with serving(folder, a_doubling_model(folder / "model.xml")) as server:
        yield server


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("pair")
    with serving(folder, a_pair_model(folder / "model.xml"), scheduling="queue", streams=2, threads=2) as server:
        yield server


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("types")
    with serving(folder, a_types_model(folder / "model.xml")) as server:
        yield server


def tensor(name: str, datatype: str, shape: list[int], data: Any = None, **parameters: Any) -> dict[str, Any]:
    given = {"name": name, "datatype": datatype, "shape": shape}
    return given | ({"data": data} if data is not None else {}) | ({"parameters": parameters} if parameters else {})


def parts(answer: Any) -> tuple[dict[str, Any], bytes]:
    """The JSON header and the binary part of an answer."""
    length = int(answer.headers["inference-header-content-length"])
    return json.loads(answer.content[:length]), answer.content[length:]


ROW = tensor("x", "FP32", [1, 4], [1, 2, 3, 4])


def test_a_server_says_what_it_is_and_that_it_lives(doubling: Server) -> None:
    assert doubling.get("/v2").json()["extensions"] == ["binary_tensor_data", "classification"]
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/m/ready", "/v2/models/m/versions/1/ready", "/"):
        assert doubling.get(path).status_code == 200
    assert doubling.get("/v2/models").json() == {"models": ["m"]}


def test_metadata_names_tensors_and_says_how_the_model_runs(doubling: Server) -> None:
    about = doubling.get("/v2/models/m/versions/1").json()
    assert about["name"] == "m"
    assert about["versions"] == ["1"]
    assert about["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}]
    assert about["outputs"] == [{"name": "y", "datatype": "FP32", "shape": [-1, 4]}]
    running = about["parameters"]
    assert running["digest"] == doubling.started["digest"]
    assert running["scheduling"] == "inline"
    assert (running["streams"], running["threads"], running["execution"]) == (1, 1, "f32")


def test_json_in_gives_json_out_with_the_id_it_came_with(doubling: Server) -> None:
    answer = doubling.infer({"id": "täg-7", "inputs": [ROW], "parameters": {"anything": 1}}).json()
    assert answer == {
        "model_name": "m",
        "model_version": "1",
        "id": "täg-7",
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [1, 4], "data": [2.0, 4.0, 6.0, 8.0]}],
    }


def test_data_may_be_nested_as_the_shape_says(doubling: Server) -> None:
    nested = tensor("x", "FP32", [2, 4], [[1, 2, 3, 4], [5, 6, 7, 8]])
    assert doubling.infer({"inputs": [nested]}).json()["outputs"][0]["data"] == [2, 4, 6, 8, 10, 12, 14, 16]


def test_long_data_gives_the_same_flat_or_nested(doubling: Server) -> None:
    values = np.random.default_rng(1).random((300, 4)).round(4)
    flat = doubling.infer({"inputs": [tensor("x", "FP32", [300, 4], values.ravel().tolist())]}).json()
    nested = doubling.infer({"inputs": [tensor("x", "FP32", [300, 4], values.tolist())]}).json()
    assert flat == nested
    np.testing.assert_allclose(flat["outputs"][0]["data"], 2 * values.ravel(), rtol=1e-6)


def test_binary_in_and_binary_out(doubling: Server) -> None:
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    given = tensor("x", "FP32", [2, 4], binary_data_size=x.nbytes)
    for request in (
        {"inputs": [given], "parameters": {"binary_data_output": True}},
        {"inputs": [given], "outputs": [{"name": "y", "parameters": {"binary_data": True}}]},
    ):
        for _ in range(3):  # the second time the header is known already
            header, binary = parts(doubling.infer_binary(request, x.tobytes()))
            assert header["outputs"] == [
                {"name": "y", "datatype": "FP32", "shape": [2, 4], "parameters": {"binary_data_size": 32}}
            ]
            np.testing.assert_array_equal(np.frombuffer(binary, np.float32).reshape(2, 4), 2 * x)


def test_a_known_header_still_gives_each_request_its_own_values(doubling: Server) -> None:
    given = {"inputs": [tensor("x", "FP32", [1, 4], binary_data_size=16)]}
    for number in range(5):
        x = np.full((1, 4), number, np.float32)
        answer = doubling.infer_binary(given, x.tobytes()).json()
        assert answer["outputs"][0]["data"] == [2.0 * number] * 4


def test_binary_and_json_tensors_mix(pair: Server) -> None:
    a, b = np.float32([[1, 2]]), np.float32([[10, 20]])
    request = {
        "id": "mix",
        "inputs": [tensor("b", "FP32", [1, 2], binary_data_size=8), tensor("a", "FP32", [1, 2], a.ravel().tolist())],
        "outputs": [{"name": "sum", "parameters": {"binary_data": True}}, {"name": "difference"}],
    }
    header, binary = parts(pair.infer_binary(request, b.tobytes()))
    assert header["id"] == "mix"
    assert np.frombuffer(binary, np.float32).tolist() == [11, 22]
    assert header["outputs"][1]["data"] == [-9, -18]


def test_requested_outputs_come_alone_and_in_their_order(pair: Server) -> None:
    inputs = [tensor("a", "FP32", [1, 2], [5, 5]), tensor("b", "FP32", [1, 2], [1, 2])]
    assert [o["name"] for o in pair.infer({"inputs": inputs}).json()["outputs"]] == ["sum", "difference"]
    swapped = pair.infer({"inputs": inputs, "outputs": [{"name": "difference"}, {"name": "sum"}]}).json()["outputs"]
    assert [(o["name"], o["data"]) for o in swapped] == [("difference", [4, 3]), ("sum", [6, 7])]
    alone = pair.infer({"inputs": inputs, "outputs": [{"name": "difference"}]}).json()["outputs"]
    assert [o["name"] for o in alone] == ["difference"]


def test_shapes_that_do_not_fit_together_are_refused_and_the_next_request_works(pair: Server) -> None:
    odd = [tensor("a", "FP32", [2, 2], [1, 2, 3, 4]), tensor("b", "FP32", [3, 2], [1, 2, 3, 4, 5, 6])]
    answer = pair.infer({"inputs": odd})
    assert answer.status_code == 400
    assert "do not fit together" in answer.json()["error"]
    good = [tensor("a", "FP32", [1, 2], [1, 2]), tensor("b", "FP32", [1, 2], [3, 4])]
    assert pair.infer({"inputs": good}).json()["outputs"][0]["data"] == [4, 6]


@pytest.mark.parametrize("binary", [True, False])
def test_every_data_type_comes_back_as_it_went(types: Server, binary: bool) -> None:
    random = np.random.default_rng(7)
    arrays = {name: _extremes(name, dtype, random) for name, dtype in NUMPY.items()}
    if binary:
        inputs = [tensor(f"t_{n}", n, [2, 3], binary_data_size=a.nbytes) for n, a in arrays.items()]
        request = {"inputs": inputs, "parameters": {"binary_data_output": True}}
        header, data = parts(types.infer_binary(request, b"".join(a.tobytes() for a in arrays.values())))
        for output in header["outputs"]:
            name, size = output["datatype"], output["parameters"]["binary_data_size"]
            assert data[:size] == arrays[name].tobytes(), name
            data = data[size:]
        assert not data
    else:
        inputs = [tensor(f"t_{n}", n, [2, 3], _as_json(n, a)) for n, a in arrays.items()]
        for output in types.infer({"inputs": inputs}).json()["outputs"]:
            name = output["datatype"]
            assert output["data"] == _as_json(name, arrays[name]), name


def _extremes(name: str, dtype: type, random: np.random.Generator) -> np.ndarray[Any, Any]:
    if name == "BOOL":
        return np.array([[True, False, True], [False, False, True]])
    if name == "BF16":
        return (random.standard_normal((2, 3)).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    if np.issubdtype(dtype, np.integer):
        info = np.iinfo(dtype)
        return np.array([[info.min, info.max, info.max - 1], [0, 1, 2]], dtype)
    return random.standard_normal((2, 3)).astype(dtype)


def _as_json(name: str, array: np.ndarray[Any, Any]) -> list[Any]:
    if name == "BF16":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    if name in ("FP16", "BF16", "FP32"):
        return [float(str(np.float32(value))) for value in array.ravel()]
    return array.ravel().tolist()


def test_large_integers_keep_every_digit(types: Server) -> None:
    numbers = [2**63 - 1, 2**53 + 1, -(2**63)]
    inputs = [
        tensor(f"t_{name}", name, [1, 3], numbers if name == "INT64" else [True] * 3 if name == "BOOL" else [1, 1, 1])
        for name in NUMPY
    ]
    inputs[4]["data"] = [2**64 - 1, 2**53 + 1, 0]
    body = {"inputs": inputs, "outputs": [{"name": "t_INT64"}, {"name": "t_UINT64"}], "id": "x" * 1000}
    outputs = types.infer(body).json()["outputs"]
    assert outputs[0]["data"] == numbers
    assert outputs[1]["data"] == [2**64 - 1, 2**53 + 1, 0]


def test_a_model_without_tensor_names_gets_numbered_ones(tmp_path: Any) -> None:
    with serving(tmp_path, a_nameless_model(tmp_path / "model.xml")) as server:
        about = server.get("/v2/models/m").json()
        assert (about["inputs"][0]["name"], about["outputs"][0]["name"]) == ("input0", "output0")
        answer = server.infer({"inputs": [tensor("input0", "FP32", [1, 2], [1, 2])]}).json()
        assert answer["outputs"][0]["data"] == [2, 4]


def test_strings_travel_both_ways(tmp_path: Any) -> None:
    with serving(tmp_path, a_string_model(tmp_path / "model.xml")) as server:
        answer = server.infer({"inputs": [tensor("text", "BYTES", [2], ["häuser", "b"])]}).json()
        assert answer["outputs"] == [{"name": "text", "datatype": "BYTES", "shape": [2], "data": ["häuser", "b"]}]
        raw = b"\x02\x00\x00\x00ab\x01\x00\x00\x00\xff"
        request = {
            "inputs": [tensor("text", "BYTES", [2], binary_data_size=len(raw))],
            "parameters": {"binary_data_output": True},
        }
        assert parts(server.infer_binary(request, raw))[1] == raw
        assert server.predict({"instances": [{"b64": "YWI="}, "c"]}).json() == {"predictions": ["ab", "c"]}


def test_classification_names_the_best_classes_of_each_row(tmp_path: Any) -> None:
    with serving(tmp_path, a_labelled_model(tmp_path / "model.xml")) as server:
        body = {
            "inputs": [tensor("x", "FP32", [2, 3], [0.1, 0.7, 0.2, 5, 4, 6])],
            "outputs": [{"name": "y", "parameters": {"classification": 2}}],
        }
        assert server.infer(body).json()["outputs"] == [
            {
                "name": "y",
                "datatype": "BYTES",
                "shape": [2, 2],
                "data": ["0.700000:1:dog", "0.200000:2:cow", "6.000000:2:cow", "5.000000:0:cat"],
            }
        ]

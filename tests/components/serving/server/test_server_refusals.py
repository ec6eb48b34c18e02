"""What the server does with requests it cannot carry out: a 4xx with a reason, never a 5xx, never silence."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.components.serving.server.server_builders import Server, a_doubling_model, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("refusals")
    with serving(folder, a_doubling_model(folder / "model.xml")) as running:
        yield running


def x(**changes: Any) -> dict[str, Any]:
    """A V2 request with one good input, changed."""
    given = {"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}
    return {"inputs": [{key: value for key, value in (given | changes).items() if value is not None}]}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "body is empty"),
        (b"{", "no JSON"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"\xff\xfe{}", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        ({}, "'inputs' must be a list"),
        ({"inputs": {}}, "'inputs' must be a list"),
        ({"inputs": [1]}, "'inputs' must be a list"),
        ({"inputs": []}, "one or more objects"),
        (x(name=None), "no input None; it has 'x'"),
        (x(name="z"), "no input 'z'; it has 'x'"),
        (x(name=["x"]), "no input ['x']"),
        (x(datatype="INT64"), "input 'x' is FP32, not INT64"),
        (x(datatype="FLOAT"), "'FLOAT' is no data type; they are BOOL"),
        (x(datatype=None), "None is no data type"),
        (x(shape=[4]), "takes the shape [-1, 4], not [4]"),
        (x(shape=[1, 5]), "takes the shape [-1, 4], not [1, 5]"),
        (x(shape=[2, 4]), "has 4 values; its shape [2, 4] takes 8"),
        (x(shape=[0, 4], data=[]), "[0, 4] is no shape"),
        (x(shape=[-1, 4]), "[-1, 4] is no shape"),
        (x(shape=[1.0, 4]), "[1.0, 4] is no shape"),
        (x(shape=[True, 4]), "is no shape"),
        (x(shape="1,4"), "must be a list of whole numbers"),
        (x(shape=[10**30, 4]), "is no shape"),
        (x(shape=[2**31 - 1, 4]), "its shape [2147483647, 4] takes 8589934588"),
        (x(shape=None), "must be a list of whole numbers"),
        (x(data=None), "neither data (a list) nor binary_data_size"),
        (x(data="1234"), "neither data (a list)"),
        (x(data=[1, 2, 3]), "has 3 values; its shape [1, 4] takes 4"),
        (x(data=[[1, 2], [3, 4]]), "nested as [2, 2]; its shape says [1, 4]"),
        (x(data=[[1, 2], [3]]), "ragged"),
        (x(data=[1, 2, 3, "4"]), "must hold numbers (FP32)"),
        (x(data=[1, 2, 3, {}]), "must hold numbers (FP32)"),
        (x(data=[1, 2, 3, -1e300]), "a value that FP32 cannot hold"),
        (x(data=[0.5] * 4000, shape=[999, 4]), "has 4000 values; its shape [999, 4] takes 3996"),
        (x(data=[0.5] * 3999 + ["0.5"], shape=[1000, 4]), "must hold numbers (FP32)"),
        (x(data=None, parameters={"binary_data_size": 16}), "0 bytes follow the JSON header; it announces 16"),
        (x(data=None, parameters={"binary_data_size": -16}), "must be a whole number, not -16"),
        (x(parameters=[1]), "parameters of input 'x' must be an object"),
        ({**x(), "parameters": 3}, "parameters of the request must be an object"),
        ({**x(), "id": 7}, "id of a request must be a string"),
        ({**x(), "outputs": [{"name": "q"}]}, "no output 'q'; it has 'y'"),
        ({**x(), "outputs": "y"}, "'outputs' must be a list"),
        ({**x(), "outputs": [{"name": "y", "parameters": {"classification": "all"}}]}, "must be a whole number"),
        ({"inputs": x()["inputs"] * 2}, "input 'x' is given twice"),
    ],
)
def test_a_malformed_inference_is_refused_with_its_reason(server: Server, body: Any, reason: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = server.client.post(f"{server.url}/v2/models/m/infer", content=content)
    assert answer.status_code == 400, answer.text
    assert reason in answer.json()["error"]


@pytest.mark.parametrize(
    ("length", "binary", "reason"),
    [
        ("abc", b"", "Inference-Header-Content-Length is 'abc'"),
        ("-1", b"", "Inference-Header-Content-Length is '-1'"),
        ("100000", b"", "Inference-Header-Content-Length is '100000'"),
        ("1" * 5000, b"", "Inference-Header-Content-Length is '1111"),
        ("0", b"", "body is empty"),
        (None, b"\0" * 15, "15 bytes follow the JSON header; it announces 16"),
        (None, b"\0" * 17, "17 bytes follow the JSON header; it announces 16"),
    ],
)
def test_a_binary_request_must_add_up(server: Server, length: str | None, binary: bytes, reason: str) -> None:
    head = json.dumps(x(data=None, parameters={"binary_data_size": 16})).encode()
    headers = {"Inference-Header-Content-Length": str(len(head)) if length is None else length}
    answer = server.client.post(f"{server.url}/v2/models/m/infer", content=head + binary, headers=headers)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


def test_binary_bytes_must_be_those_of_the_shape(server: Server) -> None:
    answer = server.infer_binary(x(data=None, parameters={"binary_data_size": 12}), b"\0" * 12)
    assert answer.json()["error"] == "input 'x' has 12 bytes; FP32 of shape [1, 4] takes 16"


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/v2/models/other", 404, "there is no model 'other' here; this server has 'm'"),
        ("POST", "/v2/models/other/infer", 404, "there is no model 'other'"),
        ("POST", "/v1/models/other:predict", 404, "there is no model 'other'"),
        ("POST", "/v2/models/m/versions/7/infer", 404, "no version '7'; it has '1'"),
        ("GET", "/v3", 404, "there is nothing at '/v3'"),
        ("GET", "/v2/models/m/infer", 405, "takes POST, not GET"),
        ("DELETE", "/v2/models/m", 405, "takes GET, HEAD, not DELETE"),
        ("POST", "/metrics", 405, "takes GET, HEAD, not POST"),
    ],
)
def test_a_wrong_path_or_method_says_what_would_be_right(
    server: Server, method: str, path: str, status: int, reason: str
) -> None:
    answer = server.client.request(method, server.url + path)
    assert answer.status_code == status
    assert reason in answer.json()["error"]
    assert (status == 405) == ("allow" in answer.headers)


def test_compressed_bodies_are_read_and_bombs_are_not(server: Server) -> None:
    def send(content: bytes, encoding: str) -> httpx.Response:
        headers = {"Content-Encoding": encoding}
        return server.client.post(f"{server.url}/v2/models/m/infer", content=content, headers=headers)

    good = gzip.compress(json.dumps(x()).encode())
    assert send(good, "gzip").json()["outputs"][0]["data"] == [2, 4, 6, 8]
    assert send(good[:-9], "gzip").status_code == 400
    assert send(b"plain", "gzip").status_code == 400
    assert send(gzip.compress(b" " * (8 << 20)), "gzip").status_code == 413
    unknown = send(b"", "br")
    assert unknown.status_code == 415
    assert "gzip and deflate are" in unknown.json()["error"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "inputs": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "name": st.just("x") | JSON,
                    "datatype": st.sampled_from(["FP32", "INT8", "BYTES"]) | JSON,
                    "shape": st.just([1, 4]) | st.lists(st.integers(-1, 2**40), max_size=3) | JSON,
                    "data": st.lists(st.floats(), min_size=4, max_size=4) | JSON,
                    "parameters": st.dictionaries(st.sampled_from(["binary_data_size", "classification"]), JSON) | JSON,
                },
            )
            | JSON,
            max_size=2,
        )
        | JSON,
        "outputs": st.lists(st.fixed_dictionaries({"name": st.just("y"), "parameters": JSON}), max_size=2) | JSON,
        "instances": st.lists(st.lists(st.floats(), min_size=4, max_size=4), max_size=3) | JSON,
        "id": JSON,
        "parameters": JSON,
    },
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["/v2/models/m/infer", "/v1/models/m:predict"]),
    body=st.binary(max_size=200) | (NEARLY | JSON).map(lambda value: json.dumps(value).encode()),
    header_length=st.none() | st.integers(-5, 300).map(str) | st.text("0123456789x", max_size=4),
    encoding=st.sampled_from([None, None, None, "gzip", "identity", "nonsense"]),
)
def test_no_body_whatever_makes_the_server_fail_or_hang(
    server: Server, path: str, body: bytes, header_length: str | None, encoding: str | None
) -> None:
    headers = {"Inference-Header-Content-Length": header_length, "Content-Encoding": encoding}
    sent = {name: value for name, value in headers.items() if value is not None}
    answer = server.client.post(server.url + path, content=body, headers=sent)
    assert answer.status_code == 200 or 400 <= answer.status_code < 500, answer.text
    if answer.status_code != 200:
        assert answer.json()["error"]
    assert server.alive()

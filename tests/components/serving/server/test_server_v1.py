"""The V1 protocol over REST, against a real process with real models."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.components.serving.server.server_builders import Server, a_doubling_model, a_pair_model, serving


@pytest.fixture(scope="module")
def doubling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("doubling")
    with serving(folder, a_doubling_model(folder / "model.xml")) as server:
        yield server


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("pair")
    with serving(folder, a_pair_model(folder / "model.xml")) as server:
        yield server


def test_rows_give_predictions(doubling: Server) -> None:
    answer = doubling.predict({"instances": [[1, 2, 3, 4], [5, 6, 7, 8]], "signature_name": "serving_default"})
    assert answer.json() == {"predictions": [[2, 4, 6, 8], [10, 12, 14, 16]]}


def test_columns_give_outputs(doubling: Server) -> None:
    assert doubling.predict({"inputs": [[1, 2, 3, 4]]}).json() == {"outputs": [[2, 4, 6, 8]]}
    assert doubling.predict({"inputs": {"x": [[1, 2, 3, 4]]}}).json() == {"outputs": [[2, 4, 6, 8]]}


def test_many_rows_give_what_few_rows_give(doubling: Server) -> None:
    rows = np.random.default_rng(3).random((200, 4)).round(5)
    predictions = doubling.predict({"instances": rows.tolist()}).json()["predictions"]
    assert predictions[:2] == doubling.predict({"instances": rows[:2].tolist()}).json()["predictions"]
    np.testing.assert_allclose(predictions, 2 * rows, rtol=1e-6)


def test_rows_of_several_inputs_name_them(pair: Server) -> None:
    rows = [{"a": [1, 2], "b": [3, 4]}, {"b": [1, 1], "a": [0, 0]}]
    assert pair.predict({"instances": rows}).json() == {
        "predictions": [{"sum": [4, 6], "difference": [-2, -2]}, {"sum": [1, 1], "difference": [-1, -1]}]
    }


def test_columns_of_several_inputs_name_them(pair: Server) -> None:
    answer = pair.predict({"inputs": {"a": [[1, 2]], "b": [[3, 4]]}})
    assert answer.json() == {"outputs": {"sum": [[4, 6]], "difference": [[-2, -2]]}}


def test_status_speaks_to_kserve_and_to_tensorflow_serving(doubling: Server) -> None:
    for path in ("/v1/models/m", "/v1/models/m/versions/1"):
        status = doubling.get(path).json()
        assert (status["name"], status["ready"]) == ("m", True)
        assert status["model_version_status"][0]["state"] == "AVAILABLE"
    assert doubling.get("/v1/models").json() == {"models": ["m"]}
    signature = doubling.get("/v1/models/m/metadata").json()["metadata"]["signature_def"]["signatureDef"]
    assert signature["serving_default"]["inputs"]["x"]["dtype"] == "DT_FLOAT"


LONG = [[0.5, 0.25, 0.125, 0.0625]] * 100


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"instances": []}, "one or more rows"),
        ({"instances": 3}, "one or more rows"),
        ({"instances": [[1, 2, 3]]}, "takes the shape [-1, 4], not [1, 3]"),
        ({"instances": [[1, 2, 3, 4], [1, 2, 3]]}, "ragged"),
        ({"instances": [[1, 2, 3, "4"]]}, "must hold numbers"),
        ({"instances": [[1, 2, 3, None]]}, "must hold numbers"),
        ({"instances": [[1, 2, 3, 1e39]]}, "FP32 cannot hold"),
        ({"instances": [1], "inputs": [1]}, "not both"),
        ({"rows": [[1, 2, 3, 4]]}, "must have 'instances'"),
        ({"instances": [{"z": [1, 2, 3, 4]}]}, "no input 'z'; it has 'x'"),
        ({"instances": [{"x": [1, 2, 3, 4]}, {}]}, "same input names"),
        ({"instances": [*LONG, [1, 2, 3]]}, "ragged"),
        ({"instances": [*LONG, [1, 2, 3], [1, 2, 3, 4, 5]]}, "ragged"),  # as many brackets and numbers as if it fitted
        ({"instances": [*LONG, [1, 2, 3, "4"]]}, "must hold numbers"),
        ({"instances": [*LONG, [1, 2, 3, 1e39]]}, "FP32 cannot hold"),
    ],
)
def test_what_is_no_row_is_refused_with_the_reason(doubling: Server, body: object, reason: str) -> None:
    answer = doubling.predict(body)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


def test_several_inputs_must_be_named(pair: Server) -> None:
    assert "must name them: 'a', 'b'" in pair.predict({"instances": [[1, 2]]}).json()["error"]
    assert "missing input 'b'" in pair.predict({"inputs": {"a": [[1, 2]]}}).json()["error"]

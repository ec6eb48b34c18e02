"""Clients that know nothing of this server work unchanged: Triton's over HTTP and gRPC."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import ml_dtypes
import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from tritonclient.utils import InferenceServerException

from tests.builders.programs import free_port
from tests.components.serving.server.server_builders import (
    NUMPY,
    ROOT,
    Server,
    a_doubling_model,
    a_labelled_model,
    a_pair_model,
    a_slow_model,
    a_string_model,
    a_types_model,
    eventually,
    serving,
)

# What numpy knows by itself.
TYPES = [name for name in NUMPY if name != "BF16"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("pair")
    with serving(folder, a_pair_model(folder / "model.xml"), grpc_port=free_port()) as server:
        yield server


@pytest.fixture(scope="module", params=["inline", "queue"])
def types(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("types")
    model = a_types_model(folder / "model.xml")
    with serving(folder, model, scheduling=request.param, grpc_port=free_port()) as server:
        yield server


@pytest.fixture(params=["http", "grpc"])
def triton(request: pytest.FixtureRequest) -> Any:
    return triton_http if request.param == "http" else triton_grpc


def client(triton: Any, server: Server) -> Any:
    port = server.rest_port if triton is triton_http else server.grpc_port
    return triton.InferenceServerClient(f"127.0.0.1:{port}")


def given(triton: Any, name: str, array: np.ndarray[Any, Any], datatype: str = "FP32") -> Any:
    tensor = triton.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array)
    return tensor


def test_a_client_finds_the_server_and_its_model(triton: Any, pair: Server) -> None:
    with client(triton, pair) as asked:
        assert asked.is_server_live()
        assert asked.is_server_ready()
        assert asked.is_model_ready("m")
        assert asked.is_model_ready("m", "1")
        about = asked.get_model_metadata("m")
        inputs = about["inputs"] if triton is triton_http else about.inputs
        assert [i["name"] if triton is triton_http else i.name for i in inputs] == ["a", "b"]
        server = asked.get_server_metadata()
        assert (server["name"] if triton is triton_http else server.name) == "inferstack"


def test_a_client_infers_with_several_inputs_and_outputs(triton: Any, pair: Server) -> None:
    a, b = np.float32([[1, 2], [3, 4]]), np.float32([[10, 20], [30, 40]])
    with client(triton, pair) as asked:
        result = asked.infer("m", [given(triton, "b", b), given(triton, "a", a)], request_id="seven")
        np.testing.assert_array_equal(result.as_numpy("sum"), a + b)
        np.testing.assert_array_equal(result.as_numpy("difference"), a - b)
        response = result.get_response()
        assert (response["id"] if triton is triton_http else response.id) == "seven"
        only = [triton.InferRequestedOutput("difference")]
        result = asked.infer("m", [given(triton, "a", a), given(triton, "b", b)], outputs=only)
        assert result.as_numpy("sum") is None
        np.testing.assert_array_equal(result.as_numpy("difference"), a - b)


def test_a_client_sends_and_gets_every_data_type(triton: Any, types: Server) -> None:
    arrays = {name: np.array([[0, 1, 1], [1, 0, 1]]).astype(NUMPY[name]) for name in TYPES}
    inputs = [given(triton, f"t_{name}", array, name) for name, array in arrays.items()]
    bf16 = np.array([[0.5, -2, 3], [1, 2, 4]], dtype=ml_dtypes.bfloat16)
    inputs.append(given(triton, "t_BF16", bf16, "BF16"))
    with client(triton, types) as asked:
        result = asked.infer("m", inputs)
        for name, array in arrays.items():
            np.testing.assert_array_equal(result.as_numpy(f"t_{name}"), array)
        np.testing.assert_array_equal(result.as_numpy("t_BF16").astype(float), bf16.astype(float))


def test_a_client_is_told_what_is_wrong(triton: Any, pair: Server) -> None:
    a = np.float32([[1, 2]])
    with client(triton, pair) as asked:
        for inputs, reason in (
            ([given(triton, "a", a)], "missing input 'b'; the model takes 'a', 'b'"),
            ([given(triton, "z", a)], "no input 'z'"),
            (
                [given(triton, "a", np.float32([[1]])), given(triton, "b", a)],
                r"takes the shape \[-1, 2\], not \[1, 1\]",
            ),
        ):
            with pytest.raises(InferenceServerException, match=reason):
                asked.infer("m", inputs)
        with pytest.raises(InferenceServerException, match="there is no model 'other' here"):
            asked.infer("other", [given(triton, "a", a)])
        with pytest.raises(InferenceServerException, match="no version '3'"):
            asked.infer("m", [given(triton, "a", a)], model_version="3")


def test_a_client_asks_for_classes(triton: Any, tmp_path: Path) -> None:
    with serving(tmp_path, a_labelled_model(tmp_path / "model.xml"), grpc_port=free_port()) as server:
        outputs = [triton.InferRequestedOutput("y", class_count=2)]
        with client(triton, server) as asked:
            result = asked.infer("m", [given(triton, "x", np.float32([[3, 1, 2]]))], outputs=outputs)
            assert result.as_numpy("y").tolist() == [[b"3.000000:0:cat", b"2.000000:2:cow"]]


def test_a_client_sends_strings(triton: Any, tmp_path: Path) -> None:
    model = a_string_model(tmp_path / "model.xml")
    with serving(tmp_path, model, grpc_port=free_port()) as server, client(triton, server) as asked:
        text = np.array([b"ab", "höö".encode()], dtype=np.object_)
        result = asked.infer("m", [given(triton, "text", text, "BYTES")])
        assert result.as_numpy("text").tolist() == text.tolist()


def test_a_client_may_compress_what_it_sends(pair: Server) -> None:
    a = np.float32([[1, 2]])
    with client(triton_http, pair) as asked:
        for how in ("gzip", "deflate"):
            inputs = [given(triton_http, "a", a), given(triton_http, "b", a)]
            result = asked.infer("m", inputs, request_compression_algorithm=how, response_compression_algorithm=how)
            np.testing.assert_array_equal(result.as_numpy("sum"), a + a)


def test_typed_contents_come_back_typed(types: Server) -> None:
    service = triton_grpc.service_pb2
    fields = {
        "BOOL": "bool_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
        "UINT64": "uint64_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
        "INT64": "int64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents",
    }  # fmt: skip
    with grpc.insecure_channel(f"127.0.0.1:{types.grpc_port}") as channel:
        infer = triton_grpc.service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer
        request = service.ModelInferRequest(model_name="m")
        for name in NUMPY:
            tensor = request.inputs.add(name=f"t_{name}", datatype=name, shape=[1, 3])
            if name in fields:
                getattr(tensor.contents, fields[name]).extend([1, 0, 1])
        with pytest.raises(grpc.RpcError) as refused:
            infer(request)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "FP16 has no typed contents; send raw_input_contents" in refused.value.details()
        request.inputs[11].contents.fp32_contents.extend([1])
        with pytest.raises(grpc.RpcError):
            infer(request)


@pytest.mark.parametrize("method", ["ModelInfer", "ModelReady", "ServerLive"])
def test_bytes_that_are_no_message_are_the_clients_fault(pair: Server, method: str) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{pair.grpc_port}") as channel:
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary(f"/inference.GRPCInferenceService/{method}", None, None)(b"\xff\xff")
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert f"these bytes are no {method}Request" in refused.value.details()


def test_typed_values_out_of_range_are_refused(pair: Server) -> None:
    service = triton_grpc.service_pb2
    with grpc.insecure_channel(f"127.0.0.1:{pair.grpc_port}") as channel:
        infer = triton_grpc.service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer
        request = service.ModelInferRequest(model_name="m", id="typed")
        for name in ("a", "b"):
            tensor = request.inputs.add(name=name, datatype="FP32", shape=[1, 2])
            tensor.contents.fp32_contents.extend([1, 2.5])
        response = infer(request)
        assert [list(output.contents.fp32_contents) for output in response.outputs] == [[2, 5], [0, 0]]
        assert not response.raw_output_contents
        request.inputs[0].contents.int_contents.append(1)
        with pytest.raises(grpc.RpcError) as refused:
            infer(request)
        assert "FP32 goes into fp32_contents; found int_contents, fp32_contents" in refused.value.details()
        request.raw_input_contents.append(b"")
        with pytest.raises(grpc.RpcError) as refused:
            infer(request)
        assert "there are 2 inputs but 1 raw contents" in refused.value.details()


@pytest.mark.parametrize("surplus", [1, 16_000, 1 << 20])
def test_a_request_larger_than_the_limit_is_refused_over_grpc_and_one_as_large_is_not(
    tmp_path: Path, surplus: int
) -> None:
    service = triton_grpc.service_pb2
    tensor = {"name": "x", "datatype": "FP32", "shape": [1, 4]}
    most = 1024
    request = service.ModelInferRequest(model_name="m", inputs=[tensor], raw_input_contents=[bytes(16)])
    request.id = "i" * (most - request.ByteSize() - 3)
    assert request.ByteSize() == most
    model = a_doubling_model(tmp_path / "model.xml")
    with (
        serving(tmp_path, model, grpc_port=free_port(), max_request_bytes=most) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel,
    ):
        infer = triton_grpc.service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer
        assert infer(request).id == request.id
        request.id += "i" * surplus
        with pytest.raises(grpc.RpcError) as refused:
            infer(request)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_full_queue_refuses_grpc_with_resource_exhausted_and_stopping_drains(tmp_path: Path) -> None:
    service = triton_grpc.service_pb2
    model = a_slow_model(tmp_path / "model.xml")
    port = free_port()
    with (
        serving(tmp_path, model, queue_size=2, grpc_port=port) as server,
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        infer = triton_grpc.service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer
        request = service.ModelInferRequest(model_name="m")
        request.inputs.add(name="x", datatype="FP32", shape=[1, 4]).contents.fp32_contents.extend([1, 2, 3, 4])
        calls = [infer.future(request, timeout=20) for _ in range(60)]
        with triton_grpc.InferenceServerClient(f"127.0.0.1:{port}") as asked:
            assert asked.is_server_live()
        refused = [call for call in calls if call.exception()]
        assert 40 < len(refused) <= 57
        for call in refused:
            assert call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert dict(call.trailing_metadata())["grpc-retry-pushback-ms"] == "2000"
        fails = 'ovms_requests_fail{api="KServe",interface="gRPC",method="ModelInfer"'
        assert server.metric(fails) == len(refused)
        hurried = infer.future(request, timeout=0.001)
        assert hurried.exception().code() is grpc.StatusCode.DEADLINE_EXCEEDED
        last = infer.future(request, timeout=20)
        assert eventually(lambda: server.metric("ovms_current_requests") >= 1)
        server.process.terminate()
        assert last.result().model_name == "m"
        assert server.process.wait(timeout=5) == 0


def test_message_fields_are_those_of_the_public_protocol() -> None:
    # in a process each: both define the package `inference`
    script = (
        "import sys, importlib; module = importlib.import_module(sys.argv[1])\n"
        "def show(m, path=''):\n"
        "    print(*sorted((path, f.name, f.number, f.type, f.is_repeated) for f in m.fields), sep='\\n')\n"
        "    [show(nested, path + '/' + nested.name) for nested in m.nested_types]\n"
        "methods = sys.argv[2].split(',')\n"
        "[show(getattr(module, m + k).DESCRIPTOR, m + k) for m in methods for k in ('Request', 'Response')]\n"
        "show(module.InferParameter.DESCRIPTOR); show(module.InferTensorContents.DESCRIPTOR)\n"
    )
    methods = "ServerLive,ServerReady,ModelReady,ServerMetadata,ModelMetadata,ModelInfer"

    def fields(module: str) -> str:
        command = [sys.executable, "-c", script, module, methods]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    ours = fields("components.serving.server.open_inference_pb2")
    assert ours == fields("tritonclient.grpc.service_pb2")
    assert "raw_input_contents" in ours

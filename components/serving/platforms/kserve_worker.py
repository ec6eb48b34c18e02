"""KServe's model server around an OpenVINO model: `python -m components.serving.platforms.kserve_worker ARGS.json`.

Runs in KServe's own environment. KServe fixes the address 0.0.0.0 for REST and gRPC; here both listen where the
arguments say, by a subclass of each of its two servers. Its log lines of every request are switched off, since they
would be measured with the requests.
"""

from __future__ import annotations

import logging
import sys
import uuid
from concurrent import futures
from pathlib import Path
from typing import Any

from grpc import aio
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer, model_server
from kserve.errors import InvalidInput
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc
from kserve.protocol.grpc.interceptors import ExceptionToStatusInterceptor
from kserve.protocol.grpc.server import GRPCServer
from kserve.protocol.grpc.servicer import InferenceServicer
from kserve.protocol.rest.server import RESTServer

from components.serving.platforms.worker import Worker, tensors
from components.serving.server.arguments import Arguments
from components.serving.server.refusal import Refusal


class OpenVINOModel(Model):  # type: ignore[misc]
    """The loaded model as KServe calls it, for V1 and V2, REST and gRPC."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker.arguments.model.name)
        self._worker = worker
        self.ready = True

    def get_input_types(self) -> list[dict[str, Any]]:
        """The inputs, for metadata."""
        return tensors(self._worker.model.inputs)

    def get_output_types(self) -> list[dict[str, Any]]:
        """The outputs, for metadata."""
        return tensors(self._worker.model.outputs)

    async def predict(self, payload: Any, headers: Any = None) -> Any:
        """The answer to a V1 body (a dictionary) or to a V2 request."""
        try:
            if isinstance(payload, InferRequest):
                return await self._infer(payload)
            return await self._worker.predict(payload)
        except Refusal as refusal:
            raise InvalidInput(refusal.reason) from refusal

    async def _infer(self, request: InferRequest) -> InferResponse:
        outputs = await self._worker.infer({one.name: one.as_numpy() for one in request.inputs})
        encoded = []
        for port in self._worker.model.outputs:
            array = outputs[port.name]
            tensor = InferOutput(port.name, list(array.shape), port.datatype.name)
            tensor.set_data_from_numpy(array, binary_data=request.use_binary_outputs or request.from_grpc)
            encoded.append(tensor)
        return InferResponse(
            request.id or str(uuid.uuid4()),
            self.name,
            encoded,
            use_binary_outputs=request.use_binary_outputs,
            requested_outputs=request.request_outputs,
        )


def serve(path: Path) -> None:
    """Load the model and serve it until told to stop."""
    worker = Worker(path)
    arguments = worker.arguments
    _listen_where_told(arguments)
    server = ModelServer(
        http_port=arguments.rest_port,
        grpc_port=arguments.grpc_port or 0,
        enable_grpc=arguments.grpc_port is not None,
        enable_latency_logging=False,
        grace_period=int(arguments.drain_s),
        max_asyncio_workers=max(1, arguments.streams),
    )
    for each_request in ("uvicorn.access", "kserve.trace"):
        logging.getLogger(each_request).disabled = True
    worker.tell()
    server.start([OpenVINOModel(worker)])


def _listen_where_told(arguments: Arguments) -> None:
    """Give KServe servers that listen on the address of the arguments."""

    class Rest(RESTServer):  # type: ignore[misc]
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self.config.host = arguments.host

    class Grpc(GRPCServer):  # type: ignore[misc]
        async def start(self, max_workers: int) -> None:
            limits = [(f"grpc.max_{way}_message_length", arguments.max_request_bytes) for way in ("send", "receive")]
            pool = futures.ThreadPoolExecutor(max_workers=max_workers)
            self._server = aio.server(pool, interceptors=(ExceptionToStatusInterceptor(),), options=limits)
            servicer = InferenceServicer(self._data_plane, self._model_repository_extension)
            grpc_predict_v2_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, self._server)
            self._server.add_insecure_port(f"{arguments.host}:{self._port}")
            await self._server.start()
            await self._server.wait_for_termination()

    model_server.RESTServer, model_server.GRPCServer = Rest, Grpc


if __name__ == "__main__":
    # KServe reads the command line when it is imported, and ignores what it does not know.
    serve(Path(sys.argv[1]))

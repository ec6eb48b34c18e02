"""MLServer around an OpenVINO model: `python -m components.serving.platforms.mlserver_runtime ARGS.json`.

Runs in MLServer's own environment, in one process (`parallel_workers: 0`; its pool of workers would leave the mask's
cores to chance). It speaks V2 over REST and gRPC by itself, without binary tensors over REST; V1 `:predict` is a custom
handler here.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import orjson
import uvloop
from fastapi import Request, Response
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.errors import InferenceError
from mlserver.handlers import custom_handler
from mlserver.settings import ModelParameters
from mlserver.types import InferenceRequest, InferenceResponse, MetadataTensor

from components.serving.platforms.worker import Worker, tensors
from components.serving.server.refusal import Refusal


class OpenVINORuntime(MLModel):  # type: ignore[misc]
    """The loaded model as MLServer calls it."""

    async def load(self) -> bool:
        """Load the model; the arguments' path is the model's `uri`."""
        self._worker = Worker(Path(self.settings.parameters.uri))
        self.inputs = [MetadataTensor(**tensor) for tensor in tensors(self._worker.model.inputs)]
        self.outputs = [MetadataTensor(**tensor) for tensor in tensors(self._worker.model.outputs)]
        self._worker.tell()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The answer to a V2 request."""
        try:
            outputs = await self._worker.infer({one.name: NumpyCodec.decode_input(one) for one in payload.inputs})
        except Refusal as refusal:
            raise InferenceError(refusal.reason) from refusal
        encoded = [NumpyCodec.encode_output(name, array) for name, array in outputs.items()]
        return InferenceResponse(id=payload.id, model_name=self.name, model_version=self.version, outputs=encoded)

    @custom_handler(rest_path="/v1/models/{name}:predict")  # type: ignore[untyped-decorator]
    async def v1(self, name: str, request: Request) -> Response:
        """The answer to a V1 body."""
        if name != self.name:
            return _json({"error": f"there is no model {name}"}, 404)
        try:
            return _json(await self._worker.predict(orjson.loads(await request.body())), 200)
        except (Refusal, ValueError) as error:
            return _json({"error": getattr(error, "reason", str(error))}, 400)


class NoGrpc:
    """Stands where MLServer insists on a gRPC server and none is asked for."""

    def __init__(self) -> None:
        self._stopped = asyncio.Event()

    async def start(self) -> None:
        """Lasts until stopped, as a server would."""
        await self._stopped.wait()

    async def stop(self, _signal: int | None = None) -> None:
        """End it."""
        self._stopped.set()


async def serve(path: Path) -> None:
    """Serve the model until told to stop."""
    arguments: dict[str, Any] = orjson.loads(path.read_bytes())
    server = MLServer(
        Settings(
            debug=False,
            parallel_workers=0,
            host=arguments["host"],
            http_port=arguments["rest_port"],
            grpc_port=arguments["grpc_port"] or 0,
            grpc_max_message_length=arguments["max_request_bytes"],
            metrics_endpoint=None,
            load_models_at_startup=False,
        )
    )
    if arguments["grpc_port"] is None:
        server._grpc_server = NoGrpc()
    model = ModelSettings(
        name=arguments["model"]["name"], implementation=OpenVINORuntime, parameters=ModelParameters(uri=str(path))
    )
    await server.start([model])


def _json(body: Any, status: int) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(serve(Path(sys.argv[1])))

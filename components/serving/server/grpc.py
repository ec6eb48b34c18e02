"""The gRPC side: `GRPCInferenceService` of the Open Inference Protocol, beside REST and through the same schedule.

gRPC's threaded server: it carries as much as its asyncio server and needs no second event loop. A request waits for its
inference in the thread that received it. Imported only when a gRPC port is asked for: gRPC is an extra, and takes a
while to load.
"""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from time import perf_counter_ns
from typing import Any, Final, NoReturn, TypeVar

# gRPC's core writes to standard error on its own; what matters is raised.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
from google.protobuf.message import DecodeError, Message

from components.address import address
from components.serving.server import open_inference_pb2 as pb
from components.serving.server.arguments import Arguments
from components.serving.server.call import Call
from components.serving.server.messages import Codec
from components.serving.server.metrics import KSERVE, Method, Metrics
from components.serving.server.model import VERSION, Model, Outputs
from components.serving.server.refusal import Refusal, malformed, overloaded
from components.serving.server.rest import EXTENSIONS, server_version
from components.serving.server.schedule import Job, Schedule
from schemas.errors import PreflightError

SERVICE: Final = "inference.GRPCInferenceService"
# Threads beyond those that may wait in the queue: they answer health and refuse what is too much.
SPARE_THREADS: Final = 4
MOST_THREADS: Final = 512
# What gRPC lets pass beyond the limit, to be refused in the words of REST; it cuts off what is larger still.
_ENVELOPE_BYTES: Final = 64 * 1024

_CODES: Final = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.RESOURCE_EXHAUSTED,
}
Context = grpc.ServicerContext
Read = TypeVar("Read", bound=Message)


@dataclass(frozen=True)
class GrpcServer:
    """A listening gRPC server."""

    server: grpc.Server
    service: Service

    def drain(self, limit_s: float) -> Callable[[], bool]:
        """Refuses new requests and gives those at work `limit_s`; the function returned says whether all are done."""
        self.service.ready = False
        return self.server.stop(limit_s).is_set


def listen(arguments: Arguments, port: int, model: Model, schedule: Schedule, metrics: Metrics) -> GrpcServer:
    """Starts the service on `port` of the host in the arguments.

    Raises:
        PreflightError: the port is taken.
    """
    threads = SPARE_THREADS
    if schedule.threaded:
        threads += min(arguments.queue_size + model.streams, MOST_THREADS)
    service = Service(arguments, model, schedule, metrics)
    server = grpc.server(
        ThreadPoolExecutor(threads, thread_name_prefix="grpc"),
        handlers=[service.handlers()],
        options=(
            ("grpc.max_receive_message_length", arguments.max_request_bytes + _ENVELOPE_BYTES),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ),
    )
    where = address(arguments.host, port)
    try:
        server.add_insecure_port(where)
    except RuntimeError as error:
        raise PreflightError(
            f"{arguments.name} cannot listen on {where} for gRPC",
            why="another process does, or this machine has no such address",
            remedy="stop what uses this port, or state another one",
        ) from error
    server.start()
    return GrpcServer(server, service)


class Service:
    """The methods of the protocol; called by gRPC's threads."""

    def __init__(self, arguments: Arguments, model: Model, schedule: Schedule, metrics: Metrics) -> None:
        self.ready = True
        self.current = 0
        # Threads beyond these are never kept waiting, so that there is always one to refuse and to tell the health.
        self._most = min(arguments.queue_size + model.streams, MOST_THREADS)
        self._model, self._schedule, self._codec = model, schedule, Codec(model)
        self._most_bytes = arguments.max_request_bytes
        self._pushback_ms = str(round(arguments.retry_after_s * 1000))
        self._times = metrics.request["gRPC"]
        self._counters = {name: metrics.method(KSERVE, "gRPC", name) for name in _COUNTED}
        self._counting = threading.Lock()

    def handlers(self) -> grpc.GenericRpcHandler[Any, Any]:
        """The table of methods, as gRPC wants it."""
        methods: dict[str, tuple[Callable[[Any], Any], Any]] = {
            "ServerLive": (lambda _: pb.ServerLiveResponse(live=True), pb.ServerLiveRequest),
            "ServerReady": (lambda _: pb.ServerReadyResponse(ready=self.ready), pb.ServerReadyRequest),
            "ServerMetadata": (_server_metadata, pb.ServerMetadataRequest),
            "ModelReady": (self._model_ready, pb.ModelReadyRequest),
            "ModelMetadata": (self._model_metadata, pb.ModelMetadataRequest),
        }
        table = {
            name: grpc.unary_unary_rpc_method_handler(
                self._counted(name, answer, message), None, lambda response: response.SerializeToString()
            )
            for name, (answer, message) in methods.items()
        }
        table["ModelInfer"] = grpc.unary_unary_rpc_method_handler(
            self._infer, None, pb.ModelInferResponse.SerializeToString
        )
        return grpc.method_handlers_generic_handler(SERVICE, table)

    # ------------------------------------------------------------------ what is known

    def _model_ready(self, request: pb.ModelReadyRequest) -> pb.ModelReadyResponse:
        self._check_model(request.name, request.version)
        return pb.ModelReadyResponse(ready=self.ready)

    def _model_metadata(self, request: pb.ModelMetadataRequest) -> pb.ModelMetadataResponse:
        self._check_model(request.name, request.version)
        tensor = pb.ModelMetadataResponse.TensorMetadata
        return pb.ModelMetadataResponse(
            name=self._model.name,
            versions=[VERSION],
            platform="openvino",
            inputs=[tensor(name=p.name, datatype=p.datatype.name, shape=p.shape) for p in self._model.inputs],
            outputs=[tensor(name=p.name, datatype=p.datatype.name, shape=p.shape) for p in self._model.outputs],
        )

    def _check_model(self, name: str, version: str) -> None:
        if name != self._model.name:
            raise Refusal(404, f"there is no model {name!r} here; this server has {self._model.name!r}")
        if version not in ("", VERSION):
            raise Refusal(404, f"the model {name!r} has no version {version!r}; it has {VERSION!r}")

    def _counted(
        self, name: str, answer: Callable[[Any], Any], message: type[Message]
    ) -> Callable[[bytes, Context], Any]:
        def method(request: bytes, context: Context) -> Any:
            try:
                response = answer(_parsed(message, request))
            except Refusal as refusal:
                self._count(name, good=False)
                self._refuse(context, refusal)
            self._count(name, good=True)
            return response

        return method

    # ------------------------------------------------------------------ inference

    def _infer(self, data: bytes, context: Context) -> pb.ModelInferResponse:
        begun_ns = perf_counter_ns()
        with self._counting:
            self.current += 1
            too_many = self._schedule.threaded and self.current > self._most
        response: pb.ModelInferResponse | Refusal
        try:
            if too_many:
                raise overloaded()
            if len(data) > self._most_bytes:
                raise Refusal(413, f"the request is larger than {self._most_bytes} bytes, this server's limit")
            request = _parsed(pb.ModelInferRequest, data)
            self._check_model(request.model_name, request.model_version)
            response = self._run(self._codec.decode(request), context, begun_ns)
        except Refusal as refusal:
            response = refusal
        except Exception:
            response = _broken()
        with self._counting:
            self.current -= 1
            if not isinstance(response, Refusal):
                self._times.observe((perf_counter_ns() - begun_ns) / 1000)
        self._count("ModelInfer", good=not isinstance(response, Refusal))
        if isinstance(response, Refusal):
            self._refuse(context, response)
        return response

    def _run(
        self, call: Call[pb.ModelInferResponse], context: Context, begun_ns: int
    ) -> pb.ModelInferResponse | Refusal:
        results: SimpleQueue[pb.ModelInferResponse | Refusal] = SimpleQueue()

        def done(result: Outputs | Refusal) -> None:
            try:
                results.put(result if isinstance(result, Refusal) else call.encode(result))
            except Exception:
                results.put(_broken())

        job = Job(call.arrays, done, arrived_ns=begun_ns)
        if self._schedule.threaded:
            context.add_callback(job.cancel)
        self._schedule.submit(job)
        return results.get()

    # ------------------------------------------------------------------ ends

    def _count(self, name: str, *, good: bool) -> None:
        counter: Method | None = self._counters.get(name)
        if counter is None:
            return
        with self._counting:
            counter.success += good
            counter.fail += not good

    def _refuse(self, context: Context, refusal: Refusal) -> NoReturn:
        if refusal.status == 503:
            context.set_trailing_metadata((("grpc-retry-pushback-ms", self._pushback_ms),))
        context.abort(_CODES.get(refusal.status, grpc.StatusCode.INTERNAL), refusal.reason)
        raise AssertionError("abort does not return")


_COUNTED: Final = ("ModelInfer", "ModelMetadata", "ModelReady")


def _parsed(message: type[Read], data: bytes) -> Read:
    """The request in the bytes that came.

    Read here and not by gRPC, which would call a malformed one an error of the server.
    """
    try:
        return message.FromString(data)
    except DecodeError as error:
        raise malformed(f"these bytes are no {message.DESCRIPTOR.name}: {error}") from error


def _server_metadata(_: pb.ServerMetadataRequest) -> pb.ServerMetadataResponse:
    return pb.ServerMetadataResponse(name="inferstack", version=server_version(), extensions=EXTENSIONS)


def _broken() -> Refusal:
    """A fault of ours: the trace goes to the log, not to the client."""
    traceback.print_exc()
    return Refusal(500, "the server failed on this request; its log says more")

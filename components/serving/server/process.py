"""A serving process from start to end: load, choose a schedule, listen, and drain on SIGTERM.

The first line on standard output says in JSON what came up; nothing is written per request. Stopping takes no longer
than `drain_delay_s` and `drain_s` together: readiness is 503 at once, after the delay new connections are refused, and
what was begun is finished.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import uvloop

from components.serving.server import schedule as schedules
from components.serving.server.arguments import Arguments
from components.serving.server.http import Connections
from components.serving.server.metrics import Gauge, Metrics
from components.serving.server.model import VERSION, Model, load, measure, process_mask
from components.serving.server.rest import Rest
from components.serving.server.schedule import Schedule, Times
from schemas.errors import PreflightError

if TYPE_CHECKING:
    from components.serving.server import grpc as grpc_server

BACKLOG: Final = 1024
_DRAIN_POLL_S: Final = 0.01


def run(arguments: Arguments) -> None:
    """Serves until SIGTERM or SIGINT.

    Raises:
        PreflightError: the model cannot be used, or a port is taken.
    """
    begun = perf_counter()
    model = load(arguments)
    inference_s = measure(model)
    scheduling = schedules.choose(arguments.scheduling, inference_s, model.streams)
    facts = {
        "digest": model.digest,
        "scheduling": scheduling,
        "streams": model.streams,
        "threads": model.threads,
        "execution": model.execution,
        "inference_ms": schedules.describe(inference_s),
    }
    uvloop.run(_serve(arguments, model, facts, begun))


async def _serve(arguments: Arguments, model: Model, facts: dict[str, Any], begun: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    metrics = Metrics(model.name, VERSION, {})
    schedule = schedules.build(facts["scheduling"], model, arguments.queue_size, Times(metrics.wait, metrics.inference))
    # gRPC before REST: who sees REST listening may use both
    grpc = _listen_grpc(arguments, model, schedule, metrics)
    rest = Rest(model, schedule, metrics, facts, arguments.retry_after_s)
    connections = Connections(rest, arguments.max_request_bytes)
    listener = await _listen(arguments, connections)
    metrics.gauges |= _gauges(model, schedule, lambda: rest.current + (grpc.service.current if grpc else 0))

    _settle_memory()
    _say(arguments, facts, perf_counter() - begun)
    await stop.wait()

    rest.ready = False
    if grpc:
        grpc.service.ready = False
    # Who sends requests stops once it has seen that; until then nothing is refused. Who keeps a connection is told with
    # the next answer to open another one, which leads elsewhere.
    connections.closing = True
    await asyncio.sleep(arguments.drain_delay_s)
    listener.close()
    grpc_done = grpc.drain(arguments.drain_s) if grpc else lambda: True
    with suppress(TimeoutError):
        async with asyncio.timeout(arguments.drain_s):
            while connections.busy() or not grpc_done():
                await asyncio.sleep(_DRAIN_POLL_S)
    connections.close()
    schedule.close()


async def _listen(arguments: Arguments, connections: Connections) -> asyncio.Server:
    host, port = arguments.host, arguments.rest_port
    try:
        return await asyncio.get_running_loop().create_server(connections.accept, host, port, backlog=BACKLOG)
    except OSError as error:
        raise PreflightError(
            f"{arguments.name} cannot listen on {host}:{port}",
            why=os.strerror(error.errno) if error.errno else str(error),
            remedy="stop what uses this port, or state another one",
        ) from error


def _listen_grpc(
    arguments: Arguments, model: Model, schedule: Schedule, metrics: Metrics
) -> grpc_server.GrpcServer | None:
    if arguments.grpc_port is None:
        return None
    try:
        from components.serving.server import grpc as grpc_server
    except ImportError as error:
        raise PreflightError(
            "gRPC is not installed", why=str(error), remedy="pip install 'inferstack[grpc]', or state no gRPC port"
        ) from error
    return grpc_server.listen(arguments, arguments.grpc_port, model, schedule, metrics)


def _gauges(model: Model, schedule: Schedule, current: Callable[[], int]) -> dict[str, Gauge]:
    return {
        "ovms_streams": ("Number of OpenVINO execution streams.", lambda: model.streams),
        "ovms_current_requests": ("Number of requests being currently processed.", current),
        "ovms_infer_req_queue_size": ("Inference request queue size (nireq).", lambda: model.streams),
        "ovms_infer_req_active": ("Number of inference requests that are running now.", schedule.active),
    }


def _settle_memory() -> None:
    """What lives as long as the process is never looked at by the garbage collector again."""
    gc.collect()
    gc.freeze()


def _say(arguments: Arguments, facts: dict[str, Any], startup_s: float) -> None:
    line = {
        "event": "started",
        "name": arguments.name,
        "pid": os.getpid(),
        "model": arguments.model.name,
        "host": arguments.host,
        "rest_port": arguments.rest_port,
        "grpc_port": arguments.grpc_port,
        "cpus": sorted(process_mask()),
        **facts,
        "startup_s": round(startup_s, 3),
    }
    print(json.dumps(line), flush=True)

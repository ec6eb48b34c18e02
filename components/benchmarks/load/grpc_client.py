"""The gRPC client: grpcio on the event loop, with messages serialized beforehand and answers kept as bytes.

About 0.3 ms of CPU a request, several times what HTTP costs; grpcio's threads and futures cost the same. Requests share
the connections of their instance, so that none ever waits for a free one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, Final

import grpc
import grpc.aio

from components.address import address
from components.benchmarks.load.arguments import Endpoint
from components.benchmarks.load.record import Record, clock
from schemas.errors import UsageError

METHOD: Final = "/inference.GRPCInferenceService/ModelInfer"

OPTIONS: Final = (
    # Without it, channels to one address share one connection.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


class GrpcClient:
    """Channels to the instances of a target, used in turn."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        requests: Sequence[bytes],
        record: Record,
        *,
        channels: int,
        timeout_s: float,
    ) -> None:
        """
        Raises:
            UsageError: an instance has no gRPC port.
        """
        addresses = [address(e.host, e.grpc_port) for e in endpoints if e.grpc_port is not None]
        if len(addresses) < len(endpoints):
            why = "an instance has no gRPC port"
            raise UsageError("the target cannot be asked over gRPC", why=why, remedy="choose another `protocol`")
        self._requests, self._record, self._timeout_s = requests, record, timeout_s
        self._endpoints = len(endpoints)
        count = max(channels, len(endpoints))
        self._channels = [grpc.aio.insecure_channel(addresses[i % len(addresses)], OPTIONS) for i in range(count)]
        self._methods = [channel.unary_unary(METHOD, None, None) for channel in self._channels]
        self._loop = asyncio.get_running_loop()
        self._under_way: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Connect; a channel that cannot is tried again by its requests."""
        ready = asyncio.gather(*(channel.channel_ready() for channel in self._channels))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ready, self._timeout_s)

    def send(self, number: int) -> None:
        task = self._loop.create_task(self._call(number, number % len(self._methods)))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def close(self) -> None:
        await asyncio.gather(*(channel.close(None) for channel in self._channels))

    async def _call(self, number: int, which: int) -> None:
        record = self._record
        record.endpoint[number] = which % self._endpoints
        record.sent[number] = clock()
        try:
            body: Any = await self._methods[which](self._requests[record.body(number)], timeout=self._timeout_s)
        except grpc.aio.AioRpcError as error:
            record.fail(number, clock(), kind_of(error.code()))
        else:
            record.finish(number, clock(), b"", body)


def kind_of(code: grpc.StatusCode) -> str:
    """The kind of error that a gRPC status is."""
    match code:
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return "timeout"
        case grpc.StatusCode.UNAVAILABLE:
            return "no connection"
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return "refused (gRPC RESOURCE_EXHAUSTED)"
        case _:
            return f"gRPC {code.name}"

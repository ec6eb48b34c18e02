"""The HTTP client: raw asyncio protocols over kept connections, spread over the instances in turn.

A request takes the connection that has been free for the longest; when none is free it waits for the first, and a new
one is opened unless there are as many as allowed. A closed connection is opened again when there is a need. A failed
attempt to connect fails the request that has waited for the longest, so that a dead server is an error at once and not
a timeout. A connection is used once the attempt to open it has succeeded, never before: the loop closes one that opens
too late, without a word on uvloop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final, cast

from components.benchmarks.load.arguments import Endpoint
from components.benchmarks.load.http1 import Answer, Reader
from components.benchmarks.load.record import Record, clock

SWEEP_S: Final = 0.05
"""How often requests are looked over for timeouts; a timeout is noted at most this late."""

RETRY_S: Final = 0.02
"""How long a connection that was refused rests before the next attempt."""


class HttpClient:
    """All connections to all instances of a target."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        requests: Sequence[bytes],
        record: Record,
        *,
        connections: int,
        most_connections: int,
        timeout_s: float,
    ) -> None:
        """
        Args:
            connections: opened before the first request.
            most_connections: opened when all are busy, at most.
        """
        self.requests, self.record = requests, record
        self.free: deque[Connection] = deque()
        self.resting: deque[Connection] = deque()
        self._endpoints, self._timeout_s = endpoints, timeout_s
        self._first, self._most = connections, most_connections
        self._all: list[Connection] = []
        self._waiting: deque[int] = deque()
        self._connecting: set[asyncio.Task[None]] = set()
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._sweeper = self._loop.call_later(SWEEP_S, self._sweep)

    async def open(self) -> None:
        """Open the first connections; one that cannot be opened is tried again with the first requests."""
        for _ in range(self._first):
            self._connect(self._new())
        while self._connecting:
            await asyncio.wait(self._connecting)

    def send(self, number: int) -> None:
        while self.free:
            # One that is closing says so in a moment; until then nothing can be sent on it.
            if (connection := self.free.popleft()).open:
                connection.send(number)
                return
        self.record.waited += 1
        self._waiting.append(number)
        self._grow()

    async def close(self) -> None:
        self._closed = True
        self._sweeper.cancel()
        for task in self._connecting:
            task.cancel()
        for connection in self._all:
            connection.abort()

    def release(self, connection: Connection) -> None:
        """A connection is free: the request that has waited for the longest takes it."""
        if not connection.open:
            return
        if self._waiting:
            connection.send(self._waiting.popleft())
        else:
            self.free.append(connection)

    def lost(self, connection: Connection) -> None:
        """A connection is closed; another takes its place when it is needed."""
        if connection in self.free:
            self.free.remove(connection)
        self.resting.append(connection)
        self._grow()

    def _grow(self) -> None:
        """As many connections on their way as requests wait, where allowed."""
        while len(self._connecting) < len(self._waiting) and not self._closed:
            if self.resting:
                self._connect(self.resting.popleft())
            elif len(self._all) < self._most:
                self._connect(self._new())
            else:
                return

    def _new(self) -> Connection:
        connection = Connection(self, len(self._all) % len(self._endpoints))
        self._all.append(connection)
        return connection

    def _connect(self, connection: Connection) -> None:
        task = self._loop.create_task(self._try(connection))
        self._connecting.add(task)
        task.add_done_callback(self._tried)

    def _tried(self, task: asyncio.Task[None]) -> None:
        self._connecting.discard(task)
        # What was sent on the new connection may have failed, and wait again, before the task was over.
        self._grow()

    async def _try(self, connection: Connection) -> None:
        endpoint = self._endpoints[connection.endpoint]
        try:
            attempt = self._loop.create_connection(lambda: connection, endpoint.host, endpoint.rest_port)
            await asyncio.wait_for(attempt, self._timeout_s)
            failure = "" if connection.open else "connection closed"
        except ConnectionRefusedError:
            failure = "connection refused"
        except (OSError, TimeoutError):
            failure = "no connection"
        if not failure:
            connection.used = True
            self.release(connection)
            return
        connection.abort()
        if self._waiting:
            number = self._waiting.popleft()
            self.record.endpoint[number] = connection.endpoint
            self.record.fail(number, clock(), failure)
        self._loop.call_later(RETRY_S, self.lost, connection)

    def _sweep(self) -> None:
        """Give up requests that took too long, those under way and those that wait."""
        now, scheduled = clock(), self.record.scheduled
        for connection in self._all:
            if connection.number >= 0 and now - scheduled[connection.number] > self._timeout_s:
                connection.give_up("timeout", now)
        while self._waiting and now - scheduled[self._waiting[0]] > self._timeout_s:
            self.record.fail(self._waiting.popleft(), now, "timeout")
        if not self._closed:
            self._sweeper = self._loop.call_later(SWEEP_S, self._sweep)


class Connection(asyncio.Protocol):
    """One connection with at most one request under way; `number` is that request, or -1.

    `used` from the end of a successful attempt to open it until it is closed; before, its loss is the attempt's.
    """

    def __init__(self, client: HttpClient, endpoint: int) -> None:
        self.endpoint, self.number, self.used = endpoint, -1, False
        self._client, self._record = client, client.record
        self._transport: asyncio.Transport | None = None
        self._reader = Reader()

    @property
    def open(self) -> bool:
        """Whether something can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, number: int) -> None:
        """Send a request; the connection is free and open."""
        self.number = number
        record = self._record
        record.endpoint[number] = self.endpoint
        record.sent[number] = clock()
        cast(asyncio.Transport, self._transport).write(self._client.requests[record.body(number)])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._reader = Reader()

    def data_received(self, data: bytes) -> None:
        now = clock()
        try:
            answer = self._reader.feed(data)
        except ValueError:
            self.give_up("malformed answer", now)
            return
        if answer is not None:
            self._answered(answer, now)

    def eof_received(self) -> None:
        if self.number >= 0 and (answer := self._reader.close()):
            self._answered(answer, clock())

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self.number >= 0:
            self._note_failure("connection closed", clock())
        if self.used:
            self.used = False
            self._client.lost(self)

    def give_up(self, kind: str, now: float) -> None:
        """The request under way has failed, and what may still come on this connection is of no use."""
        if self.number >= 0:
            self._note_failure(kind, now)
        self.abort()

    def abort(self) -> None:
        """Close the connection now."""
        if self._transport:
            self._transport.abort()

    def _answered(self, answer: Answer, now: float) -> None:
        number, self.number = self.number, -1
        if number < 0:
            self.abort()
            return
        if answer.keep:
            self._client.release(self)
        else:
            self.abort()
        if answer.status == 200:
            self._record.finish(number, now, answer.head, answer.body)
        else:
            self._record.fail(number, now, kind_of(answer.status), len(answer.head) + len(answer.body))

    def _note_failure(self, kind: str, now: float) -> None:
        number, self.number = self.number, -1
        self._record.fail(number, now, kind, self._reader.size)


def kind_of(status: int) -> str:
    """The kind of error that an HTTP status is."""
    return "refused (HTTP 503)" if status == 503 else f"HTTP {status}"

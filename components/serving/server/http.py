"""HTTP/1.1 over asyncio's transports and httptools' parser: from bytes to a `Request`, from an `Answer` to bytes.

Knows nothing of models. A `Handler` gets each request and a function to answer it with, which may be called at once or
later; requests that a client sends ahead (pipelining) wait for their turn, so that answers keep the order. There is no
task per request. What is too large, malformed or unfinished is refused here, before its body is read where possible.

A client's requests nearly always begin with the same bytes. A head that httptools has read once is remembered, and the
same bytes followed by a whole body are not parsed again; beside an inference that has emptied the caches, each line of
Python not run counts two or three times.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter_ns
from typing import Any, Final, NamedTuple, Protocol, cast

import httptools
import orjson

MAX_HEAD_BYTES: Final = 64 * 1024
# A client that sends ahead is read no further while this many of its requests wait.
MAX_AHEAD: Final = 16
MOST_KNOWN_HEADS: Final = 256
MOST_KNOWN_HEAD_BYTES: Final = 2048
# How long a refused upload is read and thrown away, so that the client gets to see the answer.
LINGER_S: Final = 2.0

JSON: Final = b"application/json"
_KEPT_HEADERS: Final = frozenset(
    (b"content-length", b"content-encoding", b"expect", b"inference-header-content-length")
)
_UPGRADE: Final = re.compile(rb"\r\nupgrade:[^\r\n]*", re.IGNORECASE)
_REASONS: Final = {status.value: f"{status.value} {status.phrase}".encode() for status in HTTPStatus}


class Head(NamedTuple):
    """What a request says before its body: `path` without its query, `headers` only those the server looks at, in lower
    case. `old` stands for HTTP/1.0."""

    method: bytes
    path: bytes
    headers: Mapping[bytes, bytes]
    keep_alive: bool
    old: bool


class Answer(NamedTuple):
    """A complete answer; `headers` are whole lines with their line ends. `close` ends the connection after it."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: bytes = b""
    close: bool = False


@dataclass(slots=True)
class Request:
    """A request that came in whole, or its `refusal`; `on_gone` is called if the client leaves before its answer."""

    head: Head
    body: bytes
    arrived_ns: int
    refusal: Answer | None = None
    gone: bool = False
    on_gone: Callable[[], None] | None = None


Reply = Callable[[Request, Answer], None]


class Handler(Protocol):
    """Who answers requests: calls `reply` exactly once for each, in the event loop's thread."""

    def handle(self, request: Request, reply: Reply) -> None: ...


def refuse(status: int, reason: str, *, headers: bytes = b"", close: bool = False) -> Answer:
    """An answer that says why there is no other."""
    return Answer(status, orjson.dumps({"error": reason}), headers=headers, close=close)


class Connections:
    """The open connections of a server, and whether it is closing."""

    def __init__(self, handler: Handler, max_request_bytes: int) -> None:
        self.handler, self.max_request_bytes = handler, max_request_bytes
        self.open: set[Connection] = set()
        self.closing = False
        self.heads: dict[bytes, tuple[Head, int]] = {}  # with the length of the body

    def accept(self) -> Connection:
        """A protocol for a new connection, as `create_server` wants it."""
        return Connection(self)

    def busy(self) -> bool:
        """Whether any request is still being received, worked on or sent."""
        return any(connection.busy() for connection in self.open)

    def close(self) -> None:
        """Ends all connections; what is written already is still sent."""
        for connection in tuple(self.open):
            connection.close()


class Connection(asyncio.Protocol):
    """One client. httptools calls the `on_*` methods while `data_received` feeds it."""

    _transport: asyncio.Transport
    _parser: Any

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._receiving = False
        self._current: Request | None = None  # being answered
        self._ahead: deque[Request] = deque()
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._chunks: list[bytes] = []
        self._head_bytes = self._body_bytes = 0
        self._latest: tuple[Head, int] | None = None  # the head received last, with the length of its body
        self._deaf = False  # reads on only to throw away
        self._paused = False

    # ------------------------------------------------------------------ asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpRequestParser(self)
        self._connections.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.open.discard(self)
        self._ahead.clear()
        self._deaf = True
        if (request := self._current) is not None:
            request.gone = True
            if request.on_gone is not None:
                request.on_gone()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        fresh, end = not self._receiving, data.find(b"\r\n\r\n") + 4
        if fresh and (known := self._connections.heads.get(data[:end])) is not None and known[1] == len(data) - end:
            self._take(Request(known[0], data[end:], perf_counter_ns()))
            return
        self._latest = None
        try:
            # An offer to speak HTTP/2 (Java's client makes it) may be passed over, but llhttp would skip the body.
            offer = _UPGRADE.search(data, 0, end) if fresh else None
            self._parser.feed_data(data[: offer.start()] + data[offer.end() :] if offer else data)
            if fresh:
                self._remember(data[:end], len(data) - end)
        except httptools.HttpParserUpgrade:
            self._refuse(501, "this server speaks HTTP/1.1 only; send no Upgrade header")
        except httptools.HttpParserError as error:
            self._refuse(400, f"malformed HTTP: {error}")

    # ------------------------------------------------------------------ httptools

    def on_message_begin(self) -> None:
        self._receiving = not self._deaf
        self._url, self._headers = b"", {}
        self._head_bytes = self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        if self._deaf:
            return
        self._url += url
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._deaf:
            return
        name = name.lower()
        if name in _KEPT_HEADERS:
            self._headers[name] = value
        self._count_head(len(name) + len(value))

    def on_headers_complete(self) -> None:
        if self._deaf:
            return
        headers = self._headers
        if int(headers.get(b"content-length", 0)) > self._connections.max_request_bytes:
            self._too_large()
        elif b"expect" in headers and headers[b"expect"].lower() == b"100-continue" and self._current is None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if self._deaf:
            return
        self._chunks.append(body)
        self._body_bytes += len(body)
        if self._body_bytes > self._connections.max_request_bytes:
            self._too_large()

    def on_message_complete(self) -> None:
        if self._deaf:
            return
        if self._parser.should_upgrade():
            return  # refused by `data_received`
        self._receiving = False
        chunks, self._chunks = self._chunks, []
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        head = Head(
            method=self._parser.get_method(),
            path=_path(self._url),
            headers=self._headers,
            keep_alive=self._parser.should_keep_alive(),
            old=self._parser.get_http_version() == "1.0",
        )
        self._latest = (head, len(body))
        self._take(Request(head, body, perf_counter_ns()))

    def _remember(self, head: bytes, body_bytes: int) -> None:
        """Keeps a head for the next request that begins with it: one that came alone, whole, and needs no dialogue."""
        if self._latest is None or self._deaf or self._latest[1] != body_bytes or len(head) > MOST_KNOWN_HEAD_BYTES:
            return
        if b"expect" not in self._latest[0].headers and self._latest[0].keep_alive:
            heads = self._connections.heads
            if len(heads) >= MOST_KNOWN_HEADS:
                heads.clear()
            heads[head] = self._latest

    # ------------------------------------------------------------------ one after the other

    def busy(self) -> bool:
        """Whether a request is being received, worked on, or its answer not yet handed to the kernel."""
        return (
            self._receiving
            or self._current is not None
            or bool(self._ahead)
            or self._transport.get_write_buffer_size() > 0
        )

    def close(self) -> None:
        """Ends the connection after what is written."""
        self._deaf = True
        self._transport.close()

    def _take(self, request: Request) -> None:
        if self._current is None and not self._ahead:
            self._start(request)
            return
        self._ahead.append(request)
        if len(self._ahead) >= MAX_AHEAD and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _start(self, request: Request) -> None:
        self._current = request
        if request.refusal is not None:
            self._reply(request, request.refusal)
            return
        if b"content-encoding" in request.head.headers and (refusal := self._unpack(request)) is not None:
            self._reply(request, refusal)
            return
        self._connections.handler.handle(request, self._reply)

    def _reply(self, request: Request, answer: Answer) -> None:
        if self._current is not request or request.gone:
            return
        keep_alive = request.head.keep_alive and not (answer.close or self._connections.closing)
        self._write(request, answer, keep_alive)
        self._current = None
        if not keep_alive:
            self._hang_up(linger=answer.close)
        elif self._ahead:
            # by way of the loop: a long row of requests sent ahead must not become a deep recursion
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        if self._current is None and self._ahead:
            if self._paused and len(self._ahead) < MAX_AHEAD // 2:
                self._paused = False
                self._transport.resume_reading()
            self._start(self._ahead.popleft())

    def _write(self, request: Request, answer: Answer, keep_alive: bool) -> None:
        connection = b""
        if not keep_alive:
            connection = b"Connection: close\r\n"
        elif request.head.old:
            connection = b"Connection: keep-alive\r\n"
        head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b%b\r\n" % (
            _REASONS[answer.status],
            answer.content_type,
            len(answer.body),
            answer.headers,
            connection,
        )
        self._transport.write(head if request.head.method == b"HEAD" else head + answer.body)

    def _hang_up(self, *, linger: bool) -> None:
        self._deaf = True
        self._ahead.clear()
        if linger and self._transport.can_write_eof():
            self._transport.write_eof()
            asyncio.get_running_loop().call_later(LINGER_S, self._transport.close)
        else:
            self._transport.close()

    # ------------------------------------------------------------------ refusals

    def _refuse(self, status: int, reason: str) -> None:
        """Answers in its turn and reads no further: after this the stream of bytes makes no sense any more."""
        self._receiving, self._chunks, self._deaf = False, [], True
        head = Head(b"", self._url, {}, keep_alive=False, old=False)
        self._take(Request(head, b"", perf_counter_ns(), refusal=refuse(status, reason, close=True)))

    def _too_large(self) -> None:
        self._refuse(
            413, f"the request is larger than {self._connections.max_request_bytes} bytes, this server's limit"
        )

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431, f"the request's headers are larger than {MAX_HEAD_BYTES} bytes")

    def _unpack(self, request: Request) -> Answer | None:
        """Undoes gzip or deflate, up to the size limit; an answer if that cannot be."""
        encoding = request.head.headers[b"content-encoding"].strip().lower()
        if encoding == b"identity":
            return None
        if encoding not in (b"gzip", b"x-gzip", b"deflate"):
            return refuse(415, f"Content-Encoding {encoding.decode('latin-1')!r} is not known; gzip and deflate are")
        most = self._connections.max_request_bytes
        unpacker = zlib.decompressobj(wbits=47)  # gzip or zlib, whichever its header says
        try:
            request.body = unpacker.decompress(request.body, most)
        except zlib.error as error:
            return refuse(400, f"the body is not what Content-Encoding says: {error}")
        if unpacker.unconsumed_tail:
            return refuse(413, f"the unpacked request is larger than {most} bytes, this server's limit")
        return None if unpacker.eof else refuse(400, "the body ends in the middle of its compressed data")


def _path(target: bytes) -> bytes:
    """The path of a request's target, without its query.

    A target may be a whole URL (RFC 9112, 3.2.2): clients write it so for a proxy.
    """
    path = target.partition(b"?")[0]
    if not path.startswith(b"/") and b"://" in path:
        path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
    return path

"""HTTP/1.1 from the client's side, as little of it as inference servers need: one answer at a time on a connection.

Pure: bytes in, answers out, however the network cut them.
"""

from __future__ import annotations

from typing import NamedTuple


class Answer(NamedTuple):
    """A complete answer. `head` is in lower case; `keep` says whether the connection may be used again."""

    status: int
    head: bytes
    body: bytes
    keep: bool


class Reader:
    """Puts answers together from the pieces that arrive on one connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head = b""
        self._body_at = 0
        self._length: int | None = 0

    @property
    def size(self) -> int:
        """How many bytes of an unfinished answer there are."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Answer | None:
        """The answer that these bytes complete, if they do.

        Raises:
            ValueError: this is no HTTP, or more came than was asked for.
        """
        buffer = self._buffer
        buffer += data
        while not self._head:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return None
            self._begin(bytes(buffer[:end]).lower(), end + 4)
        if self._length is None:
            return self._chunked() if b"\r\ntransfer-encoding:" in self._head else None
        end = self._body_at + self._length
        if len(buffer) < end:
            return None
        return self._complete(bytes(buffer[self._body_at : end]), end)

    def close(self) -> Answer | None:
        """The answer that ends with the connection, if this is one."""
        if not self._head or self._length is not None or b"\r\ntransfer-encoding:" in self._head:
            return None
        return self._complete(bytes(self._buffer[self._body_at :]), len(self._buffer))

    def _begin(self, head: bytes, body_at: int) -> None:
        if not head.startswith(b"http/1."):
            raise ValueError("no HTTP/1 answer")
        if head[9:10] == b"1":
            del self._buffer[:body_at]
            return
        self._head, self._body_at = head, body_at
        if b"\r\ntransfer-encoding:" in head:
            self._length = None
        elif (length := field(head, b"content-length")) is not None:
            self._length = int(length)
        else:
            self._length = 0 if head[9:12] in (b"204", b"304") else None

    def _chunked(self) -> Answer | None:
        """All chunks, when the last one is there. Trailers are skipped."""
        at, parts = self._body_at, list[bytes]()
        while (line := self._buffer.find(b"\r\n", at)) >= 0:
            size = int(bytes(self._buffer[at:line]).split(b";")[0], 16)
            if size == 0:
                end = self._buffer.find(b"\r\n\r\n", line)
                return None if end < 0 else self._complete(b"".join(parts), end + 4)
            if size < 0:
                raise ValueError("a chunk of negative size")
            at = line + 2 + size + 2
            parts.append(bytes(self._buffer[line + 2 : at - 2]))
        return None

    def _complete(self, body: bytes, end: int) -> Answer:
        if len(self._buffer) > end:
            raise ValueError("more bytes than the answer has")
        head, status = self._head, int(self._head[9:12])
        ends_with_connection = self._length is None and b"\r\ntransfer-encoding:" not in head
        keep = not ends_with_connection and b"\r\nconnection: close" not in head and not head.startswith(b"http/1.0")
        self._buffer.clear()
        self._head = b""
        return Answer(status, head, body, keep)


def field(head: bytes, name: bytes) -> bytes | None:
    """The value of a field of a lower-case head."""
    _, found, rest = head.partition(b"\r\n" + name + b":")
    return rest.split(b"\r\n", 1)[0].strip() if found else None

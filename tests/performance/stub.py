"""A server that only pretends to infer: `python -m tests.performance.stub CPU WORK_S` prints its port and answers.

It uses its core for `WORK_S` seconds a request and answers every body the same, so that whatever loads it measures the
load generator: with no work, how punctually it sends; with some, whether it keeps a busy server busy.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen
from typing import Final, cast

import uvloop

BODY: Final = b'{"outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[0.0,1.0]}]}'
ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@contextmanager
def running(cpu: int, work_s: float) -> Iterator[int]:
    """A stub on that CPU; yields its port."""
    command = [sys.executable, "-m", "tests.performance.stub", str(cpu), str(work_s)]
    with Popen(command, stdout=PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


class Stub(asyncio.Protocol):
    """One connection; requests come one after the other, as all the load generators here send them."""

    def __init__(self, work_s: float) -> None:
        self._work_s, self._received = work_s, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(b"\r\n\r\n") + 4
        if head < 4 or (length := LENGTH.search(self._received, 0, head)) is None:
            return
        if len(self._received) < head + int(length[1]):
            return
        self._received = b""
        end = time.perf_counter() + self._work_s
        while time.perf_counter() < end:
            pass
        self._transport.write(ANSWER)


async def serve(work_s: float) -> None:
    """Listen on a free port, and say which."""
    server = await asyncio.get_running_loop().create_server(lambda: Stub(work_s), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[1])})
    uvloop.run(serve(float(sys.argv[2])))

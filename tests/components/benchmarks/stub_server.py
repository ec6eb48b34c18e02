"""A small HTTP server that behaves well or badly as the name of the model in the address says; run as a process.

`good` answers with the row's first value as the label (one-hot of ten), so that accuracy is known; the others are the
ways in which servers fail. The first line of standard output is the port.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from subprocess import PIPE, Popen

SLOW_S = 0.02
Reply = tuple[int, dict[str, str], bytes]


@contextmanager
def running(count: int = 1) -> Iterator[list[int]]:
    """Stub servers as processes of their own; yields their ports."""
    processes = [Popen([sys.executable, __file__], stdin=PIPE, stdout=PIPE, text=True) for _ in range(count)]
    try:
        yield [int(process.stdout.readline()) for process in processes if process.stdout]
    finally:
        for process in processes:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, path, *_ = head.split()
            fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head.splitlines()[1:])}
            body = await reader.readexactly(int(fields.get("content-length", 0)))
            model = path.split("/")[3].partition(":")[0] if path.count("/") > 2 else ""
            status, more, answer = reply(path, model, fields, body) if method == "POST" else told(path, model)
            if not await send(writer, model, status, more, answer):
                break
    writer.close()


async def send(writer: asyncio.StreamWriter, model: str, status: int, more: dict[str, str], answer: bytes) -> bool:
    """Send an answer in the manner of the model; whether the connection goes on."""
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in more.items())]
    match model:
        case "hang":
            await asyncio.sleep(3600)
        case "slow":
            await asyncio.sleep(SLOW_S)
        case "cut":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf")
            return False
        case "babble":
            writer.write(b"220 smtp.example ESMTP\r\n\r\n")
            return True
        case "chunked":
            chunks = [answer[:7], answer[7:]]
            coded = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
            writer.write("\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""]).encode() + coded + b"0\r\n\r\n")
            return True
        case "closing":
            lines.append("Connection: close")
    writer.write("\r\n".join([*lines, f"Content-Length: {len(answer)}", "", ""]).encode() + answer)
    await writer.drain()
    return model != "closing"


def told(path: str, model: str) -> Reply:
    """Readiness and metadata."""
    if path.endswith("/ready"):
        return (200 if model != "unready" else 503), {}, b""
    inputs = [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}]
    known = {"name": model, "inputs": inputs, "parameters": {"digest": "d" * 64, "pid": os.getpid()}}
    return 200, {}, b"not told" if model == "silent" else json.dumps(known).encode()


def reply(path: str, model: str, fields: dict[str, str], body: bytes) -> Reply:
    match model:
        case "refusing":
            return 503, {"Retry-After": "1"}, b"{}"
        case "strict":
            return 400, {}, b'{"error": "no"}'
        case "nonsense":
            return 200, {}, b"<html>hello</html>"
    length = fields.get("inference-header-content-length")
    if path.startswith("/v1/"):
        return 200, {}, json.dumps({"predictions": rows_for(json.loads(body)["instances"])}).encode()
    request = json.loads(body[: int(length)] if length else body)
    shape = request["inputs"][0]["shape"]
    values = struct.unpack(f"<{shape[0] * shape[1]}f", body[int(length) :]) if length else request["inputs"][0]["data"]
    rows = rows_for([values[i : i + shape[1]] for i in range(0, len(values), shape[1])])
    output = {"name": "y", "shape": [len(rows), 10], "datatype": "FP32"}
    flat = [value for row in rows for value in row]
    if not length:
        return 200, {}, json.dumps({"outputs": [{**output, "data": flat}]}).encode()
    raw = struct.pack(f"<{len(flat)}f", *flat)
    described = {"outputs": [{**output, "parameters": {"binary_data_size": len(raw)}}]}
    header = json.dumps(described).encode()
    return 200, {"Inference-Header-Content-Length": str(len(header))}, header + raw


def rows_for(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """A one-hot row for each: the class is the row's first value."""
    return [[1.0 if i == int(row[0]) else 0.0 for i in range(10)] for row in rows]


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

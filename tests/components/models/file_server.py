"""A real HTTP server on this machine that can be unreliable: it cuts connections, changes files, answers errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """Serves `files` by path. Each entry of `faults` spoils one request: bytes after which to cut, or a status."""

    files: dict[str, bytes]
    etag: str | None = '"one"'
    ranges: bool = True
    length: bool = True
    faults: list[int | str] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    requests: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(server: FileServer) -> Iterator[FileServer]:
    """The server at work, at `server.url`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, server)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_port}"
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def answer(handler: BaseHTTPRequestHandler, server: FileServer) -> None:
    """Answer one request as a file server does, unless a fault is due."""
    server.requests.append({name.lower(): value for name, value in handler.headers.items()})
    fault = server.faults.pop(0) if server.faults else None
    path = handler.path.partition("?")[0]
    if isinstance(fault, str) or path not in server.files:
        moved = server.redirects.get(path)
        handler.send_response(int(fault) if isinstance(fault, str) else 302 if moved else 404)
        handler.send_header("Content-Length", "0")
        if moved:
            handler.send_header("Location", moved)
        handler.end_headers()
        return
    content = server.files[path]
    begin = _begin(handler, server)
    if begin and begin >= len(content):
        handler.send_response(416)
        handler.send_header("Content-Range", f"bytes */{len(content)}")
        handler.end_headers()
        return
    handler.send_response(206 if begin else 200)
    if begin:
        handler.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
    if server.etag:
        handler.send_header("ETag", server.etag)
    if server.length:
        handler.send_header("Content-Length", str(len(content) - begin))
    handler.end_headers()
    handler.wfile.write(content[begin : begin + fault] if fault else content[begin:])
    handler.close_connection = True


def _begin(handler: BaseHTTPRequestHandler, server: FileServer) -> int:
    asked, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
    if not asked or not server.ranges or (condition and condition != server.etag):
        return 0
    return int(asked.removeprefix("bytes=").rstrip("-"))
